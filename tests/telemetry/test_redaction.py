"""Secrets that a client sends are in nothing that is logged or shown."""

import uuid
from urllib.parse import quote

import orjson
import pytest

from proxy.telemetry import redaction
from proxy.telemetry.access_record import AccessRecord, log_access, shown_path
from proxy.telemetry.live import Traffic
from proxy.telemetry.redaction import redacted
from tests.logs import logged

SECRET = 'a/secret+with="all"\\that=is-escaped'


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"/files/{SECRET}/film.mp4", id="as it is"),
        pytest.param(f"/files/{quote(SECRET, safe='')}", id="percent-encoded"),
        pytest.param(f"/files/{quote(SECRET, safe='').lower()}", id="with lower-case digits"),
        pytest.param(orjson.dumps({"path": SECRET}).decode(), id="in JSON"),
    ],
)
def test_known_secret(text: str) -> None:
    """A secret of ours is found however it is spelt, and the rest stays."""
    redaction.know("app key", SECRET)
    shown = redacted(text)
    assert "secret" not in shown
    assert "[redacted]" in shown
    assert shown[:3] == text[:3]
    assert shown[-2:] == text[-2:] or not text.endswith(("4", "}"))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("/x;tokenId=abc&y", "/x;tokenId=[redacted]&y", id="tokenId"),
        pytest.param("/x%3FtokenId%3Dabc", "/x%3FtokenId%3D[redacted]", id="percent-encoded"),
        pytest.param("X-TOKENID=abc", "X-TOKENID=[redacted]", id="the field's name"),
        pytest.param("pkey=a1&appKey=b2", "pkey=[redacted]&appKey=[redacted]", id="two"),
        pytest.param('{"a":"pkey=a1"}', '{"a":"pkey=[redacted]"}', id="in JSON"),
        pytest.param("/x?tokenId=", "/x?tokenId=", id="without a value"),
        pytest.param("/monkey=1/tokens", "/monkey=1/tokens", id="other words"),
    ],
)
def test_parameter(text: str, shown: str) -> None:
    """A parameter by which THRON takes a secret is shown without it, whosever secret it is."""
    assert redacted(text) == shown


def test_short_secret() -> None:
    """What is too short to be told from a word is not looked for, nor is what is absent."""
    redaction.know("pkey", "films")
    redaction.know("pkey", None)
    assert redacted("/files/films") == "/files/films"


def test_bounded() -> None:
    """Of the tokens of months, the last ones are looked for."""
    tokens = [str(uuid.uuid4()) for _ in range(100)]
    for each in tokens:
        redaction.know("token", each)
    assert redacted(tokens[-1]) == redacted(tokens[-2]) == "[redacted]"
    assert redacted(tokens[0]) == tokens[0]


@pytest.mark.parametrize("error", [None, "UnknownAddress"])
@pytest.mark.parametrize("length", [10, 1000])
def test_request(error: str | None, length: int) -> None:
    """Neither the log nor a page of requests has a secret in path, host or reason."""
    token = str(uuid.uuid4())
    redaction.know("token", token)
    path = shown_path("/" + "x" * length + token)
    record = AccessRecord("id", "192.0.2.1", "http", token, 0.0, path=path)
    record.error, record.reason = error, f"no {token}" if error else None
    traffic = Traffic(now=lambda: 0.0)
    traffic.begin(record)
    shown = repr(traffic.in_flight(most=1))
    traffic.end(record)
    shown += repr(traffic.recent.newest())
    with logged() as log:
        log_access(record)
    assert token[:8] not in log.text + shown
    assert log.text.count("[redacted]") == (3 if error else 2)
