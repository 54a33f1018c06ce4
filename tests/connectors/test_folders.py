"""Folders and definitions of metadata, asked of a sandbox."""

from pathlib import Path
from typing import Any

import pytest

from proxy.connectors.folders import FRESH_S, Folders
from proxy.connectors.metadata_definitions import definitions
from proxy.connectors.ttl_value import TtlValue
from proxy.errors import ConfigurationError, ThronError
from proxy.sandbox.server import Fault, Kind, Sandbox, Switches
from tests.running import Running, running


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.s = 0.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """Make a library of 230 folders, some of them nested."""
    library = tmp_path / "library"
    for number in range(115):
        folder = library / f"Season {number:03}" / "Press"
        folder.mkdir(parents=True)
        (folder / "a.txt").write_text(str(number))
    return library


async def test_the_whole_tree(many: Path, tmp_path: Path, clock: Clock) -> None:
    """However many pages THRON gives, all folders are in the tree, with their counts."""
    async with Sandbox(library=many) as thron, running(thron, tmp_path) as whole:
        keeper, client = whole.tenant.thron, thron.client_id
        tree = await Folders(now=clock).tree(keeper, client_id=client)
        assert (len(tree), tree.is_partial) == (231, False)
        season = tree.search("season 042").folders[0]
        [press] = tree.below(season)
        assert (press.name(), press.contents) == ("Press", 1)


@pytest.mark.parametrize(
    "reading",
    [
        pytest.param({"find_page_maximum": 10}, id="small pages"),
        pytest.param({"totals_told": False}, id="no total"),
        pytest.param({"child_of_cascades": False}, id="one level at a time"),
    ],
)
async def test_the_tree_of_an_odd_tenant(
    many: Path, tmp_path: Path, clock: Clock, reading: dict[str, Any]
) -> None:
    """It is whole, however THRON pages and whatever it takes to be below a folder."""
    odd = Switches(**reading)
    async with Sandbox(library=many, switches=odd) as thron, running(thron, tmp_path) as whole:
        tree = await Folders(now=clock).tree(whole.tenant.thron, client_id=thron.client_id)
        assert (len(tree), tree.is_partial) == (231, False)


async def test_a_tree_that_is_too_large(many: Path, tmp_path: Path, clock: Clock) -> None:
    """Of too many folders the first are shown, and a search finds the others."""
    async with Sandbox(library=many) as thron, running(thron, tmp_path) as whole:
        keeper, client = whole.tenant.thron, thron.client_id
        folders = Folders(now=clock, most=50)
        tree, found, more = await folders.search(
            keeper, "season 114", client_id=client, language="en"
        )
        assert (len(tree), tree.is_partial) == (51, True)
        assert ([each.name() for each in found], more) == (["Season 114"], 0)


async def test_a_tree_is_remembered(connector: Running, clock: Clock) -> None:
    """THRON is asked again only when the answer is too old, or for another tenant."""
    keeper, client = connector.tenant.thron, connector.thron.client_id
    folders = Folders(now=clock)
    first = await folders.tree(keeper, client_id=client)
    clock.s = FRESH_S
    assert await folders.tree(keeper, client_id=client) is first
    clock.s = FRESH_S + 1
    assert await folders.tree(keeper, client_id=client) is not first


async def test_failures_are_not_remembered(connector: Running, clock: Clock) -> None:
    """What raised is asked again at once."""
    asked: list[str] = []

    async def ask(_thron: object, client_id: str) -> str:
        asked.append(client_id)
        if len(asked) == 1:
            raise ConfigurationError(["no"])
        return "yes"

    remembered = TtlValue(ask, fresh_s=60, now=clock)
    with pytest.raises(ConfigurationError):
        await remembered.of(connector.tenant.thron, "acme")
    assert await remembered.of(connector.tenant.thron, "acme") == "yes"
    assert await remembered.of(connector.tenant.thron, "acme") == "yes"
    assert await remembered.of(connector.tenant.thron, "other") == "yes"
    assert asked == ["acme", "acme", "other"]


async def test_an_outage_is_told(connector: Running, clock: Clock) -> None:
    """While THRON is down there is no tree, and there is one when it is back."""
    keeper, client = connector.tenant.thron, connector.thron.client_id
    folders = Folders(now=clock)
    connector.thron.api_down = True
    with pytest.raises(ThronError):
        await folders.tree(keeper, client_id=client)
    connector.thron.api_down = False
    assert len(await folders.tree(keeper, client_id=client)) > 1


async def test_definitions(connector: Running) -> None:
    """Every definition of every classification is listed."""
    found = await definitions(connector.tenant.thron, connector.thron.client_id)
    assert found is not None
    assert {"sku", "campaign", "reference"} <= {each.key for each in found}


async def test_definitions_out_of_sight(connector: Running) -> None:
    """None where the application may not see them."""
    refusal = Fault(Kind.STATUS, "api", times=None, status=403, target="/classification/list")
    connector.thron.faults.add(refusal)
    assert await definitions(connector.tenant.thron, connector.thron.client_id) is None
