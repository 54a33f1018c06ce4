"""Every event is one JSON object on one line, whoever tells it."""

import asyncio
import io
import logging
import sys
from pathlib import Path

import orjson
import pytest
import structlog
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from proxy.errors import OriginIncomplete
from proxy.telemetry import log
from tests.logs import logged


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("two\nlines\r\n", id="line breaks"),
        pytest.param('"quoted\\"', id="quotes"),
        pytest.param("\udcff\udcfe", id="octets that are no UTF-8"),
        pytest.param("\u2028\x85\x00\x1b[31m", id="control characters"),
        pytest.param(10**30, id="a number beyond 64 bits"),
        pytest.param(Path("/srv"), id="an object"),
        pytest.param(b"\xff", id="octets"),
    ],
)
def test_any_value_is_one_line(value: object) -> None:
    """No value breaks a line or the log."""
    with logged() as told:
        structlog.get_logger("proxy.test").info("event", value=value)
    assert len(told.text.split("\n")) == 2
    (event,) = told.events
    assert (event["event"], event["level"]) == ("event", "info")
    assert event["timestamp"].endswith("Z")


def test_libraries_write_the_same() -> None:
    """What libraries log with the standard library are lines of the same kind."""
    with logged() as told:
        logging.getLogger("aiohttp.client").warning("a %s", "warning")
        logging.getLogger("asyncio").error("two\nlines")
    assert [event["event"] for event in told.events] == ["a warning", "two\nlines"]


def test_level() -> None:
    """Ours are written from the level on; libraries never below info."""
    with logged("warning") as told:
        structlog.get_logger("proxy.test").info("no")
        structlog.get_logger("proxy.test").warning("yes")
    assert [event["event"] for event in told.events] == ["yes"]
    with logged("debug") as told:
        structlog.get_logger("proxy.test").debug("ours")
        logging.getLogger("aiosqlite").debug("theirs")
    assert [event["event"] for event in told.events] == ["ours"]


def test_traceback_is_in_the_line() -> None:
    """A bug's traceback is a value of its line."""
    with logged() as told:
        try:
            _ = 1 / 0
        except ZeroDivisionError:
            structlog.get_logger("proxy.test").exception("bug")
    (event,) = told.events
    assert "ZeroDivisionError" in event["exception"]


@pytest.mark.parametrize(
    ("error", "is_news"),
    [
        pytest.param(OriginIncomplete("broke off"), False, id="ours, told by the access record"),
        pytest.param(ConnectionResetError(), False, id="a client that left"),
        pytest.param(web.RequestPayloadError(), False, id="content that no one reads"),
        pytest.param(ZeroDivisionError(), True, id="a bug"),
    ],
)
def test_what_aiohttp_tells_again(error: Exception, *, is_news: bool) -> None:
    """Of what aiohttp's server logs, only bugs are news."""
    with logged() as told:
        logging.getLogger("aiohttp.server").error("Unhandled", exc_info=error)
    assert bool(told.events) == is_news


async def test_bug_beside_the_middleware() -> None:
    """A bug that meets aiohttp itself is one line too."""

    async def handler(_request: web.Request) -> web.Response:
        raise ZeroDivisionError

    app = web.Application()
    app.router.add_get("/", handler)
    with logged() as told:
        async with TestClient(TestServer(app)) as client, client.get("/") as answer:
            assert answer.status == 500
    (event,) = [each for each in told.events if each["level"] == "error"]
    assert "ZeroDivisionError" in event["exception"]


async def test_context_is_bound_to_a_request() -> None:
    """What is bound in one task's context is on its lines alone."""

    async def tell(number: int) -> None:
        with structlog.contextvars.bound_contextvars(request_id=number):
            await asyncio.sleep(0)
            structlog.get_logger("proxy.test").info("event", number=number)

    with logged() as told:
        await asyncio.gather(*(tell(number) for number in range(3)))
    assert all(event["request_id"] == event["number"] for event in told.events)


_ENDED = """
import asyncio, os, signal, structlog
from proxy.telemetry import log

log.configure("info")

async def main():
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    os.kill(os.getpid(), signal.SIGTERM)
    await ended.wait()
    for number in range(1000):
        structlog.get_logger("proxy.test").info("last", number=number)
    {how}

asyncio.run(main())
"""


@pytest.mark.parametrize(
    "how", ["pass", "raise SystemExit(1)", "asyncio.get_running_loop().stop()"]
)
async def test_no_line_is_lost_at_the_end(how: str) -> None:
    """However a process ends that is told to, its last lines are written, each once."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _ENDED.format(how=how), stderr=asyncio.subprocess.PIPE
    )
    _, told = await process.communicate()
    lines = [line for line in told.splitlines() if line.startswith(b"{")]
    assert [orjson.loads(line)["number"] for line in lines] == list(range(1000))


def test_standard_error_is_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    """Events go to standard error, so that a command's answer stays alone."""
    with logged():
        log.configure("info")
        structlog.get_logger("proxy.test").info("event")
    assert capsys.readouterr().out == ""


def test_a_library_line_that_cannot_be_written_breaks_nothing() -> None:
    """A library that logs with the wrong arguments goes on, and so does what it logs next."""
    stream = io.BytesIO()
    with logged():
        writer = log.configure("info", stream=stream)
        logging.getLogger("lib").error("%d", "no number")
        logging.getLogger("lib").error("next")
        writer.write_out()
    assert b"next" in stream.getvalue()
