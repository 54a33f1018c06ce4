"""What every process has that serves: the tenant, its connectors, and obedience to purges."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog
from aiohttp import http_parser

from proxy.app.tenant import open_context
from proxy.clock import Clock
from proxy.connectors.store import ConnectorWatch
from proxy.edge.purge_poller import PurgePoller
from proxy.errors import ConfigurationError
from proxy.server.shared_counts import SharedQuestions
from proxy.settings import Settings
from proxy.telemetry.event_loop_lag import measuring
from proxy.telemetry.live import Traffic
from proxy.telemetry.metrics import Metrics
from proxy.tenant import AppContext

log = structlog.get_logger("proxy.app")


@dataclass(frozen=True, slots=True)
class Replica:
    """One process among those that share a database.

    Attributes:
        context: Settings, database, and the tenant that is connected.
        watch: The connectors that are served.
        traffic: What comes and goes on the public listener.
        metrics: Of this process.
    """

    context: AppContext
    watch: ConnectorWatch
    traffic: Traffic
    metrics: Metrics


@asynccontextmanager
async def open_replica(
    settings: Settings,
    environ: Mapping[str, str],
    *,
    clock: Clock | None = None,
    questions: SharedQuestions | None = None,
    progressed: Callable[[], None] | None = None,
) -> AsyncIterator[Replica]:
    """Follow what the database says, until the end of the block.

    Args:
        settings: Loaded; the ports are those that were bound.
        environ: For the state directory.
        clock: As for ``open_context``.
        questions: The same.
        progressed: The same.

    Raises:
        ConfigurationError: The database or a file cannot be used.
        DatabaseFailed: The database does not answer.
    """
    _refuse_slow_parser()
    metrics, loop = Metrics(), asyncio.get_running_loop()
    metrics.tasks.set_function(lambda: len(asyncio.all_tasks(loop)))
    async with open_context(
        settings, environ, clock=clock, metrics=metrics, questions=questions, progressed=progressed
    ) as context:
        connection, traffic = context.connection, Traffic(now=time.time)

        async def changed() -> None:
            traffic.forget_connectors(watch.connectors.by_slug)
            await connection.refresh()

        async with (
            ConnectorWatch.open(context.database, changed=changed) as watch,
            PurgePoller.open(
                context.database,
                watch,
                connection.purge,
                running=traffic.records,
                acknowledges=settings.purge_hooks is not None,
                news=lambda: context.database.written,
            ),
            measuring(metrics.event_loop_lag.observe),
        ):
            yield Replica(context, watch, traffic, metrics)


def _refuse_slow_parser() -> None:
    """Refuse aiohttp without its C parser: the Python one reads other requests than proxies do."""
    if http_parser.HttpRequestParser is http_parser.HttpRequestParserPy:
        raise ConfigurationError(
            ["aiohttp lacks its C parser: install its wheel, and unset AIOHTTP_NO_EXTENSIONS"]
        )
