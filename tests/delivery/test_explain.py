"""From a public URL to its origin, step by step."""

import pytest

from proxy.connectors.model import DeliveryMode
from proxy.delivery.explain import DiagnosisStep
from tests.running import Running, by_id

FILM = "b68d7e9f-7488-4ff1-bdfe-3af6768a631f"


async def steps(connector: Running, url: str) -> list[DiagnosisStep]:
    """Return the steps of an explanation."""
    connectors = connector.gateway.watch.connectors
    return [step async for step in connector.tenant.explainer.explain(url, connectors)]


@pytest.mark.parametrize(
    "path", [f"/files/{FILM}/x.mp4", "/media/en/strada-sl-film", "/products/VA-1001-FILM"]
)
async def test_every_step_of_a_working_url(connector: Running, path: str) -> None:
    """Address, content, delivery and origin, each fine, by path or by whole URL."""
    for url in (path, str(connector.url(path))):
        found = await steps(connector, url)
        assert [step.title for step in found] == ["address", "content", "delivery", "origin"]
        assert all(step.is_ok for step in found)
        assert "ranges work" in found[-1].detail


async def test_no_secret_is_told(connector: Running) -> None:
    """Neither the pkey of a rendition nor a signature or token of a target."""
    thron = connector.thron
    thron.switches.token_protection = True
    thron.switches.source_by = "redirect"
    await connector.apply(by_id(thron, "renditions", delivery=DeliveryMode.PUBLISHED))
    told = [
        step.detail
        for slug in ("files", "renditions")
        for step in await steps(connector, f"/{slug}/{FILM}")
    ]
    assert len(told) >= 8
    assert not [secret for secret in thron.secrets if any(secret in line for line in told)]


@pytest.mark.parametrize(
    ("path", "title", "words"),
    [
        pytest.param("/nothing/x", "address", "does not belong", id="no connector"),
        pytest.param("/media/en/nothing", "content", "no content", id="no content"),
        pytest.param("/media/en/strada-sl-2025", "content", "publish it", id="not published"),
    ],
)
async def test_where_it_ends(connector: Running, path: str, title: str, words: str) -> None:
    """The step that fails is the last one, and names the fix."""
    last = (await steps(connector, path))[-1]
    assert (last.title, last.is_ok) == (title, False)
    assert words in last.detail


async def test_an_origin_that_refuses(connector: Running) -> None:
    """A right that lacks is told as the origin's step."""
    connector.thron.tenant.app.may_share = False
    last = (await steps(connector, f"/files/{FILM}"))[-1]
    assert (last.title, last.is_ok) == ("origin", False)
    assert "share right" in last.detail


async def test_thron_that_is_down(connector: Running) -> None:
    """Nothing can be looked up: the content's step says so."""
    connector.thron.api_down = True
    last = (await steps(connector, f"/files/{FILM}"))[-1]
    assert (last.title, last.is_ok) == ("content", False)
