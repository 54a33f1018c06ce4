"""A public URL explained to the operator, step by step."""

from dataclasses import replace
from pathlib import Path

import pytest

from proxy.catalogue.connector import DeliveryMode
from proxy.delivery.explain import Step
from proxy.sandbox.server import Fault, Kind, Sandbox
from proxy.thron.messages import ContentType
from tests.running import Running, by_id, by_name, by_sku, running

FILM = "strada-sl-film"


async def explained(whole: Running, url: str) -> list[Step]:
    explainer = whole.tenant.explainer
    return [step async for step in explainer.explain(url, whole.gateway.watch.connectors)]


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("/media/en/strada-sl-film", id="a path"),
        pytest.param("http://anything:99/media/EN/strada-sl-film/x.mp4?inline#t=5", id="a URL"),
        pytest.param("  /products/VA-1001-FILM \n", id="pasted with spaces"),
    ],
)
async def test_the_whole_way(connector: Running, url: str) -> None:
    """An address that works is followed to its first octet, each step ok."""
    steps = await explained(connector, url)
    assert [step.title for step in steps] == ["address", "content", "delivery", "origin"]
    assert all(step.is_ok for step in steps)
    film = connector.thron.tenant.find(FILM)
    assert film.id in steps[1].detail
    octets = len(connector.thron.tenant.bytes_of(film.id))
    assert f"video/mp4, {octets} octets, ranges work" in steps[3].detail


async def test_below_the_public_url(thron: Sandbox, tmp_path: Path) -> None:
    """What a front proxy takes away of a path is no part of an address."""
    base = "https://www.example.com/downloads"
    host = "media.example.com"
    wanted = by_id(thron), by_name(thron, host=host)
    async with running(thron, tmp_path, *wanted, public_url=base) as whole:
        film = thron.tenant.find(FILM).id
        for url in (f"{base}/files/{film}", f"https://{host}/en/{FILM}", f"/files/{film}"):
            assert (await explained(whole, url))[-1].is_ok, url


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("/nothing/x", id="unknown slug"),
        pytest.param("/media/strada-sl-film", id="no language"),
        pytest.param("media/en/strada-sl-film", id="no slash"),
        pytest.param("http://[x", id="no URL"),
        pytest.param("http://", id="no host"),
        pytest.param("", id="nothing"),
        pytest.param("/files/\udcff", id="no text"),
    ],
)
async def test_no_address(connector: Running, url: str) -> None:
    """What is no address is told with the connectors that there are."""
    (step,) = await explained(connector, url)
    assert (step.title, step.is_ok) == ("address", False)
    assert "files (content_id), media (pretty_id), products (metadata)" in step.detail


async def test_disabled(connector: Running, thron: Sandbox) -> None:
    """A disabled connector is named as such."""
    await connector.apply(by_id(thron, enabled=False))
    (step,) = await explained(connector, f"/files/{thron.tenant.find(FILM).id}")
    assert "files (content_id, disabled)" in step.detail


@pytest.mark.parametrize("path", ["/files/{id}", "/media/en/strada-sl-film", "/products/{sku}"])
async def test_unpublished(connector: Running, path: str) -> None:
    """A content that is not published is told as such."""
    film = connector.thron.tenant.find(FILM).id
    connector.thron.unpublish(film)
    steps = await explained(connector, path.format(id=film, sku="VA-1001-FILM"))
    assert [step.is_ok for step in steps] == [True, False]
    assert film in steps[1].detail
    assert "READY: the connector serves published contents of" in steps[1].detail


@pytest.mark.parametrize("path", ["/files/{id}", "/media/en/strada-sl-film", "/products/{sku}"])
async def test_in_another_folder(thron: Sandbox, tmp_path: Path, path: str) -> None:
    """A content that is not in the connector's folder is told as such."""
    film = thron.tenant.find(FILM)
    others = thron.tenant.below(thron.root_folder_id) - {thron.root_folder_id, *film.folder_ids}
    folder = min(each for each in others if not thron.tenant.below(each) & {*film.folder_ids})
    wanted = (replace(each(thron), folder=folder) for each in (by_id, by_name, by_sku))
    async with running(thron, tmp_path, *wanted) as whole:
        steps = await explained(whole, path.format(id=film.id, sku="VA-1001-FILM"))
        assert film.id in steps[1].detail
        assert f"not linked to the connector's folder '{folder}'; link it" in steps[1].detail


async def test_of_another_type(connector: Running, thron: Sandbox) -> None:
    """A content of a type that the connector does not serve is told with those it serves."""
    await connector.apply(by_name(thron, content_types=frozenset({ContentType.IMAGE})))
    steps = await explained(connector, f"/media/en/{FILM}")
    assert "VIDEO" in steps[1].detail
    assert "of IMAGE; publish it, or widen content_types" in steps[1].detail


async def test_nowhere(connector: Running) -> None:
    """An identifier that THRON does not know, or does not show, is told so."""
    steps = await explained(connector, "/media/en/no-such-thing")
    assert "no content with this identifier; check its spelling" in steps[-1].detail
    connector.thron.unlink(connector.thron.tenant.find(FILM).id)
    steps = await explained(connector, f"/media/en/{FILM}")
    assert "in the application's folder or below" in steps[-1].detail


async def test_thron_silent(connector: Running) -> None:
    """Where THRON cannot be asked the step says so, with the mend."""
    connector.thron.api_down = True
    step = (await explained(connector, f"/media/en/{FILM}"))[-1]
    assert (step.title, step.is_ok) == ("content", False)
    assert "TDC_API_URL" in step.detail


async def test_no_share_right(connector: Running) -> None:
    """A refused source file is told with the right that is missing."""
    connector.thron.tenant.app.may_share = False
    step = (await explained(connector, f"/media/en/{FILM}"))[-1]
    assert (step.title, step.is_ok) == ("origin", False)
    assert "give the Custom Application the share right" in step.detail


async def test_no_public_share(thron: Sandbox, tmp_path: Path) -> None:
    """Without pkey a rendition has no URL, and the mend is named."""
    thron.tenant.app.pkey = None
    wanted = by_name(thron, delivery=DeliveryMode.PUBLISHED)
    async with running(thron, tmp_path, wanted) as whole:
        step = (await explained(whole, f"/media/en/{FILM}"))[-1]
        assert (step.title, step.is_ok) == ("delivery", False)
        assert "switch on its public share" in step.detail


async def test_no_rendition(thron: Sandbox, tmp_path: Path) -> None:
    """A content that no channel has is told as such."""
    async with running(thron, tmp_path, by_name(thron, delivery=DeliveryMode.PUBLISHED)) as whole:
        thron.faults.add(Fault(Kind.STATUS, "delivery", times=None, status=404))
        step = (await explained(whole, f"/media/en/{FILM}"))[-1]
        assert "answered 404; see that the content has a rendition" in step.detail


@pytest.mark.parametrize("mode", DeliveryMode)
async def test_no_secret(thron: Sandbox, tmp_path: Path, mode: DeliveryMode) -> None:
    """Neither token nor pkey nor signature stands in any step."""
    thron.switches.token_protection = True
    thron.switches.source_by = "redirect"
    wanted = by_name(thron, delivery=mode), replace(by_sku(thron), delivery=mode)
    async with running(thron, tmp_path, *wanted) as whole:
        for url in (f"/media/en/{FILM}", "/products/VA-1001-FILM"):
            steps = await explained(whole, url)
            assert steps[-1].is_ok
            told = " ".join(step.detail for step in steps)
            assert not [secret for secret in thron.secrets if secret in told]
