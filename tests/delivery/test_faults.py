"""Every fault that the sandbox knows, and what a client is told of it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from proxy.connectors.model import DeliveryMode
from proxy.sandbox.faults import Fault, Kind, Where
from proxy.sandbox.server import Sandbox
from tests.delivery.taking import take
from tests.running import LOOPBACK, Running, by_id, running

KIT = "88ab533c-2f8d-4746-8910-ccf985a96b48"
PATH = f"/files/{KIT}"
DATA = bytes(range(250)) * 800
NOWHERE = "no-such-host.invalid"  # what Kind.DNS redirects to
FOREIGN = "http://169.254.169.254/latest/meta-data"
# Enough for whatever works on a busy machine, little for what hangs.
LIMITS_S = {"read_gap_s": 1.0, "first_byte_timeout_s": 1.0}

# The places whose answer is the content's, and those that only lead to it.
BYTES: tuple[Where, ...] = ("static", "source", "storage")
STEPS: tuple[Where, ...] = ("delivery", *BYTES)
API: tuple[Where, ...] = ("api", "login")


@dataclass(frozen=True, slots=True)
class Told:
    """What a client gets.

    Attributes:
        status: Of a GET of the whole.
        error: None where there is none to tell.
        received: The status that came in place of the content, where one did.
        ranged: Status of a GET of ten octets, where the whole is 200.
    """

    status: int = 200
    error: str | None = None
    received: int | None = None
    ranged: int = 206

    @property
    def proxy_status(self) -> str | None:
        """The whole field."""
        if self.error is None and self.received is None:
            return None
        error = f"; error={self.error}" if self.error is not None else ""
        received = f"; received-status={self.received}" if self.received is not None else ""
        return f"thron-connector{error}{received}"


FINE = Told()
REFUSED = Told(502, received=503)
BAD_REQUEST = Told(404, received=400)
NONSENSE = Told(502, "http_protocol_error")
SILENT = Told(504, "http_response_timeout")
CUT = Told(502, "connection_terminated")
PROHIBITED = Told(502, "http_request_denied")
DOWN = Told(503, "destination_unavailable")
REDIRECTED = Told(502, received=307)
OTHER = Told(502, received=200)
NO_API = Told(502, "http_protocol_error")


def rows(told: Told, kind: Kind, *places: Where, **facts: Any) -> list[Any]:
    """Return the cases of one fault at several places."""
    fault = replace(Fault(kind, times=None), **facts)
    detail = f" at {fault.at}" if fault.at is not None else ""
    return [
        pytest.param(replace(fault, where=place), told, id=f"{kind}{detail}, {place}")
        for place in places
    ]


CASES = [
    # An answer of another kind
    *rows(REFUSED, Kind.STATUS, "delivery", "static", "storage"),
    *rows(Told(503, received=503), Kind.STATUS, "source", *API),
    *rows(BAD_REQUEST, Kind.STATUS, "delivery", "static", "storage", status=400),
    *rows(Told(404, received=403), Kind.STATUS, "static", status=403),
    *rows(Told(404, received=404), Kind.STATUS, "static", "storage", status=404),
    *rows(Told(502, received=429), Kind.BUSY, "delivery", "static", "storage"),
    *rows(Told(503, received=429), Kind.BUSY, "source", *API),
    *rows(OTHER, Kind.HTML, "delivery", "static"),
    *rows(Told(502, received=302), Kind.HTML, "storage"),
    # In place of a source file a page is how a tenant may refuse it (docs/thron.md 7.5).
    *rows(Told(404, received=200), Kind.HTML, "source"),
    *rows(NO_API, Kind.HTML, *API),
    *rows(OTHER, Kind.ENVELOPE, "delivery", "static"),
    *rows(Told(502, received=302), Kind.ENVELOPE, "storage"),
    *rows(DOWN, Kind.ENVELOPE, "source", *API),
    *rows(OTHER, Kind.EMPTY, *STEPS),
    *rows(NO_API, Kind.EMPTY, *API),
    *rows(Told(502, "proxy_loop_detected"), Kind.REDIRECT_LOOP, *STEPS),
    *rows(REDIRECTED, Kind.REDIRECT_LOOP, *API),
    *rows(PROHIBITED, Kind.REDIRECT_TO, *STEPS, location=FOREIGN),
    *rows(REDIRECTED, Kind.REDIRECT_TO, *API, location=FOREIGN),
    *rows(Told(502, "dns_error"), Kind.DNS, *STEPS),
    *rows(REDIRECTED, Kind.DNS, *API),
    *rows(Told(502, "tls_protocol_error"), Kind.TLS, *STEPS),
    *rows(REDIRECTED, Kind.TLS, *API),
    # A faithful answer sent badly
    *rows(FINE, Kind.LATENCY, *STEPS, *API, seconds=0.02),
    *rows(SILENT, Kind.STALL, *STEPS),
    *rows(Told(503, "http_response_timeout"), Kind.STALL, *API),
    *rows(FINE, Kind.STALL, *BYTES, at=100_000, times=1),
    *rows(CUT, Kind.RESET, *STEPS),
    *rows(DOWN, Kind.RESET, *API),
    *rows(NONSENSE, Kind.GARBAGE, *STEPS),
    *rows(NO_API, Kind.GARBAGE, *API),
    *rows(FINE, Kind.RESET, *BYTES, at=70_000),
    *rows(FINE, Kind.TRUNCATED, *BYTES, at=70_000),
    *rows(FINE, Kind.TRUNCATED, *BYTES, at=0, times=1),
    *rows(DOWN, Kind.TRUNCATED, *API),
    *rows(FINE, Kind.TRICKLE, *STEPS, *API, octets_per_s=10_000_000),
    # A faithful answer with something missing or wrong
    *rows(FINE, Kind.MEDIA_TYPE, *BYTES),
    *rows(FINE, Kind.NO_LENGTH, *BYTES),
    *rows(FINE, Kind.NO_VALIDATOR, *BYTES),
    *rows(FINE, Kind.WEAK_VALIDATOR, *BYTES),
    *rows(FINE, Kind.CHANGING_VALIDATOR, *BYTES),
    *rows(Told(ranged=502), Kind.RANGE_SHIFTED, *BYTES),
    *rows(Told(502, "http_response_content_coding"), Kind.CODED, *BYTES),
    # The whole in place of the range is what RFC 9110, 14.2 allows.
    *rows(Told(ranged=200), Kind.RANGE_IGNORED, *BYTES),
    *rows(FINE, Kind.HEAD_REFUSED, *STEPS),
]


@pytest.fixture
async def struck(fault: Fault, thron: Sandbox, tmp_path: Path) -> AsyncIterator[Running]:
    """Run a connector whose way to one content leads by the fault's place."""
    if fault.where == "storage":
        thron.switches.source_by = "redirect"
    mode = (
        DeliveryMode.PUBLISHED if fault.where in {"delivery", "static"} else DeliveryMode.ORIGINAL
    )
    thron.publish_new_version(KIT, DATA)
    limits_s = LIMITS_S if fault.kind is Kind.STALL else {}
    settings: dict[str, Any] = {"origin_hosts": (LOOPBACK, NOWHERE), **limits_s}
    async with running(thron, tmp_path, by_id(thron, delivery=mode), **settings) as connector:
        if fault.where == "login":
            thron.expire_tokens()
        thron.faults.add(fault)
        yield connector


@pytest.mark.parametrize(("fault", "told"), CASES)
async def test_fault(struck: Running, fault: Fault, told: Told) -> None:
    """Status and Proxy-Status are those of the table, and what comes with 200 is the content."""
    taken = await take(struck.http, struck.url(PATH), Accept_Encoding="identity")
    assert taken.is_whole
    assert taken.status == told.status
    assert taken.fields.get("Proxy-Status") == told.proxy_status
    assert (taken.body == DATA) is (told.status == 200)
    may_pass = told.status >= 500 and told.error != "http_response_content_coding"
    assert ("Retry-After" in taken.fields) is may_pass
    if told.status == 200:
        await check_the_rest(struck, ranged=told.ranged)
    assert struck.thron.faults.struck or fault.kind is Kind.HEAD_REFUSED


async def check_the_rest(struck: Running, *, ranged: int) -> None:
    """Ask for a part, and for the fields alone."""
    part = await struck.get(PATH, Range="bytes=150000-150009")
    assert part.status == ranged
    if ranged != 502:
        assert part.body == (DATA if ranged == 200 else DATA[150_000:150_010])
    head = await struck.ask("HEAD", PATH)
    assert (head.status, head.fields.get("Content-Length")) == (200, str(len(DATA)))


def test_every_kind_has_its_rows() -> None:
    """No fault that the sandbox knows is missing in the table."""
    assert {case.values[0].kind for case in CASES} == set(Kind)
