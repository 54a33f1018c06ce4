"""The console's style sheet, scripts and pictures, at addresses that change with what they hold."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

_FOLDER = Path(__file__).parent / "static"
_DIGITS = 16
_FOR_EVER = "public, max-age=31536000, immutable"
_MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

PATH = "/static/{digest}/{name}"


@dataclass(frozen=True, slots=True)
class _File:
    content_type: str
    content: bytes = field(repr=False)


class Assets:
    """Every file of a folder, in memory.

    One digest stands for all of them, so that a script can import another by its name alone.
    """

    def __init__(self, folder: Path = _FOLDER) -> None:
        self._files = {path.name: _read(path) for path in sorted(folder.iterdir())}
        digest = hashlib.sha256()
        for name, each in self._files.items():
            digest.update(name.encode() + b"\0" + each.content + b"\0")
        self.digest = digest.hexdigest()[:_DIGITS]

    def url(self, name: str) -> str:
        """Return the address of a file.

        Raises:
            KeyError: There is none of this name.
        """
        if name not in self._files:
            raise KeyError(name)
        return PATH.format(digest=self.digest, name=name)

    async def answer(self, request: web.Request) -> web.Response:
        """Answer a request for a file."""
        found = self._files.get(request.match_info["name"])
        if found is None or request.match_info["digest"] != self.digest:
            raise web.HTTPNotFound
        return self._response(found, {"Cache-Control": _FOR_EVER})

    async def icon(self, _request: web.Request) -> web.Response:
        """Answer those who ask for an icon where icons used to be."""
        return self._response(self._files["favicon.svg"], {"Cache-Control": "max-age=3600"})

    def _response(self, found: _File, fields: dict[str, str]) -> web.Response:
        headers = {"Content-Type": found.content_type, **fields}
        response = web.Response(body=found.content, headers=headers)
        response.enable_compression()
        return response


def _read(path: Path) -> _File:
    return _File(f"{_MEDIA_TYPES[path.suffix]}; charset=utf-8", path.read_bytes())


ASSETS = Assets()
