"""Header sections of answers: what is remembered of them is what they say."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.delivery.transport.parsing import MOST_REMEMBERED_OCTETS, Head, read_head
from proxy.errors import OriginAnswerInvalid
from tests.delivery.transport.hostile import hostile
from tests.delivery.transport.test_client import ask, new_client

names = st.sampled_from(
    [b"Content-Length", b"content-length", b"Transfer-Encoding", b"Connection", b"ETag", b"E Tag"]
)
values = st.sampled_from([b"5", b"7", b"+5", b"chunked", b"close", b'"1"', b"\xff", b"a\rb", b""])
lines = st.lists(st.builds(lambda name, value: name + b": " + value, names, values), max_size=4)
begins = st.sampled_from([b"HTTP/1.1 200 OK", b"HTTP/1.0 200 OK", b"HTTP/1.1 204 ", b"HTTP/2 200"])
sections = st.builds(lambda begin, lines: b"\r\n".join([begin, *lines, b"", b""]), begins, lines)
asked = st.tuples(sections, st.sampled_from(["GET", "HEAD"]))


def told(read: Callable[[bytes, str], Head], section: bytes, method: str) -> tuple[object, ...]:
    """Return all that a header section says, its field lines in their order, or why it is none."""
    try:
        head = read(section, method)
    except OriginAnswerInvalid as exc:
        return str(exc), exc.proxy_status
    return (
        head.status,
        [*head.fields.items()],
        head.content_length,
        head.octets,
        head.is_chunked,
        head.is_persistent,
    )


@given(st.lists(asked, min_size=1, max_size=20))
def test_what_is_remembered_is_what_would_be_read(answers: list[tuple[bytes, str]]) -> None:
    """Whoever said the same octets before, to whatever method: no answer is taken for another."""
    for section, method in [*answers, *answers]:
        assert told(read_head, section, method) == told(read_head.__wrapped__, section, method)


@pytest.mark.parametrize("is_remembered", [True, False])
async def test_only_what_is_short_is_remembered(*, is_remembered: bool) -> None:
    """An origin that says much makes this process hold none of it."""
    said = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Padding: "
    length = MOST_REMEMBERED_OCTETS + (0 if is_remembered else 1)
    section = said.ljust(length - len(b"\r\n\r\n"), b"a") + b"\r\n\r\n"
    read_head.cache_clear()
    async with new_client() as client, hostile(section + b"ok") as origin:
        for _ in range(2):
            response = await ask(client, origin.url)
            assert (await response.read(), response.content_length) == (b"ok", 2)
    known = read_head.cache_info()
    assert (known.hits, known.currsize) == ((1, 1) if is_remembered else (0, 0))
    assert known.maxsize == 256
