"""A running sandbox, and a plain client that follows nothing and decodes nothing."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import orjson
import pytest
from yarl import URL

from proxy.sandbox.server import Sandbox
from tests.sandbox.small import library


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.time_s = 1_750_000_000.0

    def __call__(self) -> float:
        """Return unix seconds."""
        return self.time_s

    def pass_by(self, seconds: float) -> None:
        """Move on."""
        self.time_s += seconds


class Answer:
    """An answer read whole."""

    def __init__(self, response: aiohttp.ClientResponse, body: bytes) -> None:
        self.status = response.status
        self.fields = response.headers
        self.media_type = response.content_type
        self.body = body

    @property
    def json(self) -> Any:
        """The body read as JSON."""
        return orjson.loads(self.body)

    @property
    def location(self) -> str:
        """Where a redirect leads."""
        return self.fields["Location"]


class Caller:
    """Asks the sandbox as anyone would, with a token once logged in."""

    def __init__(self, http: aiohttp.ClientSession, thron: Sandbox) -> None:
        self._http = http
        self.thron = thron
        self.token = ""

    async def ask(self, method: str, url: str, **more: Any) -> Answer:
        """Send one request; the URL is sent byte for byte."""
        base = self.thron.api_url if url.startswith("/") else ""
        async with self._http.request(
            method, URL(base + url, encoded=True), allow_redirects=False, **more
        ) as response:
            return Answer(response, await response.read())

    async def get(self, url: str, **fields: str) -> Answer:
        """GET with the token, and fields named with underscores for hyphens."""
        return await self.ask("GET", url, headers=self._fields(fields))

    async def post(self, url: str, body: Any, **fields: str) -> Answer:
        """POST a JSON body with the token."""
        return await self.ask("POST", url, json=body, headers=self._fields(fields))

    async def plain(self, url: str, method: str = "GET", **fields: str) -> Answer:
        """Ask without a token."""
        named = {name.replace("_", "-"): value for name, value in fields.items()}
        return await self.ask(method, url, headers=named)

    async def login(self, **form: str) -> Answer:
        """Log in, and keep the token."""
        known = {"appId": self.thron.app_id, "appKey": self.thron.app_key}
        path = f"/api/xadmin/resources/apps/loginApp/{self.thron.client_id}"
        answer = await self.ask("POST", path, data={**known, **form})
        if answer.status == 200:
            self.token = answer.json.get("appUserTokenId", "")
        return answer

    async def search(self, criteria: dict[str, Any], *fields: str, **more: Any) -> Answer:
        """Search with these criteria for these details."""
        options = {"returnDetailsFields": list(fields), **more.pop("options", {})}
        body = {"criteria": criteria, "responseOptions": options, **more}
        return await self.post(
            f"/api/xcontents/resources/content/search/{self.thron.client_id}", body
        )

    async def control(self, path: str, body: Any = None) -> Answer:
        """Use a control endpoint."""
        return await self.ask("POST", f"/sandbox/{path}", json=body)

    def delivery(self, kind: str, key: str, *rest: str) -> str:
        """Return a delivery/public address."""
        start = f"{self.thron.cdn_url}/delivery/public/{kind}/{self.thron.client_id}"
        return "/".join((start, key, str(self.thron.pkey), *rest))

    def _fields(self, fields: dict[str, str]) -> dict[str, str]:
        named = {name.replace("_", "-"): value for name, value in fields.items()}
        return {"X-TOKENID": self.token, **named}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def thron(clock: Clock) -> AsyncIterator[Sandbox]:
    async with Sandbox(library=library(), now=clock) as sandbox:
        yield sandbox


@pytest.fixture
async def stranger(thron: Sandbox) -> AsyncIterator[Caller]:
    async with aiohttp.ClientSession(auto_decompress=False) as http:
        yield Caller(http, thron)


@pytest.fixture
async def caller(stranger: Caller) -> Caller:
    await stranger.login()
    return stranger
