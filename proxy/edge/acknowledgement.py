"""Whether every process has obeyed a purge; one that is silent for too long is given up."""

from collections.abc import Callable, Sequence
from itertools import takewhile

import structlog

from proxy.catalogue.purges import Ordered
from proxy.catalogue.replicas import Heartbeat, ReplicaStore

log = structlog.get_logger("proxy.purge_hooks")

# Five heartbeats.
_SILENT_S = 10.0


class Acknowledgements:
    """Watches the heartbeats of the processes that serve."""

    def __init__(self, replicas: ReplicaStore, *, monotonic: Callable[[], float]) -> None:
        self._replicas = replicas
        self._monotonic = monotonic
        self._heard: dict[str, tuple[int, float]] = {}

    async def of(self, ordered: Sequence[Ordered]) -> Sequence[Ordered]:
        """Return the first of some purges, up to one that not every process has obeyed.

        Raises:
            DatabaseFailed: The database does not answer.
        """
        heartbeats = await self._replicas.all()
        silent = self._silent(heartbeats)
        if silent:
            log.warning("process given up", processes=len(silent), silent_s=_SILENT_S)
            await self._replicas.remove(*silent)
        live = [each for each in heartbeats if each.id not in silent]
        return tuple(
            takewhile(
                lambda each: (
                    each.is_repeat
                    or all(
                        process.purge >= each.number and process.revision >= each.revision
                        for process in live
                    )
                ),
                ordered,
            )
        )

    def _silent(self, heartbeats: Sequence[Heartbeat]) -> Sequence[str]:
        """Return the ids of processes whose heartbeat has been the same for too long."""
        now, heard = self._monotonic(), self._heard
        self._heard = {
            each.id: heard[each.id]
            if each.id in heard and heard[each.id][0] == each.beats
            else (each.beats, now)
            for each in heartbeats
        }
        return [id_ for id_, (_, since) in self._heard.items() if now - since >= _SILENT_S]
