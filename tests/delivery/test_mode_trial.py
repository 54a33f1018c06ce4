"""Which mode of delivery is proposed, and on which contents that is founded."""

from collections.abc import AsyncGenerator

import pytest

from proxy.connectors.model import DeliveryMode
from proxy.delivery.explain import DiagnosisStep
from proxy.delivery.mode_trial import ModeTrial, few, propose, try_mode
from proxy.thron.content import Content
from tests.running import Running

FINE, BAD = (
    DiagnosisStep("origin", "fine.jpg: 1 octet"),
    DiagnosisStep("origin", "bad.mov: no right", is_ok=False),
)
ORIGINAL, PUBLISHED = DeliveryMode.ORIGINAL, DeliveryMode.PUBLISHED


@pytest.mark.parametrize(
    ("original", "published", "mode", "words"),
    [
        pytest.param((FINE,), (FINE,), ORIGINAL, "both work", id="both"),
        pytest.param((BAD,), (FINE,), PUBLISHED, "original fails (bad.mov: no right)", id="one"),
        pytest.param((FINE, BAD), (FINE, FINE), PUBLISHED, "only this content: 1 of 2", id="more"),
        pytest.param((BAD,), (BAD,), None, "neither", id="neither"),
        pytest.param((FINE,), (), ORIGINAL, "it works", id="one tried"),
        pytest.param((), (), None, "no published content", id="none tried"),
    ],
)
def test_proposal(
    original: tuple[DiagnosisStep, ...],
    published: tuple[DiagnosisStep, ...],
    mode: DeliveryMode | None,
    words: str,
) -> None:
    """The mode that delivers more is proposed, the source file where they are equal."""
    found = propose([ModeTrial(ORIGINAL, original), ModeTrial(PUBLISHED, published)])
    assert found.mode is mode
    assert words in found.reason


async def test_a_few_of_different_types() -> None:
    """The first of each type is taken, of a page at most."""

    async def contents() -> AsyncGenerator[Content, None]:
        for number in range(60):
            yield Content(f"image-{number}", "IMAGE" if number != 40 else "VIDEO")
        yield Content("sound", "AUDIO")  # pragma: no cover - beyond the first page

    assert [content.id for content in await few(contents())] == ["image-0", "image-40"]


async def test_trial(connector: Running) -> None:
    """Contents are fetched in a mode whatever the connector has; the one that fails is named."""
    files = connector.gateway.watch.connectors.of_slug("files")
    assert files is not None
    contents = await few(connector.tenant.previewer.contents(files))
    assert len({content.content_type for content in contents}) == len(contents) > 1
    explainer = connector.tenant.explainer
    assert (await try_mode(explainer, files, PUBLISHED, contents)).works
    connector.thron.tenant.app.may_share = False
    failed = await try_mode(explainer, files, ORIGINAL, contents)
    assert not failed.works
    assert failed.detail.startswith(contents[0].file_name or "-")
