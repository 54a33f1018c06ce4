"""One content by the API."""

import pytest

from proxy.catalogue.collisions import AddressStatus
from proxy.catalogue.purges import Purge, PurgeKind, PurgeStore
from proxy.catalogue.url_rows import Selection
from tests.admin.visitor import Visitor
from tests.listed import listed
from tests.running import Running


@pytest.fixture
async def path(connector: Running) -> str:
    """Fill the catalogue of ``media``, and give the path of one of its contents."""
    await listed(connector, "media")
    content = connector.thron.tenant.find("strada-sl-film")
    return f"/api/connectors/media/contents/{content.id}"


async def test_content(path: str, connector: Running, admin: Visitor) -> None:
    """A content is told with every address."""
    found = (await admin.call("GET", path)).json
    content = connector.thron.tenant.find("strada-sl-film")
    assert {(each["language"], each["identifier"]) for each in found["urls"]} == {
        (language.lower(), value) for language, value in content.pretty_ids
    }
    assert (found["content_type"], found["is_servable"]) == ("VIDEO", True)
    assert found["file_name"] == content.version.file_name


async def test_explanation(path: str, admin: Visitor) -> None:
    """The way of a URL is told, of the address that is asked for."""
    urls = (await admin.call("GET", path)).json["urls"]
    told = (await admin.call("GET", f"{path}/explanation?line={urls[1]['number']}")).json
    assert told["url"] == urls[1]["url"]
    assert told["steps"][-1]["title"] == "origin"
    assert all(each["is_ok"] for each in told["steps"])


async def test_snippets(path: str, admin: Visitor) -> None:
    """Lines to paste are given."""
    found = (await admin.call("GET", f"{path}/snippets?names=on")).json
    plain = next(each["text"] for each in found["items"] if each["name"] == "Plain link")
    assert plain == found["url"]
    assert found["url"].endswith(".mp4")


async def test_snippets_of_an_address_that_serves_another(
    connector: Running, admin: Visitor
) -> None:
    """The loser of a collision has nothing to paste, and is told whom its URL leads to."""
    await listed(connector, "products")
    products = connector.gateway.watch.connectors.by_slug["products"]
    [collision, *_] = await connector.gateway.contents.collisions(products)
    winner, loser = collision.lines[:2]
    path = f"/api/connectors/products/contents/{loser.content_id}/snippets?line={loser.number}"
    found = (await admin.call("GET", path)).json
    assert (found["items"], found["leads_to"]) == ([], winner.content_id)


async def test_snippets_of_a_draft(connector: Running, admin: Visitor) -> None:
    """An address that serves nothing has nothing to paste either."""
    await listed(connector, "media")
    media = connector.gateway.watch.connectors.by_slug["media"]
    hidden = Selection(statuses=frozenset({AddressStatus.UNPUBLISHED}))
    page = await connector.gateway.contents.page(media, hidden)
    line = next(each for each in page.lines if each.value is not None)
    path = f"/api/connectors/media/contents/{line.content_id}/snippets?line={line.number}"
    found = (await admin.call("GET", path)).json
    assert (found["items"], found["leads_to"]) == ([], None)


async def test_forget(path: str, connector: Running, admin: Visitor) -> None:
    """A content is forgotten everywhere; the audit says who wanted it."""
    database = connector.gateway.context.database
    before = await PurgeStore(database).last()
    assert (await admin.call("POST", f"{path}/forget")).status == 204
    (ordered,) = await PurgeStore(database).since(before)
    assert ordered.purge == Purge(PurgeKind.CONTENT, path.rpartition("/")[2])


@pytest.mark.parametrize(
    ("method", "end"),
    [("GET", ""), ("GET", "/explanation"), ("GET", "/snippets"), ("POST", "/forget")],
)
async def test_unknown(admin: Visitor, method: str, end: str) -> None:
    """What the folder never held is a 404."""
    answer = await admin.call(method, f"/api/connectors/media/contents/none{end}")
    assert answer.status == 404


async def test_unknown_address(path: str, admin: Visitor) -> None:
    """So is an address that the content does not have."""
    assert (await admin.call("GET", f"{path}/explanation?line=999999")).status == 404
