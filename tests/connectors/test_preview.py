"""What a connector would make public, asked of a sandbox."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from proxy.connectors.model import Connector
from proxy.connectors.preview import Surveyor
from proxy.errors import ConfigurationError, ThronUnreachable
from proxy.sandbox.server import Fault, Kind, Sandbox
from proxy.sandbox.switches import Switches
from proxy.thron.content import ContentType
from tests.running import Running, by_id, by_name, by_sku, running


@pytest.fixture
def surveyor(connector: Running) -> Surveyor:
    return connector.tenant.surveyor


@asynccontextmanager
async def surveying(thron: Sandbox, state: Path) -> AsyncIterator[Surveyor]:
    async with running(thron, state) as whole:
        yield whole.tenant.surveyor


async def problems(surveyor: Surveyor, connector: Connector) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as raised:
        await surveyor.survey(connector)
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


async def test_count_is_of_what_is_served(surveyor: Surveyor, thron: Sandbox) -> None:
    """The number is of the published contents of the connector's types in its folders."""
    found = await surveyor.survey(by_id(thron))
    assert (found.contents, found.is_estimate) == (len(served(thron)), False)
    assert found.told == str(found.contents)
    assert found.folder_name == "Brand portal"
    assert {each.id async for each in surveyor.contents(found.connector)} == served(thron)


async def test_contents_without_an_address_do_not_count(surveyor: Surveyor, thron: Sandbox) -> None:
    """By prettyID or metadata only contents that have one count."""
    by_title = (await surveyor.survey(by_name(thron))).contents
    by_code = (await surveyor.survey(by_sku(thron))).contents
    assert 0 < by_code < by_title < len(served(thron))


async def test_legacy_metadata_counts_where_it_is(surveyor: Surveyor, thron: Sandbox) -> None:
    """Search does not show legacy metadata: contents that have none of it do not count."""
    legacy = by_sku(thron).model_copy(update={"metadata": "free_code"})
    found = await surveyor.survey(legacy)
    assert (found.connector.classification_id, found.contents, found.told) == (None, 1, "1")


async def test_folder_is_resolved(surveyor: Surveyor, thron: Sandbox) -> None:
    """A folder may be named by its id or its prettyID; the id is what stays."""
    root = thron.tenant.folder(thron.root_folder_id)
    assert root is not None
    name = next(iter(dict(root.pretty_ids).values()), None) if root.pretty_ids else None
    for word in filter(None, (root.id, name)):
        found = await surveyor.survey(by_id(thron).model_copy(update={"folder": word}))
        assert found.connector.folder_id == root.id


async def test_metadata_is_resolved(surveyor: Surveyor, thron: Sandbox) -> None:
    """A metadata key is found among the definitions, with its classification."""
    found = (await surveyor.survey(by_sku(thron))).connector
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
    surveyor: Surveyor, thron: Sandbox, changed: dict[str, Any], words: str
) -> None:
    """A folder or a metadata that is not there is named, with the fix."""
    (problem,) = await problems(surveyor, by_sku(thron).model_copy(update=changed))
    assert problem.startswith("connector products: ")
    assert words in problem


async def test_definitions_refused(thron: Sandbox, tmp_path: Path) -> None:
    """Where the app may not list definitions, the contents tell the classification."""
    thron.faults.add(
        Fault(Kind.STATUS, "api", times=None, status=403, target="/classification/list")
    )
    async with surveying(thron, tmp_path) as surveyor:
        found = (await surveyor.survey(by_sku(thron))).connector
        assert found.classification_id in {each.id for each in thron.tenant.library.classifications}
        (problem,) = await problems(
            surveyor, by_sku(thron).model_copy(update={"metadata": "weight"})
        )
        assert "may not list metadata definitions" in problem
        assert "'weight'; check the key" in problem


async def test_thron_unreachable(surveyor: Surveyor, thron: Sandbox) -> None:
    """Where THRON cannot be asked nothing is known, which is not the operator's slip."""
    thron.api_down = True
    with pytest.raises(ThronUnreachable):
        await surveyor.survey(by_id(thron))


async def test_what_passes_is_not_seen(surveyor: Surveyor, thron: Sandbox) -> None:
    """A 503 while folders are looked up and contents counted does not end the survey."""
    for target in ("/getCategory", "/content/search"):
        thron.faults.add(Fault(Kind.STATUS, "api", target=target))
    assert (await surveyor.survey(by_id(thron))).contents == len(served(thron))


@pytest.mark.parametrize(
    ("generated", "error", "told"),
    [
        pytest.param(950, 0.1, "950", id="counted up to a thousand"),
        pytest.param(1400, 0.0, "about 1400", id="beyond, THRON's estimate"),
        pytest.param(1400, -1.0, "1000 or more", id="an estimate that is no use"),
    ],
)
async def test_many_contents(generated: int, error: float, told: str, tmp_path: Path) -> None:
    """Up to a thousand contents are counted; beyond, THRON's estimate is told as such."""
    switches = Switches(search_total_error=error)
    async with (
        Sandbox(generated=generated, switches=switches) as thron,
        surveying(thron, tmp_path) as surveyor,
    ):
        assert (await surveyor.survey(by_id(thron))).told == told


@pytest.mark.parametrize(
    ("name", "reading"),
    [
        pytest.param("search_page_maximum", 10, id="small pages"),
        pytest.param("search_pages_shift", True, id="shifting pages"),
        pytest.param("search_token_repeats", True, id="the last token again"),
        pytest.param("search_last_token_empty", True, id="an empty last token"),
    ],
)
async def test_pages(surveyor: Surveyor, thron: Sandbox, name: str, reading: object) -> None:
    """However THRON pages, each content comes once."""
    setattr(thron.switches, name, reading)
    found = (await surveyor.survey(by_id(thron))).connector
    ids = [each.id async for each in surveyor.contents(found)]
    assert len(ids) == len(set(ids))
    assert set(ids) == served(thron)
