"""A browser without eyes: it keeps cookies, and sends forms as the page that it has open would."""

import html
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import argon2
import orjson
from multidict import CIMultiDictProxy
from yarl import URL

from proxy.admin.auth.passwords import keep_hash
from proxy.app.gateway import Gateway
from proxy.clock import utc_now

PASSWORD = "walnut harbour lantern 7"


async def give_password(gateway: Gateway) -> None:
    """Let the console have PASSWORD, by a hash that takes no time: a usual one takes 64 MiB."""
    quick = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    await keep_hash(gateway.context.database, quick, at=utc_now(), actor="test")
    await gateway.console.password.read()


@dataclass(frozen=True, slots=True)
class Page:
    """An answer of the console."""

    status: int
    fields: CIMultiDictProxy[str]
    text: str

    @property
    def json(self) -> Any:
        """The document of an answer of the API."""
        return orjson.loads(self.text)

    @property
    def words(self) -> str:
        """The page's text without its markup."""
        without = re.sub(r"<(script|style|svg).*?</\1>|<[^>]*>", " ", self.text, flags=re.DOTALL)
        return " ".join(html.unescape(without).split())


class Visitor:
    """Somebody at the admin listener."""

    def __init__(self, http: aiohttp.ClientSession, base: str) -> None:
        self._http = http
        self.base = base
        self.csrf = ""

    @property
    def cookies(self) -> dict[str, str]:
        """What the browser keeps."""
        return {each.key: each.value for each in self._http.cookie_jar}

    def take(self, **cookies: str) -> None:
        """Put cookies into the browser."""
        self._http.cookie_jar.update_cookies(cookies, URL(self.base))

    async def ask(
        self, method: str, path: str, *, fields: Mapping[str, str] | None = None, data: Any = None
    ) -> Page:
        """Send a request as it is, following nothing."""
        url = path if path.startswith("http") else self.base + path
        async with self._http.request(
            method,
            URL(url, encoded=True),
            headers=dict(fields or {}),
            data=data,
            allow_redirects=False,
        ) as response:
            page = Page(response.status, response.headers, await response.text())
        token = re.search(r'<meta name="csrf" content="(\w+)"', page.text)
        if token is not None:
            self.csrf = token[1]
        return page

    async def get(self, path: str, **fields: str) -> Page:
        """Open a page; fields are named with underscores for hyphens."""
        named = {name.replace("_", "-"): value for name, value in fields.items()}
        return await self.ask("GET", path, fields=named)

    async def send(self, path: str, **typed: str) -> Page:
        """Send a form of the page that is open."""
        data = {"csrf": self.csrf, **typed}
        return await self.ask("POST", path, data=data, fields={"Sec-Fetch-Site": "same-origin"})

    async def call(
        self, method: str, path: str, content: Any = None, *, token: str | None = None
    ) -> Page:
        """Call the API, as a script of the page that is open, or as a machine with a token."""
        fields = {"Content-Type": "application/json"} if content is not None else {}
        fields |= {"Authorization": f"Bearer {token}"} if token else {"X-CSRF-Token": self.csrf}
        data = orjson.dumps(content) if content is not None else None
        return await self.ask(method, path, fields=fields, data=data)

    async def enter(self, link: str) -> None:
        """Sign in by a link, and open the first page."""
        assert (await self.get(link)).status == 303
        assert (await self.get("/")).status == 200

    async def sign_in(self, password: str = PASSWORD) -> Page:
        """Sign in by the password."""
        await self.get("/login")
        page = await self.send("/login", password=password)
        await self.get("/")
        return page


@asynccontextmanager
async def visitor(gateway: Gateway) -> AsyncIterator[Visitor]:
    """Give somebody unknown at the admin listener of a gateway."""
    jar = aiohttp.CookieJar(unsafe=True)  # it takes the cookies of an address without a name
    async with aiohttp.ClientSession(cookie_jar=jar) as http:
        yield Visitor(http, gateway.admin_url)
