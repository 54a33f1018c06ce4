"""Whether every process has obeyed a purge; one that is silent for too long is given up."""

from collections.abc import Callable, Sequence
from itertools import takewhile

import structlog

from proxy.catalogue.purges import PurgeOrder
from proxy.catalogue.replicas import Heartbeat, ReplicaStore
from proxy.errors import DatabaseFailed

log = structlog.get_logger("proxy.purge_hooks")

# Five heartbeats.
_SILENT_S = 10.0
# Between two looks no more than this counts as silence: while this process stood still, or the
# database did not answer, the others may have been in the same case.
_MOST_PER_LOOK_S = 2.5


class Acknowledgements:
    """Watches the heartbeats of the processes that serve."""

    def __init__(self, replicas: ReplicaStore, *, monotonic: Callable[[], float]) -> None:
        self._replicas = replicas
        self._monotonic = monotonic
        self._looked_at = monotonic()
        # By process: its beats when it was last seen, and for how long they have been the same.
        self._silence: dict[str, tuple[int, float]] = {}

    async def of(self, ordered: Sequence[PurgeOrder]) -> Sequence[PurgeOrder]:
        """Return the first of some purges, up to one that not every process has obeyed.

        Raises:
            DatabaseFailed: The database does not answer.
        """
        live = await self.look()
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

    async def look(self) -> Sequence[Heartbeat]:
        """Return the last heartbeats of all processes but those that are now given up.

        Raises:
            DatabaseFailed: The database does not answer; silence is counted from the start.
        """
        try:
            heartbeats = await self._replicas.all()
            self._count(heartbeats)
            silent = [each for each in heartbeats if self._silence[each.id][1] >= _SILENT_S]
            gone = await self._replicas.give_up(silent) if silent else frozenset()
        except DatabaseFailed:
            self._silence.clear()
            raise
        if gone:
            log.warning("process given up", processes=len(gone), silent_s=_SILENT_S)
        return [each for each in heartbeats if each.id not in gone]

    def _count(self, heartbeats: Sequence[Heartbeat]) -> None:
        now, before = self._monotonic(), self._silence
        passed_s = min(now - self._looked_at, _MOST_PER_LOOK_S)
        self._looked_at = now
        self._silence = {
            each.id: (each.beats, before[each.id][1] + passed_s)
            if each.id in before and before[each.id][0] == each.beats
            else (each.beats, 0.0)
            for each in heartbeats
        }
