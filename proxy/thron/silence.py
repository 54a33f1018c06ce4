"""How long THRON has answered nothing at all while requests were open."""

from dataclasses import dataclass


@dataclass(slots=True)
class Silence:
    """Distinguishes a peer that hangs from one that is slow; pure but for its own state.

    Only time with an open call counts: a call that was given up before it could be answered is no
    silence, and a silence goes on after the calls that ended in it.
    """

    _asked: int = 0
    _since: float = 0.0
    _before_s: float = 0.0

    def seconds(self, now: float) -> float:
        """Return for how long nothing has been answered; 0 while calls are answered."""
        return self._before_s + (now - self._since if self._asked else 0.0)

    def begin(self, now: float) -> None:
        """Record the start of a call."""
        if not self._asked:
            self._since = now
        self._asked += 1

    def end(self, now: float, *, is_heard: bool) -> None:
        """Record the end of a call.

        It is heard if it was answered, or failed by a sign of life such as a reset; not if it was
        given up.
        """
        self._before_s = 0.0 if is_heard else self.seconds(now)
        self._since = now
        self._asked -= 1
