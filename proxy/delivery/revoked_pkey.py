"""When the share key may have been revoked, rather than single contents be missing; pure.

The CDN answers for a content without renditions as it does for a revoked key (docs/thron.md 7.1).
So the key is suspected once three different contents have failed with no success between, or all
that were asked for in ten minutes. What it then costs, a login, is bounded by the token keeper.
"""

_WINDOW_S = 600.0
_ENOUGH = 3


class RevokedPkeyDetector:
    """Which contents have failed on the CDN since one was last delivered from there."""

    def __init__(self) -> None:
        self._failed: dict[str, float] = {}
        self._delivered_at: float | None = None

    def note_delivery(self, *, now: float) -> None:
        """Note that the CDN knows the key."""
        self._failed.clear()
        self._delivered_at = now

    def note_failure(self, content_id: str, *, now: float) -> bool:
        """Note that the CDN does not know a content, and tell whether the key is suspected."""
        failed = self._failed
        failed[content_id] = now
        self._failed = {each: at for each, at in failed.items() if now - at < _WINDOW_S}
        if len(self._failed) >= _ENOUGH:
            self._failed = dict(list(self._failed.items())[-_ENOUGH:])
            return True
        delivered_at = self._delivered_at
        return delivered_at is None or now - delivered_at >= _WINDOW_S
