"""The page of one content."""

import html
import re
import time

import pytest

from proxy.catalogue.collisions import AddressStatus
from proxy.catalogue.purges import Purge, PurgeKind, PurgeStore
from proxy.catalogue.url_rows import Selection
from tests.admin.visitor import Visitor
from tests.catalogue.audited import audited
from tests.listed import listed
from tests.running import Running


@pytest.fixture
async def filled(connector: Running) -> Running:
    """Fill the catalogue of ``media`` and ``products``."""
    await listed(connector, "media", "products")
    return connector


def _path(filled: Running, name: str, slug: str = "media") -> str:
    return f"/connectors/{slug}/contents/{filled.thron.tenant.find(name).id}"


async def test_every_address(filled: Running, admin: Visitor) -> None:
    """All addresses of a content stand on its page, one for each language."""
    page = await admin.get(_path(filled, "strada-sl-film") + "?names=off")
    assert page.status == 200
    assert "Status in THRON Published" in page.words
    base = filled.gateway.context.settings.public_base
    content = filled.thron.tenant.find("strada-sl-film")
    for language, value in content.pretty_ids:
        assert f'data-copy="{base}/media/{language.lower()}/{value}"' in page.text


async def test_former_address(filled: Running, admin: Visitor) -> None:
    """An address of before is there too, and is told to be one."""
    content = filled.thron.tenant.find("press-kit")
    filled.thron.tenant.rename(content.id, now=time.time(), pretty_ids=(("EN", "press-box"),))
    await listed(filled, "media")
    page = await admin.get(_path(filled, content.id))
    assert "/media/en/press-box" in page.text
    assert "/media/en/press-kit" in page.text
    assert "Old link" in page.words


async def test_versions_seen(filled: Running, admin: Visitor) -> None:
    """Each version of the source file that the page has met stands there, the API down or not."""
    path = _path(filled, "press-kit")
    assert "Versions seen" in (await admin.get(path)).words
    filled.thron.publish_new_version("press-kit", b"new", file_name="press-kit-2.zip")
    page = await admin.get(path)
    assert "press-kit-2.zip" in page.text
    filled.thron.api_down = True
    page = await admin.get(path)
    assert (page.status, "press-kit-2.zip" in page.text) == (200, True)


async def test_snippets(filled: Running, admin: Visitor) -> None:
    """Lines to paste are ready to copy, with the file name unless it is left out."""
    path = _path(filled, "strada-sl-film")
    base = f"{filled.gateway.context.settings.public_base}/media/en/strada-sl-film"
    for query, url in (("", f"{base}/aurora-strada-film.mp4"), ("?names=off", base)):
        page = await admin.get(path + query)
        copied = [html.unescape(each) for each in re.findall(r'data-copy="([^"]*)"', page.text)]
        assert any(each.startswith(f'<video src="{url}"') for each in copied)
        assert any(each.startswith(f'<a href="{url}">') for each in copied)
        assert any(each.endswith(f"](<{url}>)") for each in copied)


async def test_chosen_address(filled: Running, admin: Visitor) -> None:
    """Another address, and one with its file name, can be chosen for all of it."""
    page = await admin.get(_path(filled, "strada-sl-film"))
    (other,) = set(re.findall(r'href="([^"]*)">Use this one', page.text)[:1])
    chosen = await admin.get(html.unescape(other))
    content = filled.thron.tenant.find("strada-sl-film")
    italian = dict(content.pretty_ids)["IT"]
    assert f"/media/it/{italian}/" in html.unescape(chosen.text)


async def test_code(filled: Running, admin: Visitor) -> None:
    """The QR code is a picture of ours, to show and to save."""
    path = _path(filled, "strada-sl-film")
    page = await admin.get(path)
    (src,) = re.findall(r'<img src="([^"]*qr\.svg[^"]*)"', page.text)
    shown = await admin.get(html.unescape(src))
    assert shown.fields["Content-Type"] == "image/svg+xml"
    assert "<script" not in shown.text
    assert (await admin.get(f"{path}/qr.gif")).status == 404
    nothing = await admin.get(_path(filled, "A dot as value", "products") + "/qr.svg")
    assert nothing.status == 404


async def test_thumbnail(filled: Running, admin: Visitor) -> None:
    """A content without a thumbnail has the icon of its type, from here too."""
    icon = await admin.get(_path(filled, "press-kit") + "/thumbnail")
    assert (icon.status, icon.fields["Content-Type"]) == (200, "image/svg+xml")


async def test_explained(filled: Running, admin: Visitor) -> None:
    """The way of the URL is told step by step, up to the first octet."""
    path = _path(filled, "strada-sl-film")
    assert "ranges work" not in (await admin.get(path)).words
    page = await admin.get(f"{path}?explain=on")
    assert "The first byte works" in page.words
    assert "ranges work" in page.words
    filled.thron.api_down = True
    assert "does not work" in (await admin.get(f"{path}?explain=on")).words


async def test_explained_in_italian(filled: Running, admin: Visitor) -> None:
    """Each step is told in the reader's language."""
    admin.take(tdc_language="it")
    page = await admin.get(f"{_path(filled, 'strada-sl-film')}?explain=on")
    assert "connettore media" in page.words
    assert "gli intervalli funzionano" in page.words
    assert "ranges" not in page.words


async def test_forgotten(filled: Running, admin: Visitor) -> None:
    """A button lets every process ask THRON anew, and is noted."""
    path, content = _path(filled, "strada-sl-film"), filled.thron.tenant.find("strada-sl-film")
    database = filled.gateway.context.database
    before = await PurgeStore(database).last()
    await admin.get(path)
    answer = await admin.send(f"{path}/forget")
    assert (answer.status, answer.fields["Location"]) == (303, f"{path}?forgotten")
    assert "within two seconds" in (await admin.get(f"{path}?forgotten")).words
    (ordered,) = await PurgeStore(database).since(before)
    assert ordered.purge == Purge(PurgeKind.CONTENT, content.id)
    assert (await audited(database, newest=1))[0].actor == "admin"


async def test_only_our_forms(filled: Running, admin: Visitor) -> None:
    """Without the page's token nothing is forgotten."""
    path = _path(filled, "strada-sl-film")
    assert (await admin.ask("POST", f"{path}/forget", data={"csrf": "x"})).status == 403


async def test_removed(filled: Running, admin: Visitor) -> None:
    """A content that left the folder is told to lead nowhere."""
    content = filled.thron.tenant.find("press-kit")
    filled.thron.unlink(content.id)
    await listed(filled, "media")
    page = await admin.get(_path(filled, content.id))
    assert "no longer in the folder" in page.words


async def test_nothing_of_thron_is_markup(filled: Running, admin: Visitor) -> None:
    """Whatever the library's contents hold, no page of them has markup of theirs."""
    for content in filled.thron.tenant.contents():
        page = await admin.get(_path(filled, content.id, "products"))
        assert page.status in {200, 404}
        assert "<script>alert" not in page.text
        assert page.fields["Content-Security-Policy"].startswith("default-src 'none'")


@pytest.mark.parametrize("content_id", ["none", "..%2F..", "%3Cscript%3E", "a" * 3000])
async def test_unknown(admin: Visitor, content_id: str) -> None:
    """There is no page of a content that the folder never held."""
    assert (await admin.get(f"/connectors/media/contents/{content_id}")).status == 404


async def test_address_of_another_content(filled: Running, admin: Visitor) -> None:
    """The loser of a collision says what its address serves; nothing is given to paste or print."""
    contents = filled.gateway.contents
    products = filled.gateway.watch.connectors.by_slug["products"]
    [collision, *_] = await contents.collisions(products)
    winner, loser = collision.lines[:2]
    assert (winner.serves, loser.serves) == (True, False)
    path = f"/connectors/products/contents/{loser.content_id}"
    page = await admin.get(path)
    assert "This address serves another content" in page.words
    served = f"/connectors/products/contents/{winner.content_id}?line={winner.number}"
    assert f'href="{served}"' in page.text
    assert "Ready to paste" not in page.words
    assert "data-copy" not in page.text
    assert (await admin.get(f"{path}/qr.svg")).status == 404
    assert "Ready to paste" in (await admin.get(_path(filled, winner.content_id, "products"))).words


async def test_address_of_a_draft(filled: Running, admin: Visitor) -> None:
    """A draft says that its address serves nothing, and gives nothing to paste or print."""
    media = filled.gateway.watch.connectors.by_slug["media"]
    hidden = Selection(statuses=frozenset({AddressStatus.UNPUBLISHED}))
    page_ = await filled.gateway.contents.page(media, hidden)
    line = next(each for each in page_.lines if each.value is not None)
    path = f"/connectors/media/contents/{line.content_id}"
    page = await admin.get(path)
    assert "This address serves nothing at the moment" in page.words
    assert "Ready to paste" not in page.words
    assert (await admin.get(f"{path}/qr.svg")).status == 404
