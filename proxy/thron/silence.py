"""How long THRON has been silent: asked something, and answering nothing at all."""

from dataclasses import dataclass


@dataclass(slots=True)
class Silence:
    """Tells a peer that hangs from one that is slow; pure but for its own state.

    Only time in which something is asked counts, so that calls given up before they could be
    answered are no silence, and a silence outlasts the calls that ended in it.
    """

    _asked: int = 0
    _since: float = 0.0
    _before_s: float = 0.0

    def seconds(self, now: float) -> float:
        """Return how long nothing has been answered; 0 while everything is."""
        return self._before_s + (now - self._since if self._asked else 0.0)

    def begin(self, now: float) -> None:
        """Note a call."""
        if not self._asked:
            self._since = now
        self._asked += 1

    def end(self, now: float, *, heard: bool) -> None:
        """Note that a call is over.

        Args:
            now: On the same clock as everywhere.
            heard: Whether it was answered, or failed by a sign of life, such as a reset; not if
                it was given up.
        """
        self._before_s = 0.0 if heard else self.seconds(now)
        self._since = now
        self._asked -= 1
