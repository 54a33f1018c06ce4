"""One address tried, as a download would go."""

import pytest

from proxy.connectors.addresses import Address
from proxy.connectors.model import DeliveryMode
from proxy.link_check.probe import LinkProbe
from proxy.link_check.results import ProbeResult
from tests.running import Running, by_id


async def _try(
    connector: Running, slug: str, value: str, language: str | None = None
) -> ProbeResult:
    known = connector.gateway.watch.connectors.of_slug(slug)
    assert known is not None
    probe = LinkProbe(connector.tenant.resolver, connector.tenant.origins)
    return await probe.try_address(known, Address(slug, language, value))


@pytest.mark.parametrize("mode", list(DeliveryMode))
async def test_works(connector: Running, mode: DeliveryMode) -> None:
    """Of an address that works type and complete length are told, by its first octet."""
    await connector.apply(by_id(connector.thron, delivery=mode))
    content = connector.thron.tenant.find("press-kit")
    outcome = await _try(connector, "files", content.id)
    data = connector.thron.tenant.bytes_of(content.id)
    assert (outcome.status, outcome.problem, outcome.size) == (200, None, len(data))
    assert outcome.media_type == "application/zip"
    assert {each.value("Range") for each in connector.thron.log} <= {None, "bytes=0-0"}
    assert any(each.value("Range") for each in connector.thron.log)


async def test_empty(connector: Running) -> None:
    """A file of no octets works, though it has no first one."""
    content = next(
        each
        for each in connector.thron.tenant.contents()
        if not each.version.source.length and each.content_type == "OTHER"
    )
    outcome = await _try(connector, "files", content.id)
    assert (outcome.status, outcome.problem, outcome.size) == (200, None, 0)


async def test_unknown(connector: Running) -> None:
    """An address without a content is a 404 that says so."""
    outcome = await _try(connector, "media", "nothing-here", "en")
    assert (outcome.status, outcome.is_ok) == (404, False)
    assert outcome.problem


async def test_refused(connector: Running) -> None:
    """A content that THRON refuses to the application is a 404 with its reason."""
    content = connector.thron.tenant.find("dealer-terms")
    outcome = await _try(connector, "files", content.id)
    assert (outcome.status, outcome.is_ok) == (404, False)
    assert "give the Custom Application the share right" in (outcome.problem or "")


async def test_thron_is_down(connector: Running) -> None:
    """Where THRON cannot be asked the outcome names the fix."""
    connector.thron.api_down = True
    content = connector.thron.tenant.find("press-kit")
    outcome = await _try(connector, "files", content.id)
    assert outcome.status == 503
    assert "TDC_API_URL" in (outcome.problem or "")
