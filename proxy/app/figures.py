"""Metrics of what is not traffic: the session with THRON, and the catalogue."""

import time
from collections.abc import Iterator, Mapping, Sequence

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from sqlalchemy import func, select

from proxy.catalogue import schema
from proxy.catalogue.async_engine import AsyncConnection
from proxy.catalogue.database import Database
from proxy.catalogue.sync import Sync
from proxy.catalogue.sync_runs import SyncState
from proxy.errors import DatabaseFailed
from proxy.tenant import TenantConnection

# Scrapers ask every few seconds, some of them several at once.
_READ_EVERY_S = 5.0


def of_tenant(connection: TenantConnection) -> Iterator[Metric]:
    """Read how the session with THRON stands, and whether THRON answers."""
    state = connection.token_state()
    yield CounterMetricFamily(
        "thron_connector_logins",
        "Logins to THRON since the start",
        value=state.logins if state is not None else 0,
    )
    yield GaugeMetricFamily(
        "thron_connector_logged_in",
        "1 while a session token is at hand",
        value=state is not None and state.logged_in,
    )
    age = GaugeMetricFamily(
        "thron_connector_token_age_seconds", "Since the session token last proved good"
    )
    if state is not None and state.last_refresh is not None:
        age.add_metric([], max(0.0, time.time() - state.last_refresh))
    yield age
    tenant = connection.tenant
    yield GaugeMetricFamily(
        "thron_connector_thron_down",
        "1 from when THRON fails whatever it is asked to its next answer",
        value=tenant is not None and tenant.resolver.is_thron_down,
    )
    yield GaugeMetricFamily(
        "thron_connector_resolutions_remembered",
        "Addresses whose resolution is at hand",
        value=tenant.resolver.remembered if tenant is not None else 0,
    )


class CatalogueFigures:
    """What the catalogue holds, read from the database every few seconds at most."""

    def __init__(self, database: Database, sync: Sync) -> None:
        self._database = database
        self._sync = sync
        self._read_at = float("-inf")
        self._states: Sequence[SyncState] = ()
        self._contents: Mapping[str, int] = {}

    async def read(self) -> None:
        """Read them anew, unless that was done a moment ago or the database does not answer."""
        now = time.monotonic()
        if now - self._read_at < _READ_EVERY_S:
            return
        self._read_at = now
        try:
            self._states = await self._sync.states()
            self._contents = await self._database.read(_contents)
        except DatabaseFailed:
            return  # the age of what is known goes on growing, which is what an alert looks at

    def collect(self) -> Iterator[Metric]:
        """Return them as they were read last."""
        contents = GaugeMetricFamily(
            "thron_connector_contents", "Contents in the catalogue", labels=["connector"]
        )
        age = GaugeMetricFamily(
            "thron_connector_sync_age_seconds",
            "Since the connector's folder was last read to its end",
            labels=["connector"],
        )
        failed = GaugeMetricFamily(
            "thron_connector_sync_failed",
            "1 if the last reading of the connector's folder did not come to its end",
            labels=["connector"],
        )
        for state in self._states:
            contents.add_metric([state.connector], self._contents.get(state.connector, 0))
            failed.add_metric([state.connector], state.problem is not None)
            if state.last_ok is not None:
                age.add_metric([state.connector], max(0.0, time.time() - state.last_ok.timestamp()))
        return iter((contents, age, failed))


async def _contents(connection: AsyncConnection) -> dict[str, int]:
    column = schema.content.c.connector
    rows = await connection.execute(select(column, func.count()).group_by(column))
    return {row[0]: row[1] for row in rows}
