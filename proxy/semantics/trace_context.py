"""The trace that a request is a part of, as ``traceparent`` says it (W3C Trace Context)."""

import re

# A later version may append more members (3.2.4); version ff is none (3.2.2.1), and ids of zeros
# alone are invalid (3.2.2.3 and 3.2.2.4).
_TRACEPARENT = re.compile(
    r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(-.*)?"
)


def parse(value: str) -> tuple[str, str] | None:
    """Return the trace-id and the parent-id of a ``traceparent`` value; None if it is invalid."""
    found = _TRACEPARENT.fullmatch(value)
    if found is None or (found[1] == "00" and found[4] is not None):
        return None
    return found[2], found[3]
