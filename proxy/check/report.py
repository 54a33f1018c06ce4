"""What ``check --report`` writes: how a tenant behaves, in a form that can be sent to strangers.

Rule: of what THRON answered only the shape goes in: statuses, media types, names of members, codes
and other words of THRON's own. Every other text that THRON, the settings or the connectors gave is
remembered while it is recorded, and masked wherever the report would show it.
"""

import platform
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from urllib.parse import unquote, urlsplit

import aiohttp
import orjson

from proxy import __version__
from proxy.connectors.model import Connector
from proxy.delivery.explain import DiagnosisStep
from proxy.delivery.http_client import HttpResponse
from proxy.settings import Settings, env_name
from proxy.thron.exchange import Reply, Request

_MASK = "***"

# Members whose values are words of THRON's or of a standard, and the form of those.
_WORD_MEMBERS = frozenset(
    {"availableChannels", "channelType", "contentType", "extension", "lang", "locale"}
    | {
        "metadataType",
        "mimeType",
        "mimetype",
        "publishingStatus",
        "resultCode",
        "ssoCode",
        "status",
    }
)
_WORD = re.compile(r"[A-Za-z]{2,}[A-Za-z_0-9]{0,30}([-/][A-Za-z0-9.+-]{1,60})?")
# A member's name is kept if it can be a name in a program; maps may have ids for names.
_MEMBER = re.compile(r"[A-Za-z_][A-Za-z_]{0,40}[0-9]{0,2}")
# The segments of THRON's own paths; every other one is somebody's.
_SEGMENTS = frozenset(
    {"api", "xadmin", "xcontents", "xintelligence", "xsso", "resources", "accessmanager", "apps"}
    | {"category", "classification", "content", "dashboard", "imetadatadefinition", "list"}
    | {"detailSource", "downloadSource", "downloadSourceFile", "findByProperties", "search", "su"}
    | {"findByProperties2", "getCategory", "loginApp", "validateToken", "static", "std"}
    | {"delivery", "public", "audio", "document", "image", "thumbnail", "video"}
)
_CHANNEL = re.compile(r"STREAM[A-Z]*|WEB[A-Z]*")
_UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_URL = re.compile(r"[a-z]+://[^\s;,'\"]+")
_HOST = re.compile(
    r"\b[\w-]+(\.[\w-]+)*\.[a-z]{2,}(:\d+)?\b|\b\d+(\.\d+){3}(:\d+)?\b|\[[0-9a-f:]+\](:\d+)?"
)
_PATH = re.compile(r"(?<![\w<])(/[\w.~*%-]+){2,}")
_NAMED = re.compile(r"'[^']*'")
# Of an origin's answer; others may tell names, or be signed.
_FIELDS = (
    *("Accept-Ranges", "Age", "Cache-Control", "Content-Encoding", "Content-Range", "Content-Type"),
    *("Retry-After", "Server", "Transfer-Encoding", "Vary"),
)
_SHORTEST = 3  # a shorter text would mask parts of words


@dataclass(slots=True)
class Recording:
    """What THRON and its origins answered, as shapes, and the texts to mask.

    Attributes:
        answers: In their order.
        private: Texts to mask.
    """

    answers: list[dict[str, Any]] = field(default_factory=list)
    private: set[str] = field(default_factory=set)

    def on_reply(self, request: Request, reply: Reply) -> None:
        """Record an answer of THRON's API."""
        noted: dict[str, Any] = {
            "asked": f"{request.method} {_path(request.path)}",
            "status": reply.status,
            "media_type": reply.media_type,
            "octets": len(reply.body),
        }
        self.private.update(_names(request.path))
        self.private.update(value for _, value in (*request.query, *request.form))
        try:
            document = orjson.loads(reply.body)
        except orjson.JSONDecodeError:
            noted["shape"] = "no JSON"
        else:
            self.private.update(_texts(document))
            noted["shape"] = shape(document)
        self.answers.append(noted)

    def heard_origin(self, response: HttpResponse) -> None:
        """Record an answer of an origin."""
        url = response.url
        self.private.update(_names(url.raw_path))
        self.private.update(value for value in url.query.values() if not _is_word(value))
        query = "".join(f" ?{name}" for name in url.query if _MEMBER.fullmatch(name))
        self.answers.append(
            {
                "asked": f"{response.method} {url.scheme}://{_MASK}{_path(url.raw_path)}{query}",
                "status": response.status,
                "fields": {
                    name: response.fields[name] for name in _FIELDS if name in response.fields
                },
                "has": [
                    name
                    for name in ("Content-Length", "ETag", "Last-Modified", "Location")
                    if name in response.fields
                ],
            }
        )


def report(
    steps: Sequence[DiagnosisStep],
    recording: Recording,
    *,
    settings: Settings,
    connectors: Sequence[Connector],
) -> bytes:
    """Return the report as JSON that is read by people too."""
    private = set(recording.private)
    for name in settings.model_fields_set:
        private.update(_texts_within(getattr(settings, name)))
    for url in (settings.api_base, settings.cdn_base, settings.public_base):
        private.add(urlsplit(url).netloc)
    for connector in connectors:
        for _, value in connector:
            private.update(_texts_within(value))
    document: dict[str, Any] = {
        "versions": {
            "thron-connector": __version__,
            "python": platform.python_version(),
            "aiohttp": aiohttp.__version__,
            "system": f"{platform.system()} {platform.machine()}",
        },
        "settings": {
            env_name(name): _reported(getattr(settings, name))
            for name in sorted(settings.model_fields_set)
        },
        "connectors": [
            {name: _reported(value) for name, value in connector} for connector in connectors
        ],
        "steps": [{"ok": step.is_ok, "title": step.title, "detail": step.detail} for step in steps],
        "answers": recording.answers,
    }
    # A text that is a word of THRON's paths, such as "content", tells nothing. The longest first,
    # as a shorter one may be its beginning.
    names = (each for each in private if len(each) >= _SHORTEST and each.lower() not in _SEGMENTS)
    alternatives = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    words = re.compile(rf"(?<!\w)(?:{alternatives})(?!\w)", re.IGNORECASE)
    # Steps are sentences, which may quote anything; the rest has been reduced to shapes.
    document = {
        name: _masked(
            each, (_URL, _UUID, words, _NAMED, _HOST, _PATH) if name == "steps" else (words,)
        )
        for name, each in document.items()
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2)


def shape(value: Any, *, member: str = "") -> Any:
    """Return what kind of JSON a value is: its members, and THRON's own words among its texts."""
    if isinstance(value, dict):
        return {
            name if _MEMBER.fullmatch(name) else _MASK: shape(each, member=name)
            for name, each in value.items()
        }
    if isinstance(value, list):
        # Those of one kind once, so that a page of fifty contents is no longer than one.
        kinds = {
            orjson.dumps(each, option=orjson.OPT_SORT_KEYS): each
            for each in (shape(each, member=member) for each in value)
        }
        return [f"{len(value)} of", *list(kinds.values())[:5]]
    if isinstance(value, str):
        return value if member in _WORD_MEMBERS and _is_word(value) else "text"
    if isinstance(value, bool):
        return value
    return "null" if value is None else "number"


def _texts(value: Any, *, member: str = "") -> Iterator[str]:
    """Yield the texts of a document that must be masked."""
    if isinstance(value, dict):
        for name, each in value.items():
            if not _MEMBER.fullmatch(name):
                yield name
            yield from _texts(each, member=name)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each, member=member)
    elif isinstance(value, str) and not (member in _WORD_MEMBERS and _is_word(value)):
        yield value


def _is_word(text: str) -> bool:
    return _WORD.fullmatch(text) is not None


def _path(path: str) -> str:
    segments = path.split("/")
    return "/".join(each if not each or _is_throns(each) else _MASK for each in segments)


def _is_throns(segment: str) -> bool:
    return segment in _SEGMENTS or _CHANNEL.fullmatch(segment) is not None


def _reported(value: Any) -> Any:
    """Return a number, a boolean or an enumeration value; of anything else that it is set."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, frozenset) and all(isinstance(each, Enum) for each in value):
        return sorted(str(each.value) for each in value)
    return "set" if value else "empty"


def _texts_within(value: Any) -> Iterator[str]:
    if isinstance(value, Enum) or value is None or isinstance(value, (bool, int, float)):
        return
    if isinstance(value, (tuple, list, frozenset)):
        for each in value:
            yield from _texts_within(each)
    elif hasattr(value, "get_secret_value"):
        yield value.get_secret_value()
    else:
        yield str(value)


def _names(path: str) -> Iterator[str]:
    """Yield the segments that are not THRON's own, as they are and decoded."""
    for each in path.split("/"):
        if not _is_throns(each):
            yield from (each, unquote(each))


def _masked(value: Any, patterns: Sequence[re.Pattern[str]]) -> Any:
    """Return a document with every match of a pattern masked."""
    if isinstance(value, Mapping):
        return {name: _masked(each, patterns) for name, each in value.items()}
    if isinstance(value, list):
        return [_masked(each, patterns) for each in value]
    if isinstance(value, str):
        for pattern in patterns:
            value = pattern.sub(_MASK, value)
    return value
