"""How a content of a connector is delivered."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proxy.connectors.model import Connector, DeliveryMode, Identifier
from proxy.delivery.delivery_builder import DeliveryBuilder
from proxy.errors import ThronRefused
from proxy.sandbox.server import Sandbox
from proxy.thron.content import Content
from tests.running import Running, running

CONTENT = Content(
    id="b68d7e9f-7488-4ff1-bdfe-3af6768a631f",
    content_type="VIDEO",
    file_name="film.mov",
    channels=("WEBHD", "WEB"),
)


def connector(mode: DeliveryMode) -> Connector:
    """Return a connector of a delivery mode."""
    return Connector(slug="a", folder="f", identifier=Identifier.CONTENT_ID, delivery=mode)


@pytest.fixture
async def whole(thron: Sandbox, tmp_path: Path) -> AsyncIterator[Running]:
    async with running(thron, tmp_path) as connector:
        yield connector


def delivery_builder(whole: Running) -> DeliveryBuilder:
    """Return the builder of a tenant whose hosts are named after it."""
    return DeliveryBuilder(
        whole.tenant.thron, client_id="acme", api_url="https://api", cdn_url="https://cdn"
    )


async def test_an_original_names_no_secret(whole: Running) -> None:
    """Its source is downloadSource without a token."""
    delivery = await delivery_builder(whole).build(connector(DeliveryMode.ORIGINAL), CONTENT)
    assert delivery.sources[0].startswith(
        "https://api/api/xadmin/resources/content/downloadSource?"
    )
    assert all(CONTENT.id in source for source in delivery.sources)
    assert not [s for s in whole.thron.secrets if s in "".join(delivery.sources)]
    assert delivery.file_name == "film.mov"


@pytest.mark.parametrize(
    ("content_type", "file_name", "expected"),
    [
        ("OTHER", "a.html", "a.html"),
        ("OTHER", None, None),
        ("VIDEO", "a.mov", "a.mov"),
        ("VIDEO", None, CONTENT.id),
    ],
)
@pytest.mark.parametrize("mode", DeliveryMode)
async def test_a_document_without_a_name_may_be_of_any_type(
    whole: Running, mode: DeliveryMode, content_type: str, file_name: str | None, expected: str
) -> None:
    """A page, too; of a film it would be an error."""
    content = Content(CONTENT.id, content_type, file_name=file_name, channels=("WEB",))
    delivery = await delivery_builder(whole).build(connector(mode), content)
    assert delivery.expected_name == expected
    assert delivery.file_name == file_name or CONTENT.id


async def test_a_rendition_has_a_source_for_each_channel(whole: Running) -> None:
    """In the order to try; the pkey is in them, and shown by no repr."""
    delivery = await delivery_builder(whole).build(connector(DeliveryMode.PUBLISHED), CONTENT)
    assert len(delivery.sources) > 1
    assert "/WEBHD/" in delivery.sources[0]
    assert all(f"/{whole.thron.pkey}/" in source for source in delivery.sources)
    assert str(whole.thron.pkey) not in repr(delivery)


async def test_without_a_pkey_there_is_no_rendition(thron: Sandbox, tmp_path: Path) -> None:
    """The refusal names both fixes."""
    thron.tenant.app.pkey = None
    async with running(thron, tmp_path) as whole:
        with pytest.raises(ThronRefused, match=r"public share.*original"):
            await delivery_builder(whole).build(connector(DeliveryMode.PUBLISHED), CONTENT)


async def test_a_pkey_is_outdated_when_thron_gives_another(whole: Running) -> None:
    """A delivery of the present key is not, nor is an original ever."""
    made = delivery_builder(whole)
    published = await made.build(connector(DeliveryMode.PUBLISHED), CONTENT)
    assert not await made.is_outdated(published)
    original = await made.build(connector(DeliveryMode.ORIGINAL), CONTENT)
    assert not await made.is_outdated(original)
