"""Request id, access record and error answers, for every way that a request can end."""

import asyncio
import gc
import select
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from ipaddress import ip_network

import aiohttp
import pytest
from aiohttp import HttpVersion11, web
from aiohttp.http_parser import RawRequestMessage
from aiohttp.test_utils import TestClient, TestServer
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from proxy import errors
from proxy.delivery.client_stream import ClientStream
from proxy.errors import GatewayError
from proxy.sandbox.faults import Fault, Kind
from proxy.semantics.forwarded import TrustedProxies
from proxy.telemetry.access_record import RECORD, AccessRecord
from proxy.telemetry.live import Traffic
from proxy.telemetry.middleware import MAX_WARNED, FrontDetector, Handler, Observer
from tests.logs import Logged, logged
from tests.running import Running
from tests.waiting import until

Client = TestClient[web.Request, web.Application]
FILM = "strada-sl-film"
INTERNALS = "what only the operator reads"
REQUESTS = 500


@pytest.fixture
async def log(connector: Running) -> AsyncIterator[Logged]:  # noqa: ARG001 - after its start
    with logged() as found:
        yield found


def _film(connector: Running) -> str:
    return f"/files/{connector.thron.tenant.find(FILM).id}"


async def test_complete(connector: Running, log: Logged) -> None:
    """A download that ends well is told with all that is known of it."""
    answer = await connector.get(f"{_film(connector)}/film.mp4?download&secret=1")
    record = await log.wait("download")
    assert record.pop("first_byte_s") <= record.pop("duration_s")
    for volatile in ("timestamp", "level", "event"):
        del record[volatile]
    assert record == {
        "method": "GET",
        "path": f"{_film(connector)}/film.mp4",
        "status": 200,
        "octets": len(answer.body),
        "resumed": 0,
        "ended_by": "complete",
        "connector": "files",
        "content_id": connector.thron.tenant.find(FILM).id,
        "resolution": "uri-miss",
        "client": "127.0.0.1",
        "scheme": "http",
        "host": "127.0.0.1",
        "request_id": answer.fields["X-Request-Id"],
    }


TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize("times", [1, 2], ids=["first", "answered at once"])
async def test_trace(connector: Running, log: Logged, times: int) -> None:
    """The record belongs to the trace of whoever asks; one that is invalid is left out."""
    await connector.get(_film(connector))
    for _ in range(times):
        await connector.ask("HEAD", _film(connector), traceparent=f"00-{TRACE}-{PARENT}-01")
    record = await log.wait("download", nth=1 + times)
    assert (record["trace_id"], record["parent_id"]) == (TRACE, PARENT)
    await connector.ask("HEAD", _film(connector), traceparent=f"00-{TRACE}-none-01")
    assert "trace_id" not in await log.wait("download", nth=2 + times)


@pytest.mark.parametrize(
    ("proxies", "given", "counts"),
    [
        pytest.param("127.0.0.0/8", "front-1", True, id="trusted"),
        pytest.param("127.0.0.0/8", "x" * 200, False, id="too long"),
        pytest.param("127.0.0.0/8", "<b>", False, id="odd characters"),
        pytest.param("10.0.0.0/8", "front-1", False, id="somebody"),
    ],
)
async def test_request_id_of_a_front(proxies: str, given: str, *, counts: bool) -> None:
    """That of a trusted proxy stands in answer and record; anybody else's counts for nothing."""

    async def handler(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response()

    trusted = TrustedProxies((ip_network(proxies),))
    with logged() as log:
        async with (
            _answering(handler, trusted) as client,
            client.get("/", headers={"X-Request-ID": given}) as answer,
        ):
            request_id = answer.headers["X-Request-Id"]
        (record,) = log.of("download")
    assert record["request_id"] == request_id
    assert (request_id == given) is counts


@pytest.mark.parametrize(
    ("target", "path"),
    [
        pytest.param("/files/x?pkey=SECRET", "/files/x", id="query"),
        pytest.param("http://user:SECRET@a/files/x", "http://a/files/x", id="user information"),
        pytest.param("/files/x#SECRET", "/files/x", id="fragment"),
        pytest.param("/files/" + "x" * 7000, "/files/" + "x" * 1017 + "…", id="long"),
        pytest.param("/" + '"' * 7000, "/" + '"' * 1023 + "…", id="long once it is escaped"),
    ],
)
async def test_hostile_target(connector: Running, log: Logged, target: str, path: str) -> None:
    """No secret, and no line that several processes would tear in their pipe."""
    url = connector.url("/")
    reader, writer = await asyncio.open_connection(url.host, url.port)
    try:
        writer.write(f"GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        await reader.read()
    finally:
        writer.close()
    record = await log.wait("download")
    assert record["path"] == path
    assert "SECRET" not in log.text
    assert len(log.text.splitlines()[-1].encode()) < select.PIPE_BUF


async def test_selected_range(connector: Running, log: Logged) -> None:
    """A part is told with its place, a second download as a hit."""
    await connector.get(_film(connector))
    await connector.get(_film(connector), Range="bytes=5-14")
    record = await log.wait("download", nth=2)
    assert (record["status"], record["octets"], record["resolution"]) == (206, 10, "hit")
    assert record["selected_range"].startswith("bytes 5-14/")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("HEAD", "film", 200, id="HEAD"),
        pytest.param("OPTIONS", "film", 204, id="OPTIONS"),
        pytest.param("POST", "film", 405, id="other method"),
        pytest.param("GET", "/files/none", 404, id="unknown"),
        pytest.param("GET", "/files/%00", 400, id="malformed"),
        pytest.param("GET", "/-/livez", 200, id="probe"),
    ],
)
async def test_without_content(
    connector: Running, log: Logged, method: str, path: str, status: int
) -> None:
    """Answers without content are told too, each with its status and no octets."""
    answer = await connector.ask(method, _film(connector) if path == "film" else path)
    record = await log.wait("download")
    assert answer.status == record["status"] == status
    assert (record["method"], record["octets"], record["ended_by"]) == (method, 0, "complete")
    assert record["request_id"] == answer.fields["X-Request-Id"]


async def test_level_without_records(connector: Running) -> None:
    """A level above theirs leaves access records out; what failed is told all the same."""
    with logged("warning") as log:
        assert (await connector.get(_film(connector))).status == 200
        assert not log.events
        for where in ("static", "source"):
            connector.thron.faults.fail(503, where=where, times=None)
        answer = await connector.get(_film(connector), Range="bytes=0-8")
        record = await log.wait("download")
    assert (record["status"], record["level"]) == (answer.status, "warning")
    assert record["error"]
    assert record["reason"]


async def test_client_left(connector: Running, log: Logged) -> None:
    """A client that leaves in the middle is told as such, with what it was given."""
    connector.thron.faults.stall_after(1000, where="static", times=None)
    connector.thron.faults.stall_after(1000, where="source", times=None)
    async with connector.http.get(connector.url(_film(connector))) as answer:
        assert await answer.content.readany()
    record = await log.wait("download")
    assert (record["status"], record["ended_by"]) == (200, "client")
    assert 0 < record["octets"] <= 1000


async def test_origin_broke_off(connector: Running, log: Logged) -> None:
    """An origin that breaks off for good is told, and the client can tell."""
    for where in ("static", "source"):
        connector.thron.faults.add(
            Fault(Kind.NO_VALIDATOR, where, None),
            Fault(Kind.TRUNCATED, where, None, at=1000),
        )
    with pytest.raises(aiohttp.ClientPayloadError):
        await connector.get(_film(connector))
    record = await log.wait("download")
    assert (record["status"], record["ended_by"]) == (200, "origin")
    assert record["error"] == "http_response_incomplete"
    assert "exception" not in log.text


@asynccontextmanager
async def _answering(
    handler: Handler, trusted: TrustedProxies | None = None
) -> AsyncIterator[Client]:
    observer = Observer(
        handler,
        traffic=Traffic(now=time.time),
        trusted=trusted or TrustedProxies(),
        negative_ttl_s=10,
        stopping=asyncio.Event(),
    )
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", observer.answer)
    async with TestClient(TestServer(app, handler_cancellation=True)) as client:
        yield client


async def test_bug_before_the_answer() -> None:
    """A bug is a 500 without a word of it, and one line with its traceback."""

    async def handler(_request: web.BaseRequest) -> web.StreamResponse:
        raise ZeroDivisionError(INTERNALS)

    with logged() as log:
        async with _answering(handler) as client, client.get("/") as answer:
            assert answer.status == 500
            assert INTERNALS not in await answer.text()
            request_id = answer.headers["X-Request-Id"]
        (bug,) = log.of("bug")
        assert "ZeroDivisionError" in bug["exception"]
        (record,) = log.of("download")
        assert bug["request_id"] == record["request_id"] == request_id
        assert (record["ended_by"], record["error"]) == ("gateway", "ZeroDivisionError")


@pytest.mark.parametrize("has_length", [True, False])
async def test_bug_within_the_answer(*, has_length: bool) -> None:
    """Past the header section a bug breaks the connection off: no torn content looks whole."""

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        if has_length:
            response.content_length = 100
        await response.prepare(request)
        request[RECORD].headers_sent = True
        await response.write(b"half")
        raise ZeroDivisionError

    with logged() as log:
        async with _answering(handler) as client:
            with pytest.raises(aiohttp.ClientError):
                async with client.get("/") as answer:
                    await answer.read()
        (record,) = log.of("download")
        assert record["ended_by"] == "gateway"


@pytest.mark.parametrize("error", [ConnectionResetError, asyncio.CancelledError, GatewayError])
async def test_broken_off_within_the_answer(error: type[BaseException]) -> None:
    """Whatever breaks an answer off, nothing else follows in the place of its content."""
    async with _answering(partial(_begin, expected=100, error=error)) as client:
        assert (await _asked_by_old_client(client)).endswith(b"\r\n\r\nhalf")


@pytest.mark.parametrize("error", [ConnectionResetError, asyncio.CancelledError, GatewayError])
async def test_broken_off_where_the_end_of_the_connection_is_that_of_the_content(
    error: type[BaseException],
) -> None:
    """Without a length, HTTP/1.0 has nothing but a reset that tells a part from the whole."""
    async with _answering(partial(_begin, expected=None, error=error)) as client:
        with pytest.raises(ConnectionResetError):
            await _asked_by_old_client(client)


async def test_the_end_of_the_connection_as_that_of_the_content() -> None:
    """Content that is whole ends without a reset."""
    async with _answering(partial(_begin, expected=None, error=None)) as client:
        assert (await _asked_by_old_client(client)).endswith(b"\r\n\r\nhalf")


async def _begin(
    request: web.BaseRequest, *, expected: int | None, error: type[BaseException] | None
) -> web.StreamResponse:
    record = request[RECORD]
    record.expected = expected
    client = ClientStream(request, 200, b"", record=record, has_content=True, is_last=False)
    await client.write(b"half")
    if error is not None:
        raise error
    client.end()
    await client.emptied()
    return client


async def _asked_by_old_client(client: Client) -> bytes:
    reader, writer = await asyncio.open_connection(client.host, client.port)
    try:
        writer.write(b"GET / HTTP/1.0\r\n\r\n")
        return await reader.read()
    finally:
        writer.close()


async def test_bug_at_once() -> None:
    """What fails before anything is sent is left to the other way, and told once."""

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        assert observer.answer_at_once(message, request.remote or "", "http") is None
        raise ZeroDivisionError

    def at_once(_message: RawRequestMessage, _record: AccessRecord) -> bytes:
        raise ZeroDivisionError

    fields = CIMultiDictProxy(CIMultiDict({"Host": "a"}))
    read = ("HEAD", "/", HttpVersion11, fields, (), False, None, False, False, URL("/"))
    message = RawRequestMessage(*read)
    observer = Observer(
        handler,
        at_once=at_once,
        traffic=Traffic(now=time.time),
        trusted=TrustedProxies(),
        negative_ttl_s=10,
        stopping=asyncio.Event(),
    )
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", observer.answer)
    with logged() as log:
        async with TestClient(TestServer(app)) as client, client.head("/") as answer:
            assert answer.status == 500
        assert (len(log.of("bug")), len(log.of("download"))) == (1, 1)


ERRORS = [
    pytest.param(errors.MalformedPath(INTERNALS), 400, None, None, id="malformed"),
    pytest.param(errors.UnknownAddress(INTERNALS), 404, None, None, id="unknown"),
    pytest.param(
        errors.ThronUnreachable(INTERNALS), 503, "destination_unavailable", "10", id="THRON away"
    ),
    pytest.param(errors.ThronTimeout(INTERNALS), 503, "http_response_timeout", "10", id="too slow"),
    pytest.param(
        errors.ThronBusy(INTERNALS, retry_after_s=2.2),
        503,
        "proxy_internal_response",
        "3",
        id="busy, with a time of its own",
    ),
    pytest.param(errors.ThronAnswerInvalid(INTERNALS), 502, "http_protocol_error", "10", id="page"),
    pytest.param(errors.ThronRefused(INTERNALS), 503, None, None, id="no right"),
    pytest.param(
        errors.NotConfigured(INTERNALS), 503, "proxy_configuration_error", "60", id="set-up"
    ),
    pytest.param(
        errors.OriginUnreachable(INTERNALS), 502, "connection_refused", None, id="origin away"
    ),
    pytest.param(
        errors.OriginUnreachable(INTERNALS, proxy_status="dns_error"),
        502,
        "dns_error",
        None,
        id="a name of its own",
    ),
    pytest.param(
        errors.OriginTimeout(INTERNALS), 504, "http_response_timeout", None, id="origin slow"
    ),
    pytest.param(
        errors.OriginProhibited(INTERNALS), 502, "http_request_denied", None, id="prohibited"
    ),
    pytest.param(errors.Overloaded(INTERNALS), 503, None, "5", id="overloaded"),
    pytest.param(errors.DatabaseFailed(INTERNALS), 503, None, "5", id="database"),
]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(("error", "status", "proxy_status", "retry_after"), ERRORS)
async def test_error_answer(
    error: GatewayError, status: int, proxy_status: str | None, retry_after: str | None, method: str
) -> None:
    """An error is its public words and the request id; the operator's words stay in the log."""

    async def handler(_request: web.BaseRequest) -> web.StreamResponse:
        raise error

    with logged() as log:
        async with _answering(handler) as client, client.request(method, "/a?b=c") as answer:
            fields, text = answer.headers, await answer.text()
        (record,) = log.of("download")
    request_id = fields["X-Request-Id"]
    assert answer.status == status
    assert text == ("" if method == "HEAD" else f"{error.public}\n{request_id}\n")
    assert INTERNALS not in str(fields)
    assert fields.get("Retry-After") == retry_after
    told = f"thron-connector; error={proxy_status}" if proxy_status else None
    assert fields.get("Proxy-Status") == told
    assert fields["Content-Type"].startswith("text/plain")
    assert fields["X-Content-Type-Options"] == "nosniff"
    assert fields["Server"] == "thron-connector"
    assert ("max-age=10" in fields["Cache-Control"]) == (status == 404)
    assert (record["reason"], record["request_id"]) == (INTERNALS, request_id)
    assert "exception" not in record
    assert "b=c" not in str(record)


@pytest.mark.parametrize(
    ("field", "value"), [("X-Forwarded-Proto", "https"), ("Forwarded", "proto=https")]
)
async def test_unbelieved_https_is_logged_once(field: str, value: str) -> None:
    """A peer whose word does not count and that claims HTTPS is logged once, with the fix."""

    async def handler(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response()

    assert MAX_WARNED > 1
    with logged() as log:
        async with _answering(handler) as client:
            for _ in range(3):
                async with client.get("/", headers={field: value}):
                    pass
        (warning,) = log.of("https claimed but not believed")
    assert warning["peer"] == "127.0.0.1"
    assert "TDC_TRUSTED_PROXIES" in warning["fix"]
    assert "TDC_FORWARDED" in warning["fix"]


async def test_unnamed_proxy_in_front_is_logged_once() -> None:
    """Where all requests come forwarded from one address, the log names the settings for it."""

    async def handler(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response()

    with logged() as log:
        async with _answering(handler) as client:
            for number in range(220):
                path = "/-/readyz" if number % 2 else "/"
                forwarded = {} if number % 2 else {"X-Forwarded-For": "192.0.2.1"}
                async with client.get(path, headers=forwarded):
                    pass
        (warning,) = log.of("unnamed proxy in front")
    assert "TDC_TRUSTED_PROXIES" in warning["fix"]


async def test_an_address_that_also_asks_itself_is_no_front() -> None:
    """A request without such a field, among those with one, begins the row anew."""

    async def handler(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response()

    with logged() as log:
        async with _answering(handler) as client:
            for number in range(220):
                forwarded = {"X-Forwarded-For": "192.0.2.1"} if number % 50 else {}
                async with client.get("/", headers=forwarded):
                    pass
        assert not log.of("unnamed proxy in front")


async def test_client_that_leaves_before_the_answer() -> None:
    """A client that leaves while nothing has been sent is told without a status."""
    asked = asyncio.Event()

    async def handler(_request: web.BaseRequest) -> web.StreamResponse:
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    with logged() as log:
        async with _answering(handler) as client:
            asking = asyncio.ensure_future(client.get("/"))
            await asked.wait()
            asking.cancel()
            record = await log.wait("download")
    assert record["ended_by"] == "client"
    assert "status" not in record


def _fronts_found(peers: list[str], fields: dict[str, str]) -> int:
    detector = FrontDetector()
    section = CIMultiDict(fields)
    return sum(detector.is_found(peers[number % len(peers)], section) for number in range(REQUESTS))


@pytest.mark.parametrize("field", ["X-Forwarded-For", "forwarded", "Via"])
def test_one_address_that_forwards(field: str) -> None:
    """Requests of one address alone, each with a field that proxies write, are told once."""
    assert _fronts_found(["192.0.2.1"], {field: "1.2.3.4"}) == 1


@pytest.mark.parametrize(
    ("peers", "fields"),
    [
        pytest.param(["192.0.2.1"], {"Accept": "*/*"}, id="one busy client"),
        pytest.param(["192.0.2.1", "192.0.2.2"], {"Via": "1.1 a"}, id="several"),
    ],
)
def test_clients_are_no_front(peers: list[str], fields: dict[str, str]) -> None:
    """One client without such a field, or several with one, are no front."""
    assert _fronts_found(peers, fields) == 0


async def test_errors_leave_no_cycles(connector: Running) -> None:
    """An error is gone with its answer: crowds of them do not wait for the garbage collector."""
    film = f"/files/{connector.thron.tenant.find(FILM).id}"
    paths = ["/media/en/none", "/none", "/%00", f"/files/{uuid.uuid4()}", film]
    for path in paths:
        await connector.get(path)
    connector.thron.faults.add(Fault(Kind.STATUS, "source", None, status=503))
    gc.collect()
    gc.disable()
    before = [each for each in gc.get_objects() if isinstance(each, GatewayError)]
    try:
        for path in [*paths, "/media/en/never-asked-before"]:
            assert (await connector.get(path)).status >= 400

        async def all_are_gone() -> bool:  # the last one ends a moment after its answer
            errors = (each for each in gc.get_objects() if isinstance(each, GatewayError))
            return all(any(each is other for other in before) for each in errors)

        await until(all_are_gone)
    finally:
        gc.enable()
