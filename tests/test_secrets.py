"""Nothing secret in any output: app key, tokens, share key and signatures, come what may."""

import asyncio
import signal
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from yarl import URL

from proxy.connectors.model import DeliveryMode
from proxy.sandbox.faults import Fault, Kind, Where
from proxy.sandbox.record import Recorded
from proxy.sandbox.server import Sandbox
from tests.logs import logged
from tests.process import environ_for, run, served
from tests.running import by_id, by_name, running

# What a client sends of its own, and no origin may see.
CLIENTS_OWN = {
    "Cookie": "session=c00kie-of-the-client",
    "Authorization": "Bearer authorization-of-the-client",
    "Accept": "application/x-accept-of-the-client",
    "Accept-Encoding": "x-coding-of-the-client",
    "X-Hop": "hop-of-the-client",
    "Connection": "X-Hop",
    "X-Token": "token-of-the-client",
    "X-TOKENID": "tokenid-of-the-client",
    "Referer": "https://referer.of.the.client/",
    "Proxy-Authorization": "Basic proxy-of-the-client",
}
OF_THE_CLIENT = "of-the-client"
_SIGNATURE = 64  # characters of the sandbox's signatures

CONNECTORS = """
[[connector]]
slug = "published"
folder = "{folder}"
identifier = "content_id"
delivery = "published"

[[connector]]
slug = "original"
folder = "{folder}"
identifier = "pretty_id"
delivery = "original"

[[connector]]
slug = "secure"
folder = "{folder}"
identifier = "content_id"
force_https = true
"""

FILM = "strada-sl-film"


@dataclass(slots=True)
class Heard:
    """All that was said to anyone: what clients were answered, what was logged and printed."""

    texts: list[tuple[str, str]] = field(default_factory=list)

    def note(self, where: str, text: str) -> None:
        """Keep a text and where it was heard."""
        self.texts.append((where, text))

    def betrayals(self, secrets: frozenset[str]) -> list[str]:
        """Return where which secret was heard, plainly or percent-encoded."""
        return [
            f"{where} tells {secret}: ...{text[max(0, at - 80) : at + 80]}..."
            for where, text in self.texts
            for secret in secrets
            for spelt in {secret, quote(secret, safe="")}
            if (at := max(text.find(spelt), unquote(text).find(spelt))) >= 0
        ]


async def _ask(http: aiohttp.ClientSession, heard: Heard, method: str, url: str) -> int | None:
    """Ask as a client that sends what is its own; note the answer, or how it broke."""
    try:
        async with http.request(
            method, URL(url, encoded=True), headers=CLIENTS_OWN, allow_redirects=False
        ) as answer:
            fields = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
            heard.note(f"the fields of {method} {url} ({answer.status})", fields)
            assert "Set-Cookie" not in answer.headers
            content = await answer.content.read(4096 if answer.status < 300 else -1)
            if answer.status >= 300:
                heard.note(f"the answer to {method} {url}", content.decode("latin-1"))
            return answer.status
    except aiohttp.ClientError as exc:
        heard.note(f"the broken answer to {method} {url}", repr(exc))
        return None


Story = Callable[[Sandbox], None]


def _api_down(thron: Sandbox) -> None:
    thron.api_down = True


def _faults(*faults: Fault) -> Story:
    def story(thron: Sandbox) -> None:
        thron.faults.add(*faults)

    return story


def _switched(**changed: object) -> Story:
    def story(thron: Sandbox) -> None:
        for name, value in changed.items():
            setattr(thron.switches, name, value)

    return story


def _tokens_end(thron: Sandbox) -> None:
    thron.expire_tokens()


def _app_disabled(thron: Sandbox) -> None:
    thron.tenant.app.active = False
    thron.expire_tokens()


def _pkey_changed(thron: Sandbox) -> None:
    thron.tenant.new_pkey()


def _everywhere(kind: Kind, *, times: int | None = 3, status: int | None = None) -> Story:
    places: tuple[Where, ...] = ("api", "delivery", "static", "source", "storage")
    return _faults(*(Fault(kind, where, times, status=status) for where in places))


def _torn(thron: Sandbox) -> None:
    places: tuple[Where, ...] = ("static", "source", "storage")
    for where in places:
        thron.faults.tear_after(1000, where=where, times=None)


STORIES: tuple[tuple[str, Story], ...] = (
    ("all is well", lambda _: None),
    ("signed targets", _switched(token_protection=True)),
    ("two hops", _switched(token_protection=True, redirect_hops=2)),
    ("sources from storage", _switched(source_by="redirect")),
    ("tokens in the query", _switched(source_token_in=("GET query", "POST form"))),
    ("tokens in the form", _switched(source_token_in=("POST form",))),
    ("tokens end", _tokens_end),
    ("tokens end, told in an envelope", _switched(expired_as="418 envelope")),
    ("the share key changes", _pkey_changed),
    ("5xx", _everywhere(Kind.STATUS)),
    ("403", _everywhere(Kind.STATUS, status=403)),
    ("404", _everywhere(Kind.STATUS, status=404)),
    ("429", _everywhere(Kind.BUSY)),
    ("HTML with 200", _everywhere(Kind.HTML)),
    ("an envelope with 200", _everywhere(Kind.ENVELOPE)),
    ("resets", _everywhere(Kind.RESET)),
    ("empty answers", _everywhere(Kind.EMPTY)),
    ("redirect loops", _everywhere(Kind.REDIRECT_LOOP)),
    ("no such host", _everywhere(Kind.DNS)),
    ("no TLS", _everywhere(Kind.TLS)),
    (
        "a redirect to a private host",
        _faults(
            Fault(Kind.REDIRECT_TO, "delivery", 3, location="http://10.0.0.1/x?tokenId=t"),
            Fault(Kind.REDIRECT_TO, "source", 3, location="https://example.invalid/x"),
        ),
    ),
    ("torn bodies", _torn),
    ("refused sources", _switched(source_denied_as="200 html")),
    ("API down", _api_down),
    ("the app is disabled", _app_disabled),
)


def _paths(thron: Sandbox) -> Iterator[str]:
    film = thron.tenant.find(FILM).id
    yield f"/published/{film}"
    yield f"/original/en/{FILM}/film.mp4?inline"
    yield f"/secure/{film}?download"
    yield f"/published/{uuid.uuid4()}"  # never asked before
    yield from ("/published/none", "/original/en/none", "/nothing", "/%00", "/-/readyz")


async def _live_through(thron: Sandbox, public: str, admin: str, heard: Heard) -> set[int | None]:
    """Ask for everything in every story, and note all that is answered."""
    statuses: set[int | None] = set()
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        for _, story in STORIES:
            story(thron)
            for path in _paths(thron):
                for method in ("GET", "HEAD"):
                    statuses.add(await _ask(http, heard, method, public + path))
            for probe in ("/readyz", "/metrics"):
                async with http.get(admin + probe) as answer:
                    heard.note(probe, await answer.text())
            thron.faults.clear()
            thron.api_down = False
    return statuses


def _leaks_inbound(thron: Sandbox) -> list[str]:
    """Return what origins were told that is not for them."""
    return [
        f"{entry.listener} {entry.method} {entry.path}: {secret}"
        for entry in thron.log
        for secret in _not_for(entry, thron)
        if entry.holds(secret)
    ]


def _not_for(entry: Recorded, thron: Sandbox) -> set[str]:
    """Return the secrets that a request may not hold."""
    tokens = set(thron.tokens.all)
    match entry.listener:
        case "api":
            # The token goes to the API alone, the app key into the form of a login alone.
            key = set() if "/loginApp/" in entry.path else {thron.app_key}
            return {OF_THE_CLIENT, "of.the.client", *key}
        case "cdn":
            pkeys = set() if entry.path.startswith("/delivery/public/") else set(thron.tenant.pkeys)
            return {OF_THE_CLIENT, "of.the.client", thron.app_key, *tokens, *pkeys}
        case _:
            others = {thron.app_key, *tokens, *thron.tenant.pkeys}
            return {OF_THE_CLIENT, "of.the.client", *others}


def _note_files(directory: Path, heard: Heard) -> None:
    for file in directory.glob("connector.db*"):
        heard.note(file.name, file.read_bytes().decode("latin-1"))


def _meaningful(secrets: frozenset[str]) -> frozenset[str]:
    assert len(secrets) >= 3
    assert all(len(secret) > 5 for secret in secrets)
    return secrets


def test_a_betrayal_would_be_heard() -> None:
    """The tests below have ears: a secret is found plainly, and percent-encoded."""
    heard = Heard()
    heard.note("a log", "GET /x?tokenId=a%2Fb%3D")
    heard.note("an answer", "see https://cdn.example/a/b=/film.mp4")
    heard.note("metrics", "nothing")
    assert len(heard.betrayals(frozenset({"a/b="}))) >= 2


async def test_process_that_serves(tmp_path: Path) -> None:
    """A serving process tells no secret to clients, origins, monitors or its log."""
    heard = Heard()
    async with Sandbox() as thron:
        environ = await _set_up(thron, tmp_path, heard)
        async with served(environ) as (process, public, admin):
            statuses = await _live_through(thron, f"http://{public}", f"http://{admin}", heard)
            process.tell(signal.SIGTERM)
            assert await asyncio.to_thread(process.status) == 0
        heard.note("the log", process.output)
        assert any(len(each) == _SIGNATURE for each in thron.secrets), "targets were signed"
        assert statuses >= {200, 301, 400, 404, 502, 503}
        assert not heard.betrayals(_meaningful(thron.secrets))
        assert OF_THE_CLIENT not in process.output
        assert not _leaks_inbound(thron)


async def test_this_process(tmp_path: Path) -> None:
    """The parts themselves, printed, tell no secret, nor does their log."""
    heard = Heard()
    async with Sandbox() as thron:
        wanted = (
            by_id(thron, "published", delivery=DeliveryMode.PUBLISHED),
            by_name(thron, "original"),
            by_id(thron, "secure", force_https=True),
        )
        with logged() as log:
            async with running(thron, tmp_path, *wanted, resolution_ttl_s=1e-6) as whole:
                gateway = whole.gateway
                session = await whole.tenant.thron.session()
                await _live_through(thron, gateway.public_url, gateway.admin_url, heard)
                for part in (
                    gateway,
                    gateway.context,
                    gateway.context.settings,
                    whole.tenant,
                    session,
                ):
                    heard.note(f"repr of {type(part).__name__}", repr(part))
        heard.note("the log", log.text)
        assert not heard.betrayals(_meaningful(thron.secrets))
        assert OF_THE_CLIENT not in log.text
        assert not _leaks_inbound(thron)


async def test_secrets_that_a_client_sends(tmp_path: Path) -> None:
    """A token, pkey or app key in a path, a query or a Host is neither logged nor shown."""
    heard = Heard()
    async with Sandbox() as thron:
        published = by_id(thron, "published", delivery=DeliveryMode.PUBLISHED)
        wanted = (published, by_name(thron, "original"), by_id(thron, "secure", force_https=True))
        with logged() as log:
            async with running(thron, tmp_path, *wanted) as whole:
                session = await whole.tenant.thron.session()
                film = thron.tenant.find(FILM).id
                for secret in (session.token, session.pkey or "", thron.app_key):
                    for path in (
                        f"/published/{secret}",
                        f"/published/{film}/{secret}",
                        f"/published/{film}/film.mp4?tokenId={secret}",
                        f"/published/x%3FtokenId%3D{secret}",
                        f"/published/{'x' * 1000}{secret}{'x' * 1000}",
                        f"/original/en/{secret}/film.mp4",
                        f"/secure/{film}/{secret}",
                        f"/{secret}/{film}",
                    ):
                        await whole.get(path)
                    await whole.get(f"/published/{film}", Host=secret, X_Request_Id=secret)
                    await whole.ask("PUT", f"/published/{film}", Host=secret)
                async with whole.http.get(f"{whole.gateway.admin_url}/metrics") as answer:
                    heard.note("metrics", await answer.text())
                heard.note("recent requests", repr(whole.gateway.traffic.recent.newest()))
        heard.note("the log", log.text)
        assert len(log.of("download")) == 30
        assert not heard.betrayals(_meaningful(thron.secrets))


@pytest.mark.parametrize(
    "story",
    [
        pytest.param(lambda _: None, id="well"),
        pytest.param(
            _switched(token_protection=True, source_by="redirect", source_token_in=("GET query",)),
            id="tokens and signatures in targets",
        ),
        pytest.param(_everywhere(Kind.STATUS, times=None), id="5xx"),
        pytest.param(_api_down, id="API down"),
    ],
)
async def test_commands(tmp_path: Path, story: Story) -> None:
    """``check``, ``resolve`` and ``connectors`` print no secret, whether they succeed or fail."""
    heard = Heard()
    async with Sandbox() as thron:
        environ = await _set_up(thron, tmp_path, heard)
        story(thron)
        film = thron.tenant.find(FILM).id
        commands = (
            ("check",),
            ("connectors", "export"),
            ("resolve", f"http://127.0.0.1:8080/published/{film}"),
            ("resolve", f"http://127.0.0.1:8080/original/en/{FILM}"),
        )
        await asyncio.gather(*(_told(heard, *each, environ=environ) for each in commands))
        assert not heard.betrayals(_meaningful(thron.secrets))
        assert not any("Traceback" in text for _, text in heard.texts)


@pytest.mark.parametrize("given", [None, "secret-key-of-the-database-" + "k" * 16])
async def test_kept_secrets(tmp_path: Path, given: str | None) -> None:
    """Neither the database's files nor any output hold app key, tokens, pkey or their key."""
    heard = Heard()
    async with Sandbox() as thron:
        thron.switches.app_token_sees = False
        thron.tenant.app.can_disguise = True
        environ = await _set_up(thron, tmp_path, heard, TDC_USERNAME=thron.username)
        environ |= {"TDC_SECRET_KEY": given} if given is not None else {}
        async with served(environ) as (process, _, _):
            assert await _told(heard, "check", environ=environ) == 0
            _note_files(tmp_path, heard)
        heard.note("the log", process.output)
        # The server and both commands share a session, unless the database keeps one waiting.
        is_busy = any("session not shared" in text for _, text in heard.texts)
        assert thron.logins == 1 or is_busy
        assert any(where.startswith("connector.db") for where, _ in heard.texts)
        keys = {given} if given else {(tmp_path / "connector.secret.key").read_text().strip()}
        assert not heard.betrayals(_meaningful(thron.secrets | keys))


async def test_fields_of_an_origin(tmp_path: Path) -> None:
    """An origin's cookies, and the fields that its Connection names, end at the gateway."""
    own = {
        "Set-Cookie": "session=c00kie-of-the-origin",
        "Connection": "X-Hop",
        "X-Hop": "hop-of-the-origin",
        "Keep-Alive": "timeout=of-the-origin",
        "X-Powered-By": "software-of-the-origin",
        "Server": "server-of-the-origin",
        "Content-Location": "/location-of-the-origin",
        "WWW-Authenticate": "Basic realm=of-the-origin",
        "Content-Type": "video/mp4",
        "ETag": '"v1"',
    }

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=b"film", headers=own)

    app = web.Application()
    app.router.add_route("*", "/film.mp4", answer)
    async with Sandbox() as thron, TestServer(app) as origin:
        film = str(origin.make_url("/film.mp4"))
        thron.faults.add(Fault(Kind.REDIRECT_TO, "delivery", None, location=film))
        wanted = by_id(thron, "published", delivery=DeliveryMode.PUBLISHED)
        async with running(thron, tmp_path, wanted) as whole:
            path = f"/published/{thron.tenant.find(FILM).id}"
            for method in ("GET", "HEAD"):
                told = await whole.ask(method, path)
                assert (told.status, told.fields["Content-Type"]) == (200, "video/mp4")
                assert "of-the-origin" not in str(told.fields)
                assert not {"Set-Cookie", "Keep-Alive", "X-Powered-By"} & set(told.fields)


async def test_wrong_credentials(tmp_path: Path) -> None:
    """A refused key, and a setting that cannot be, are told without the key."""
    heard = Heard()
    async with Sandbox() as thron:
        wrong = environ_for(thron, tmp_path) | {"TDC_APP_KEY": thron.app_key_wrong}
        assert await _told(heard, "check", environ=wrong) == 1
        bad = wrong | {"TDC_API_URL": thron.app_key_wrong, "TDC_LISTEN": thron.app_key_wrong}
        assert await _told(heard, "serve", environ=bad) == 2
        async with served(wrong) as (process, public, admin):
            await _live_through(thron, f"http://{public}", f"http://{admin}", heard)
        heard.note("the log", process.output)
        assert not heard.betrayals(frozenset({thron.app_key_wrong}))


async def _set_up(thron: Sandbox, state: Path, heard: Heard, **more: str) -> dict[str, str]:
    """Apply the connectors; return the environment of a connector that forgets at once."""
    environ = environ_for(thron, state) | {
        "TDC_RESOLUTION_TTL_S": "0.001",
        "TDC_TRUSTED_PROXIES": "192.0.2.1",  # else no connector may force HTTPS
        **more,
    }
    document = state / "connectors.toml"
    document.write_text(CONNECTORS.format(folder=thron.root_folder_id))
    assert await _told(heard, "connectors", "apply", "--yes", str(document), environ=environ) == 0
    return environ


async def _told(heard: Heard, *arguments: str, environ: Mapping[str, str]) -> int:
    status, output = await run(*arguments, environ=environ)
    heard.note(" ".join(arguments), output)
    return status
