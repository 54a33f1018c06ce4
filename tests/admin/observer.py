"""What the overview of a running connector looks at."""

import time

from proxy.admin.overview import Observer
from proxy.clock import utc_now
from tests.running import Running


def observer(connector: Running) -> Observer:
    """Return what looks at it, as its console has one."""
    gateway = connector.gateway
    connection = gateway.parts.connection
    return Observer(
        gateway.parts.settings,
        connection,
        gateway.watch,
        gateway.traffic,
        connection.resolutions,
        utc_now,
        time.monotonic,
    )
