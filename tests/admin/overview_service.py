"""What the overview of a running connector looks at."""

import time
from collections.abc import Callable

from proxy.admin.overview import OverviewService
from proxy.clock import utc_now
from tests.running import Running


def overview_service(
    connector: Running, *, monotonic: Callable[[], float] = time.monotonic
) -> OverviewService:
    """Return what looks at it, as its console has one."""
    gateway = connector.gateway
    connection = gateway.context.connection
    return OverviewService(
        gateway.context.settings,
        connection,
        gateway.watch,
        gateway.traffic,
        connection.resolutions,
        utc_now,
        monotonic,
    )
