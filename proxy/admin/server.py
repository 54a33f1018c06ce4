"""Opens the console before anybody visits it.

Its pages and its API are imported and made by the first request that needs them: they are 11 MB,
and a fifth of a start.
"""

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler

import proxy
from proxy import __version__
from proxy.admin.auth import console_host
from proxy.admin.auth.api_tokens import ApiTokens
from proxy.admin.auth.passwords import Password, PasswordHashes
from proxy.admin.auth.sessions import Sessions
from proxy.admin.auth.sign_in_links import SignInLinks
from proxy.admin.console import Console
from proxy.admin.security_headers import FIELDS, secure
from proxy.catalogue.audit import prune
from proxy.catalogue.polling import polling
from proxy.catalogue.queries import Contents
from proxy.catalogue.sync import Sync
from proxy.clock import utc_now
from proxy.connectors.addresses import Address
from proxy.connectors.model import Connector
from proxy.connectors.store import ConnectorWatch
from proxy.edge.sender import PurgeSender
from proxy.errors import NotConfigured
from proxy.link_check.probe import LinkProbe
from proxy.link_check.results import ProbeResult
from proxy.link_check.run import LinkChecker
from proxy.link_check.store import LinkCheckStore
from proxy.semantics import forwarded
from proxy.server.deferred_application import DeferredApplication
from proxy.settings import Settings
from proxy.telemetry.live import TrafficView
from proxy.tenant import AppContext, Resolutions

_PRUNE_AUDIT_EVERY_S = 600.0
# For the whole content of a request: pages send a few hundred bytes, scripts some more.
BODY_TIMEOUT_S = 10.0
# When this version was installed; another build can have the same number.
_INSTALLED_NS = Path(proxy.__file__).stat().st_mtime_ns


@asynccontextmanager
async def open_console(  # noqa: PLR0913 - what it works with, each by name
    context: AppContext,
    *,
    watch: ConnectorWatch,
    sync: Sync,
    contents: Contents,
    purge_sender: PurgeSender,
    traffic: TrafficView,
    probes: Mapping[str, Handler],
    resolutions: Callable[[], Resolutions] | None = None,
    monotonic: Callable[[], float] = time.monotonic,
    body_timeout_s: float = BODY_TIMEOUT_S,
) -> AsyncIterator[Console]:
    """Give the console, the password read, until the end of the block.

    Args:
        context: Settings, database, and the tenant that is connected.
        watch: The connectors that are served now.
        sync: Keeps the catalogue of contents.
        contents: Reads it.
        purge_sender: Tells caches in front of changes.
        traffic: What comes and goes on the public listener.
        probes: What is open to everybody, by path.
        resolutions: What the resolvers of the public listener hold; None: this process's.
        monotonic: Seconds that no change of the clock moves.
        body_timeout_s: For the whole content of a request.

    Raises:
        DatabaseFailed: The password cannot be read.
    """
    settings, database, connection = context.settings, context.database, context.connection
    given = settings.admin_password_hash
    password = Password(
        database,
        PasswordHashes(),
        given=given.get_secret_value() if given is not None else None,
        now=utc_now,
    )
    await password.read()

    async def prune_audit() -> None:
        await prune(database, now=utc_now())

    async def try_link(connector: Connector, address: Address) -> ProbeResult:
        tenant = connection.tenant  # that is connected when the try begins
        if tenant is None:
            return ProbeResult(NotConfigured.status, problem=NotConfigured.public)
        return await LinkProbe(tenant.resolver, tenant.origins).try_address(connector, address)

    async with AsyncExitStack() as stack:
        checks = LinkCheckStore(database, now=utc_now)
        checker = await stack.enter_async_context(LinkChecker.open(checks, try_link))
        await stack.enter_async_context(
            polling("audit", prune_audit, interval_s=_PRUNE_AUDIT_EVERY_S)
        )
        console = Console(
            f"http://{settings.admin_listen.local}",
            password,
            Sessions(database, password=password.hash, now=utc_now),
            ApiTokens(database, now=utc_now),
            SignInLinks(),
            checks,
            checker,
            asyncio.Event(),
            monotonic,
        )

        async def make() -> web.Application:
            # Not in the event loop, as downloads would wait for it.
            application = await asyncio.to_thread(_imported)
            made = application(
                console,
                context,
                watch=watch,
                sync=sync,
                contents=contents,
                purge_sender=purge_sender,
                traffic=traffic,
                probes=probes,
                resolutions=resolutions or connection.resolutions,
                body_timeout_s=body_timeout_s,
            )
            if gc.get_freeze_count():  # as of all else that lives as long as the process
                gc.collect()
                gc.freeze()
            return made

        console.pages = await stack.enter_async_context(
            DeferredApplication.open(
                make,
                probes={path: _by_itself(probe, settings) for path, probe in probes.items()},
                fields=FIELDS,
            )
        )
        yield console


def _imported() -> Callable[..., web.Application]:
    """Import what makes pages and API, and read what they are made of, of the version that runs.

    Raises:
        ImportError: Another one has been installed meanwhile: halves of two would not fit.
    """
    _refuse_another_version()
    from proxy.admin.application import application  # noqa: PLC0415 - not before it is needed
    from proxy.admin.web import i18n, rendering  # noqa: PLC0415

    rendering.environment()
    for language in i18n.Language:
        i18n.translations(language)
    _refuse_another_version()  # that came while this one was read
    return application


def _refuse_another_version() -> None:
    installed = Path(proxy.__file__)
    is_this = f'"{__version__}"' in installed.read_text("utf-8")
    if not is_this or installed.stat().st_mtime_ns != _INSTALLED_NS:
        raise ImportError(f"{__version__} runs, and is not what is installed by now")


def _by_itself(probe: Handler, settings: Settings) -> Handler:
    """Answer a probe as the console does, without it."""

    async def answer(request: web.Request) -> web.StreamResponse:
        host = forwarded.effective(
            request.remote or "", scheme="http", fields=request.headers, trusted=settings.proxies
        ).host
        response = await console_host.answer(request, probe, host=host, names=settings.admin_hosts)
        await secure(request, response)
        return response

    return answer
