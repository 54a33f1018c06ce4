"""The time of day."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the time, aware of its zone."""
    return datetime.now(UTC)
