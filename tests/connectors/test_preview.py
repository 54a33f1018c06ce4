"""What a connector would make public, asked of a sandbox."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from proxy.connectors.folder_statistics import scope_of
from proxy.connectors.model import Connector
from proxy.connectors.preview import Previewer
from proxy.errors import ConfigurationError, ThronError, ThronUnreachable
from proxy.sandbox.server import Fault, Kind, Sandbox
from proxy.sandbox.switches import Switches
from proxy.thron.content import ContentType
from tests.running import Running, by_id, by_name, by_sku, running


@pytest.fixture
def previewer(connector: Running) -> Previewer:
    return connector.tenant.previewer


@asynccontextmanager
async def previewing(thron: Sandbox, state: Path) -> AsyncIterator[Previewer]:
    async with running(thron, state) as whole:
        yield whole.tenant.previewer


async def problems(previewer: Previewer, connector: Connector) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as raised:
        await previewer.resolve(connector)
    return raised.value.problems


def served(thron: Sandbox) -> set[str]:
    """Return the ids of contents that a connector on the root folder serves, by the model."""
    below = thron.tenant.below(thron.root_folder_id)
    return {
        content.id
        for content in thron.tenant.contents()
        if content.content_type in set(ContentType)
        and content.status.startswith("PUBLISHED")
        and below.intersection(content.folder_ids)
    }


async def counted(previewer: Previewer, connector: Connector) -> str:
    """Return how many contents a connector makes public, in words."""
    resolved, _ = await previewer.resolve(connector)
    statistics = await previewer.counted(scope_of(resolved), at_most_s=None)
    return statistics.told_of(resolved)


async def test_count_is_of_what_is_served(previewer: Previewer, thron: Sandbox) -> None:
    """The number is of the published contents of the connector's types in its folders."""
    found, folder_name = await previewer.resolve(by_id(thron))
    assert await counted(previewer, found) == str(len(served(thron)))
    assert folder_name == "Brand portal"
    assert {each.id async for each in previewer.contents(found)} == served(thron)


async def test_contents_without_an_address_do_not_count(
    previewer: Previewer, thron: Sandbox
) -> None:
    """By prettyID or metadata only contents that have one count."""
    by_title = int(await counted(previewer, by_name(thron)))
    by_code = int(await counted(previewer, by_sku(thron)))
    assert 0 < by_code < by_title < len(served(thron))


async def test_legacy_metadata_counts_where_it_is(previewer: Previewer, thron: Sandbox) -> None:
    """Search does not show legacy metadata: contents that have none of it do not count."""
    legacy = by_sku(thron).model_copy(update={"metadata": "free_code"})
    found, _ = await previewer.resolve(legacy)
    assert (found.classification_id, await counted(previewer, legacy)) == (None, "1")


async def test_folder_is_resolved(previewer: Previewer, thron: Sandbox) -> None:
    """A folder may be named by its id or its prettyID; the id is what stays."""
    root = thron.tenant.folder(thron.root_folder_id)
    assert root is not None
    name = next(iter(dict(root.pretty_ids).values()), None) if root.pretty_ids else None
    for word in filter(None, (root.id, name)):
        found, _ = await previewer.resolve(by_id(thron).model_copy(update={"folder": word}))
        assert found.folder_id == root.id


async def test_metadata_is_resolved(previewer: Previewer, thron: Sandbox) -> None:
    """A metadata key is found among the definitions, with its classification."""
    found, _ = await previewer.resolve(by_sku(thron))
    assert found.classification_id in {each.id for each in thron.tenant.library.classifications}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        pytest.param({"folder": "nowhere"}, "knows no folder 'nowhere'; write", id="folder"),
        pytest.param({"metadata": "skuu"}, "did you mean 'sku'?", id="misspelled metadata"),
        pytest.param({"metadata": "weight"}, "; THRON has ", id="unknown metadata"),
    ],
)
async def test_problem(
    previewer: Previewer, thron: Sandbox, changed: dict[str, Any], words: str
) -> None:
    """A folder or a metadata that is not there is named, with the fix."""
    (problem,) = await problems(previewer, by_sku(thron).model_copy(update=changed))
    assert problem.startswith("connector products: ")
    assert words in problem


async def test_definitions_refused(thron: Sandbox, tmp_path: Path) -> None:
    """Where the app may not list definitions, the contents tell the classification."""
    thron.faults.add(
        Fault(Kind.STATUS, "api", times=None, status=403, target="/classification/list")
    )
    async with previewing(thron, tmp_path) as previewer:
        found, _ = await previewer.resolve(by_sku(thron))
        assert found.classification_id in {each.id for each in thron.tenant.library.classifications}
        (problem,) = await problems(
            previewer, by_sku(thron).model_copy(update={"metadata": "weight"})
        )
        assert "is not allowed to list metadata definitions" in problem
        assert "'weight'; check the key" in problem


async def test_thron_unreachable(previewer: Previewer, thron: Sandbox) -> None:
    """Where THRON cannot be asked nothing is known, which is not the operator's slip."""
    thron.api_down = True
    with pytest.raises(ThronUnreachable):
        await previewer.resolve(by_id(thron))


async def test_what_passes_is_not_seen(previewer: Previewer, thron: Sandbox) -> None:
    """A 503 while folders are looked up and contents counted ends nothing."""
    for target in ("/getCategory", "/content/search"):
        thron.faults.add(Fault(Kind.STATUS, "api", target=target))
    assert await counted(previewer, by_id(thron)) == str(len(served(thron)))


async def test_more_contents_than_a_page_holds(tmp_path: Path) -> None:
    """Every content is counted, whatever THRON estimates; while some are not, it is "or more"."""
    switches = Switches(search_total_error=-1.0)
    async with (
        Sandbox(generated=1400, switches=switches) as thron,
        previewing(thron, tmp_path) as previewer,
    ):
        resolved, _ = await previewer.resolve(by_id(thron))
        at_once = await previewer.counted(scope_of(resolved), at_most_s=0)
        assert at_once.told_of(resolved).endswith(" or more")
        assert await counted(previewer, resolved) == "1400"


async def test_a_failure_on_the_way_is_told(previewer: Previewer, thron: Sandbox) -> None:
    """Where THRON stops answering, the number is not taken for the whole."""
    resolved, _ = await previewer.resolve(by_id(thron))
    thron.faults.add(Fault(Kind.STATUS, "api", times=None, status=500, target="/content/search"))
    with pytest.raises(ThronError):
        await previewer.counted(scope_of(resolved), at_most_s=None)


@pytest.mark.parametrize(
    ("name", "reading"),
    [
        pytest.param("search_page_maximum", 10, id="small pages"),
        pytest.param("search_pages_shift", True, id="shifting pages"),
        pytest.param("search_token_repeats", True, id="the last token again"),
        pytest.param("search_last_token_empty", True, id="an empty last token"),
    ],
)
async def test_pages(previewer: Previewer, thron: Sandbox, name: str, reading: object) -> None:
    """However THRON pages, each content comes once."""
    setattr(thron.switches, name, reading)
    found, _ = await previewer.resolve(by_id(thron))
    ids = [each.id async for each in previewer.contents(found)]
    assert len(ids) == len(set(ids))
    assert set(ids) == served(thron)
