"""One JSON line on one stream for every event, ours and the libraries'."""

import json
import logging
import sys
from collections.abc import Callable
from typing import Any, TextIO

import orjson
import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from proxy.errors import GatewayError

_SHARED: list[Callable[..., Any]] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]

_IN_ACCESS_RECORD = (GatewayError, ConnectionError, HttpProcessingError, web.RequestPayloadError)


class NotInAccessRecord(logging.Filter):
    """Passes what the access record does not hold already.

    Past ``prepare`` an error is raised through aiohttp so that it breaks the connection
    (proxy/telemetry/middleware.py); aiohttp's server would log it again, with a traceback. It does
    the same for a client that breaks off or garbles the content of a request, which nobody reads.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Drop a record whose error the access record holds."""
        exc = record.exc_info[1] if record.exc_info else None
        return not isinstance(exc, _IN_ACCESS_RECORD)


def configure(level: str, *, stream: TextIO | None = None) -> None:
    """Send structlog's and the standard library's events to one stream as JSON lines.

    Args:
        level: ``debug``, ``info``, ``warning`` or ``error``.
        stream: Where to; standard error if None.
    """
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.EventRenamer("event"),
                structlog.processors.JSONRenderer(serializer=_line),
            ],
        )
    )
    logging.basicConfig(level=max(number, logging.INFO), handlers=[handler], force=True)
    logging.getLogger("proxy").setLevel(number)
    server = logging.getLogger("aiohttp.server")
    server.filters = [NotInAccessRecord()]


def _line(event: dict[str, Any], **_options: Any) -> str:
    try:
        return orjson.dumps(event, default=str).decode()
    except orjson.JSONEncodeError:  # octets that are no UTF-8, or numbers beyond 64 bits
        text = json.dumps(event, default=str, ensure_ascii=False)
        return text.encode("utf-8", "replace").decode()
