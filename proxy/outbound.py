"""The client sessions towards THRON: one for its API, one for bytes."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from proxy import __version__
from proxy.delivery.origin_hosts import GuardedResolver, OriginHosts
from proxy.errors import ConfigurationError
from proxy.idle_connections import IdleBoundedConnector
from proxy.settings import Settings
from proxy.telemetry.middleware import PSEUDONYM

# What aiohttp holds of one upstream before it stops reading: twice this (its high-water mark).
_READ_BUFFER = 64 * 1024


@asynccontextmanager
async def api_session(settings: Settings) -> AsyncIterator[aiohttp.ClientSession]:
    """Give the session of THRON's API, closed at the end of the block."""
    connector = IdleBoundedConnector(ssl=trusted_authorities(settings))
    async with aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": settings.user_agent or f"{PSEUDONYM}/{__version__}"},
        proxy=_proxy(settings),
    ) as session:
        yield session


@asynccontextmanager
async def byte_session(
    settings: Settings, hosts: OriginHosts, *, trace: aiohttp.TraceConfig | None = None
) -> AsyncIterator[aiohttp.ClientSession]:
    """Give the session of the bytes, which edits nothing, closed at the end of the block."""
    connector = IdleBoundedConnector(
        ssl=trusted_authorities(settings),
        # Behind a proxy the one name that we resolve is the proxy's; names of origins stay checked.
        resolver=GuardedResolver(hosts) if settings.outbound_proxy is None else None,
    )
    async with aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        skip_auto_headers={"Accept", "Accept-Encoding", "User-Agent", "Content-Type"},
        # With DNS and TLS: a failure to connect says something of the host, not of one content.
        timeout=aiohttp.ClientTimeout(total=None, connect=settings.connect_timeout_s),
        read_bufsize=_READ_BUFFER,
        requote_redirect_url=False,
        trace_configs=[trace] if trace is not None else None,
        proxy=_proxy(settings),
    ) as session:
        yield session


def origin_fields(settings: Settings) -> tuple[tuple[str, str], ...]:
    """Return the lines that go to origins with every request."""
    lines = [
        ("Accept", "*/*"),
        ("Accept-Encoding", "identity"),
        ("User-Agent", settings.user_agent or f"{PSEUDONYM}/{__version__}"),
        ("Via", f"1.1 {PSEUDONYM}"),
    ]
    if settings.referer is not None:
        lines.append(("Referer", settings.referer))
    return tuple(lines)


def trusted_authorities(settings: Settings) -> ssl.SSLContext:
    """Return the certificate authorities of this machine, and those of TDC_CA_FILE.

    Raises:
        ConfigurationError: The file holds no certificates.
    """
    context = ssl.create_default_context()
    if settings.ca_file is not None:
        try:
            context.load_verify_locations(settings.ca_file)
        except (ssl.SSLError, OSError) as exc:
            raise ConfigurationError(
                [f"TDC_CA_FILE: {settings.ca_file} holds no PEM certificates: {exc}"]
            ) from exc
    return context


def _proxy(settings: Settings) -> str | None:
    return settings.outbound_proxy.get_secret_value() if settings.outbound_proxy else None
