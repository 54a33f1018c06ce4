"""What is known of one request on the public listener, filled in as it goes."""

import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson
from aiohttp import web

from proxy.telemetry.log import Severity, access_log, json_line
from proxy.telemetry.redaction import redacted

# Those that proxies make are UUIDs, or 20 to 100 characters of base64 and the like.
_REQUEST_ID = re.compile(r"[A-Za-z0-9._~+/=:@-]{1,128}")
# Of a path, in characters: with them a line goes whole into a pipe, even if each is escaped.
LONGEST_PATH = 1024
# What is logged of some requests alone.
_IF_KNOWN = (
    *("status", "error", "reason", "connector", "content_id", "resolution", "selected_range"),
    *("first_byte_s", "host", "trace_id", "parent_id"),
)
_USER_INFORMATION = re.compile(r"(?<=://)[^/]*@")


def new_request_id() -> str:
    """Return an id that no other request has: unique, which is all that it must be.

    Not of the system's randomness, which is a system call for each request.
    """
    return f"{random.getrandbits(128):032x}"


def is_request_id(value: str) -> bool:
    """Tell whether a proxy's id can stand in logs and fields: short, and of harmless characters."""
    return _REQUEST_ID.fullmatch(value) is not None


def shown_path(path: str) -> str:
    """Return a path for people: cut where it is very long, and without what may be secret.

    Args:
        path: Of a target, raw and without the query, which may hold anything.
    """
    if not path.startswith("/"):  # a whole URL (RFC 9112, 3.2.2)
        path = _USER_INFORMATION.sub("", path, count=1)
    path = path.partition("#")[0]
    # A secret that is cut in two would not be known any more.
    return path if len(path) <= LONGEST_PATH else f"{redacted(path)[:LONGEST_PATH]}…"


@dataclass(slots=True, eq=False)
class AccessRecord:
    """What is logged of one request, filled in as it goes.

    Attributes:
        request_id: Sent to the client as X-Request-Id.
        client: Address of the client, behind trusted proxies too.
        scheme: The scheme that the client used.
        host: The host that it asked, or None.
        method: Of the request.
        path: Of its target, without the query, as ``shown_path`` gives it.
        connector: Slug of the connector, once known.
        content_id: THRON's id of the content, once known.
        resolution: ``hit``, or why THRON was asked (RFC 9211, 2.2).
        selected_range: The Content-Range of a 206.
        status: Of the answer; None if none was begun.
        expected: Octets of content that the answer promises; None where it does not say.
        octets: Of content handed to the client's connection.
        first_byte_s: From the request to the first octet of content.
        resumed: How often a broken upstream was continued by another.
        ended_by: ``complete``, ``client``, ``origin`` or ``gateway``.
        error: The RFC 9209 name, or the class of the error.
        reason: What the operator may want to know of it.
        trace_id: Of the trace that the request is a part of (W3C Trace Context).
        parent_id: Of whoever asked, in that trace.
        monotonic: The clock that ``began`` was read from, and the first octet is timed by.
        duration_s: From the request to the end of its answer; None while it is being answered.
        headers_sent: Whether the status line is on its way, so that an error can only break off.
    """

    request_id: str
    client: str
    scheme: str
    host: str | None
    began: float
    method: str = ""
    path: str = ""
    connector: str | None = None
    content_id: str | None = None
    resolution: str | None = None
    selected_range: str | None = None
    status: int | None = None
    expected: int | None = None
    octets: int = 0
    first_byte_s: float | None = None
    resumed: int = 0
    ended_by: str = "complete"
    error: str | None = None
    reason: str | None = None
    trace_id: str | None = None
    parent_id: str | None = None
    monotonic: Callable[[], float] = time.monotonic
    duration_s: float | None = None
    headers_sent: bool = False

    @property
    def severity(self) -> Severity:
        """How much an operator should mind.

        Error: a defect of this gateway. Warning: THRON or an origin failed, a limit was reached, or
        the end of this process cut it. All that clients cause themselves is neither.
        """
        if self.status == 500 or (self.ended_by == "gateway" and self.error is not None):  # noqa: PLR2004 - RFC 9110, 15.6.1
            return "error"
        is_failure = self.ended_by in {"origin", "gateway"} or (self.status or 0) >= 500  # noqa: PLR2004 - RFC 9110, 15.6
        return "warning" if is_failure else "info"


def log_access(record: AccessRecord) -> None:
    """Log the record of a request that has ended, unless the level leaves it out.

    structlog's processors, by which other lines get their level and time, would take as long as all
    else that a record takes.
    """
    severity = record.severity
    told = access_log(severity)
    if told is None:
        return
    write, of_process = told
    facts: dict[str, object] = {
        "event": "download",
        "request_id": record.request_id,
        "method": record.method,
        "path": record.path,
        "duration_s": round(record.duration_s or 0.0, 6),
        "octets": record.octets,
        "resumed": record.resumed,
        "ended_by": record.ended_by,
        "client": record.client,
        "scheme": record.scheme,
    }
    for name in _IF_KNOWN:
        if (value := getattr(record, name)) is not None:
            facts[name] = value
    facts |= of_process
    facts["level"], facts["timestamp"] = severity, datetime.now(UTC)
    try:
        line = orjson.dumps(facts, option=orjson.OPT_UTC_Z)
    except orjson.JSONEncodeError:  # a reason that is no text
        facts["timestamp"] = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        line = json_line(facts)
    else:
        # Whatever else a client sends stands in the record of an error alone.
        sent = f"{record.host} {facts['path']}"
        if record.error is not None or redacted(sent) != sent:
            line = redacted(line.decode()).encode()
    write(line)


RECORD = web.RequestKey("record", AccessRecord)
