"""The durable URLs of a content, by delivery mode."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from proxy.catalogue.connector import DeliveryMode
from proxy.delivery.deliveries import Deliveries
from proxy.errors import ThronRefused
from proxy.sandbox.server import Sandbox
from proxy.thron.client import Client
from proxy.thron.content import Content
from proxy.thron.tokens import Credentials, TokenKeeper
from tests.running import by_id

FILM = Content(id="film", content_type="VIDEO", file_name="film.mp4", channels=("WEB", "WEBHD"))


@pytest.fixture
def clock() -> list[float]:
    """Return the keeper's clock, its seconds in the only place."""
    return [0.0]


@pytest.fixture
async def keeper(thron: Sandbox, clock: list[float]) -> AsyncIterator[TokenKeeper]:
    credentials = Credentials(thron.client_id, thron.app_id, thron.app_key)
    async with aiohttp.ClientSession() as http:
        client = Client(http, api_url=thron.api_url)
        async with TokenKeeper(
            client, credentials, now=lambda: clock[0], random=lambda: 0.5
        ) as found:
            yield found


@pytest.fixture
def deliveries(keeper: TokenKeeper, thron: Sandbox) -> Deliveries:
    return Deliveries(
        keeper, client_id=thron.client_id, api_url=thron.api_url, cdn_url=thron.cdn_url
    )


async def test_a_source_file_has_one_url_without_secrets(
    deliveries: Deliveries, thron: Sandbox
) -> None:
    """The URL of a source file is on the API's host, and holds neither token nor pkey."""
    delivery = await deliveries.of(by_id(thron), FILM)
    (source,) = delivery.sources
    assert source.startswith(thron.api_url)
    assert not any(secret in source for secret in thron.secrets)


async def test_a_rendition_has_one_url_for_each_channel(
    deliveries: Deliveries, thron: Sandbox
) -> None:
    """Of a film's channels the best is tried first."""
    connector = by_id(thron, delivery=DeliveryMode.PUBLISHED)
    sources = (await deliveries.of(connector, FILM)).sources
    assert [source.split("/")[-2] for source in sources] == ["WEBHD", "WEB"]


async def test_no_rendition_without_pkey(deliveries: Deliveries, thron: Sandbox) -> None:
    """While public share is off, the refusal names the mend."""
    thron.tenant.app.pkey = None
    with pytest.raises(ThronRefused, match="public share"):
        await deliveries.of(by_id(thron, delivery=DeliveryMode.PUBLISHED), FILM)


async def test_a_revoked_pkey_is_read_again(
    deliveries: Deliveries, thron: Sandbox, clock: list[float]
) -> None:
    """A delivery with a pkey that is no more is outdated, as one login in a minute may tell."""
    connector = by_id(thron, delivery=DeliveryMode.PUBLISHED)
    old = await deliveries.of(connector, FILM)
    thron.tenant.new_pkey()
    assert not await deliveries.is_outdated(old)
    clock[0] = 61.0
    assert await deliveries.is_outdated(old)
    assert not await deliveries.is_outdated(await deliveries.of(connector, FILM))
    assert thron.logins == 2


async def test_a_source_file_is_never_outdated(deliveries: Deliveries, thron: Sandbox) -> None:
    """A source file's URL holds no pkey, so nothing is asked."""
    delivery = await deliveries.of(by_id(thron), FILM)
    assert not await deliveries.is_outdated(delivery)
    assert thron.logins == 0
