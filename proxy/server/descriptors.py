"""How many downloads and connections the limit of open files allows."""

import resource
import sys

import structlog

from proxy.settings import Settings, env_name

log = structlog.get_logger("proxy.server.descriptors")

# Kept back for the admin listener, THRON's API, database and logs.
_DESCRIPTORS_OF_OURS = 128
# Of one download: client, origin, and a connection beside it that waits or has been left idle.
_DESCRIPTORS_PER_DOWNLOAD = 3
# Of these a quarter is for downloads in the kernel, whose pump keeps to it.
_SHARE_OF_SPLICES = 4
# More idle ones, at some 20 KiB each, serve nobody.
_USUAL_CONNECTIONS = 10_000


def affordable(settings: Settings) -> tuple[int, int]:
    """Raise the limit of open files; return how many downloads and connections it allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    spare = sys.maxsize if hard == resource.RLIM_INFINITY else hard - _DESCRIPTORS_OF_OURS
    downloads = max(1, min(settings.max_downloads, spare // _DESCRIPTORS_PER_DOWNLOAD))
    affordable = max(1, spare - downloads - spare // _SHARE_OF_SPLICES)
    usual = max(_USUAL_CONNECTIONS, 2 * downloads)
    connections = min(settings.max_connections or usual, affordable)
    lowered = {
        name: allowed
        for name, allowed in (("max_downloads", downloads), ("max_connections", connections))
        if allowed < (getattr(settings, name) or 0)
    }
    if lowered:
        log.warning(
            "limits lowered",
            **lowered,
            fix=f"raise the limit of open files (now {hard}), or lower"
            f" {' and '.join(map(env_name, lowered))}",
        )
    return downloads, connections
