"""Whether purge hooks can be used: what their file says, and whether each cache can be reached."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
from yarl import URL

from proxy.delivery.explain import DiagnosisStep
from proxy.edge.hooks import PurgeHook, read_hooks
from proxy.errors import ConfigurationError

_TIMEOUT_S = 10.0


async def check_hooks(
    path: Path, http: aiohttp.ClientSession, *, proxy: str | None
) -> AsyncIterator[DiagnosisStep]:
    """Yield what is wrong with the file, or whether each hook's cache answers.

    Args:
        path: TDC_PURGE_HOOKS.
        http: Asks.
        proxy: Through which requests by https go.
    """
    try:
        hooks = read_hooks(path)
    except ConfigurationError as exc:
        for each in exc.problems:
            yield DiagnosisStep("purge hooks", each, is_ok=False)
        return
    for problem, hook in zip(
        await asyncio.gather(*(_problem(each, http, proxy) for each in hooks)), hooks, strict=True
    ):
        yield DiagnosisStep(
            "purge hooks", f"{hook.name}: {problem or 'its address answers'}", is_ok=problem is None
        )


async def _problem(hook: PurgeHook, http: aiohttp.ClientSession, proxy: str | None) -> str | None:
    """Ask for the root of a cache: any answer will do, and no secret is sent."""
    request = next(hook.requests(["-"], message="check", timestamp=0))
    url = URL(request.url, encoded=True).origin()
    try:
        async with (
            asyncio.timeout(_TIMEOUT_S),
            http.head(url, proxy=proxy if url.scheme == "https" else None, allow_redirects=False),
        ):
            return None
    except (aiohttp.ClientError, OSError, ValueError) as exc:  # a URL may hold a secret: not shown
        return (
            f"its address does not answer ({type(exc).__name__}): compare url in TDC_PURGE_HOOKS,"
            " and let this machine through to it"
        )
