"""Absence or outage: one content that an origin refuses is a 404, all of them are a 503.

Caches and monitors act on the status. A content without rendition, or without the right to it, is
its own trouble; a tenant whose every content is refused has an operator who must hear of it.
"""

from collections.abc import Callable
from typing import Final, TypeVar

from proxy.errors import GatewayError

E = TypeVar("E", bound=GatewayError)

# Dead links asked for in a row are no outage yet, as long as something was delivered just now.
_SILENT_S: Final = 60.0
_CONTENTS: Final = 3
_RETRY_AFTER_S: Final = 10.0


class Outages:
    """Knows whether anything is delivered at all."""

    def __init__(self, *, now: Callable[[], float]) -> None:
        """Make one that has seen nothing yet; ``now`` gives monotonic seconds."""
        self._now = now
        self._succeeded_at = float("-inf")
        self._refused: set[str] = set()

    def succeeded(self) -> None:
        """Note that a content was delivered."""
        self._succeeded_at = self._now()
        self._refused.clear()

    def judged(self, refusal: E, *, content_id: str) -> E:
        """Return a refusal as it is to be answered: 404, or 503 where every content is refused."""
        if len(self._refused) < _CONTENTS:
            self._refused.add(content_id)
        is_silent = self._now() - self._succeeded_at >= _SILENT_S
        if not is_silent or len(self._refused) < _CONTENTS:
            return type(refusal)(str(refusal), status=404, proxy_status=refusal.proxy_status)
        return type(refusal)(
            f"{refusal}; so it is with every content that was asked for lately",
            status=503,
            proxy_status=refusal.proxy_status,
            retry_after_s=_RETRY_AFTER_S,
        )
