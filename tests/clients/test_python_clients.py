"""httpx and requests, as scripts and CMS plug-ins use them."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
import requests

from tests.clients.conftest import Published
from tests.waiting import PATIENCE_S


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False) as client:
        yield client


async def test_httpx_streams(client: httpx.AsyncClient, film: Published) -> None:
    """Httpx, with every Accept-Encoding it knows, gets the octets as they are."""
    async with client.stream("GET", film.url) as response:
        body = b"".join([piece async for piece in response.aiter_raw()])
    assert response.status_code == 200
    assert "Content-Encoding" not in response.headers
    assert body == film.data


async def test_httpx_goes_on_where_it_stopped(client: httpx.AsyncClient, film: Published) -> None:
    """A client that leaves in the middle gets the rest with Range and If-Range."""
    begun = bytearray()
    async with client.stream("GET", film.url) as first:
        async for piece in first.aiter_raw(65_536):
            begun += piece
            if len(begun) > 200_000:
                break
    fields = {"Range": f"bytes={len(begun)}-", "If-Range": first.headers["ETag"]}
    rest = await client.get(film.url, headers=fields)
    assert rest.status_code == 206
    assert bytes(begun) + rest.content == film.data


async def test_httpx_restarts_when_the_content_changed(
    client: httpx.AsyncClient, film: Published
) -> None:
    """With the entity-tag of another version, If-Range gives the whole of this one."""
    fields = {"Range": "bytes=1000-", "If-Range": '"of-another-version"'}
    response = await client.get(film.url, headers=fields)
    assert (response.status_code, response.content == film.data) == (200, True)


async def test_requests(film: Published) -> None:
    """Requests gets the whole, a range, and a 416 beyond the end."""

    def ask() -> tuple[requests.Response, requests.Response, requests.Response]:
        with requests.Session() as session:
            session.trust_env = False
            whole = session.get(film.url, timeout=PATIENCE_S)
            part = session.get(film.url, headers={"Range": "bytes=10-19"}, timeout=PATIENCE_S)
            beyond = {"Range": f"bytes={len(film.data)}-"}
            return whole, part, session.get(film.url, headers=beyond, timeout=PATIENCE_S)

    whole, part, beyond = await asyncio.to_thread(ask)
    assert (whole.status_code, whole.content == film.data) == (200, True)
    assert (part.status_code, part.content) == (206, film.data[10:20])
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (
        416,
        f"bytes */{len(film.data)}",
    )
