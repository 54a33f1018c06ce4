"""One JSON line on one stream for every event, ours and the libraries'."""

import atexit
import json
import logging
import sys
from collections.abc import Callable
from functools import cache
from typing import Any, BinaryIO, Literal

import orjson
import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from proxy.errors import GatewayError
from proxy.telemetry.line_writer import LineWriter
from proxy.telemetry.redaction import redacted

Severity = Literal["info", "warning", "error"]

_SHARED: list[Callable[..., Any]] = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]

_IN_ACCESS_RECORD = (GatewayError, ConnectionError, HttpProcessingError, web.RequestPayloadError)


class NotInAccessRecord(logging.Filter):
    """Passes what the access record does not hold already.

    Once an answer has begun, an error is raised through aiohttp so that it breaks the connection
    (proxy/telemetry/middleware.py); aiohttp's server would log it again, with a traceback. It does
    the same for a client that breaks off or garbles the content of a request, which nobody reads.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Drop a record whose error the access record holds."""
        exc = record.exc_info[1] if record.exc_info else None
        return not isinstance(exc, _IN_ACCESS_RECORD)


class _LibraryHandler(logging.Handler):
    """Writes what libraries log."""

    def __init__(self, writer: LineWriter) -> None:
        super().__init__()
        self._writer = writer

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record).encode()
        except (TypeError, ValueError, LookupError):  # the arguments do not fit the message
            self.handleError(record)
            return
        self._writer.write(line + b"\n")


@cache
def access_log(severity: Severity) -> tuple[Callable[[bytes], object], dict[str, object]] | None:
    """Return what writes access records, and what says which process did; None if nothing does."""
    number = logging.getLevelNamesMapping()[severity.upper()]
    if not structlog.get_logger().bind().is_enabled_for(number):
        return None
    context = structlog.contextvars.get_contextvars()
    of_process = {name: context[name] for name in context.keys() & {"process"}}
    return structlog.get_config()["logger_factory"]().info, of_process


def configure(level: str, *, stream: BinaryIO | None = None) -> LineWriter:
    """Send structlog's and the standard library's events to one stream as JSON lines.

    Args:
        level: ``debug``, ``info``, ``warning`` or ``error``.
        stream: Where to; standard error if None.

    Returns:
        What writes the lines, for those who read them before the loop's turn ends.
    """
    number = logging.getLevelNamesMapping()[level.upper()]
    writer = LineWriter(stream or sys.stderr.buffer)
    atexit.register(writer.close)
    structlog.configure(
        processors=[
            *_SHARED,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=json_line),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.BytesLoggerFactory(writer),  # type: ignore[arg-type] # it writes
        # Else no logger would ever change its level again; access records use ``access_log``.
        cache_logger_on_first_use=False,
    )
    access_log.cache_clear()
    handler = _LibraryHandler(writer)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.EventRenamer("event"),
                structlog.processors.JSONRenderer(serializer=_text),
            ],
        )
    )
    logging.basicConfig(level=max(number, logging.INFO), handlers=[handler], force=True)
    server = logging.getLogger("aiohttp.server")
    server.filters = [NotInAccessRecord()]
    return writer


def json_line(event: structlog.typing.EventDict, **_options: Any) -> bytes:
    """Return an event as a line of JSON, whatever it holds."""
    try:
        line = orjson.dumps(event, default=str).decode()
    except orjson.JSONEncodeError:  # octets that are no UTF-8, or numbers beyond 64 bits
        line = json.dumps(event, default=str, ensure_ascii=False)
    return redacted(line).encode("utf-8", "replace")


def _text(event: dict[str, Any], **options: Any) -> str:
    return json_line(event, **options).decode()
