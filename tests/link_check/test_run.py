"""Link checks: what is tried, what is noted, and how a run ends."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from proxy.catalogue.database import Database
from proxy.catalogue.url_rows import Selection
from proxy.connectors.addresses import Address
from proxy.connectors.model import Connector
from proxy.link_check.results import CheckState, LinkCheck, LinkStatus, ProbeResult, Scope
from proxy.link_check.run import LinkChecker, Rate
from proxy.link_check.store import CheckRunning, LinkCheckStore
from tests.catalogue.entering import FILES, NAMES, SKUS, Catalogue, content, named, with_sku
from tests.logs import logged
from tests.waiting import PATIENCE_S, until

FINE = ProbeResult(200, "application/pdf", 1000)
GONE = ProbeResult(404, problem="No content is published at this address.")
QUICK = Rate(at_once=4, per_s=10_000)


@pytest.fixture
async def catalogue(database_url: str) -> AsyncIterator[Catalogue]:
    async with Database.open(database_url) as database:
        yield Catalogue(database)


@dataclass(slots=True)
class Tries:
    """What the tries of a test come to: fine, but for some values; and what was tried."""

    outcomes: Mapping[str, ProbeResult] = field(default_factory=dict)
    tried: list[Address] = field(default_factory=list)
    may_go_on: asyncio.Event = field(default_factory=asyncio.Event)
    at_once: int = 0
    most_at_once: int = 0

    async def __call__(self, connector: Connector, address: Address) -> ProbeResult:
        """Try, as soon as it may go on."""
        assert address.connector == connector.slug
        self.tried.append(address)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await self.may_go_on.wait()
        self.at_once -= 1
        return self.outcomes.get(address.value, FINE)


@asynccontextmanager
async def checker(
    catalogue: Catalogue, tries: Tries, *, rate: Rate = QUICK, is_waiting: bool = False
) -> AsyncIterator[tuple[LinkChecker, LinkCheckStore]]:
    store = LinkCheckStore(catalogue.database, now=catalogue.now)
    if not is_waiting:
        tries.may_go_on.set()
    async with LinkChecker.open(store, tries, rate=rate) as made:
        yield made, store


async def ended(store: LinkCheckStore, connector: Connector) -> LinkCheck:
    """Return the newest run as soon as it is over."""

    async def is_over() -> bool:
        last = await store.last(connector.slug)
        return last is not None and last.is_over

    await until(is_over)
    last = await store.last(connector.slug)
    assert last is not None
    return last


async def problems(store: LinkCheckStore, connector: Connector) -> dict[str, str | None]:
    page = await store.page(connector, LinkStatus.PROBLEMS)
    return {
        each.line.value or "": each.result.outcome.problem
        for each in page.lines
        if each.result is not None
    }


async def test_every_address_that_leads_somewhere(catalogue: Catalogue) -> None:
    """Addresses are tried once each, former ones too; what is none, or leads elsewhere, is not."""
    older, younger = with_sku(1, "same"), with_sku(2, "same")
    hidden = with_sku(3, "hidden", status="UNPUBLISHED", channels=())
    await catalogue.listed(SKUS, older, younger, hidden, with_sku(4), with_sku(5, ".", "five"))
    tries = Tries()
    async with checker(catalogue, tries) as (checks, store):
        await checks.start(SKUS)
        run = await ended(store, SKUS)
    assert sorted(each.value for each in tries.tried) == ["five", "same"]
    assert (run.state, run.expected, run.checked, run.problems) == (CheckState.DONE, 2, 2, 0)


async def test_former_addresses(catalogue: Catalogue) -> None:
    """A prettyID of before is tried under its language."""
    await catalogue.listed(NAMES, named(1, "en:old"))
    await catalogue.listed(NAMES, named(1, "en:new"))
    tries = Tries()
    async with checker(catalogue, tries) as (checks, store):
        await checks.start(NAMES)
        await ended(store, NAMES)
    assert set(tries.tried) == {Address("names", "en", "old"), Address("names", "en", "new")}


async def test_what_is_noted(catalogue: Catalogue) -> None:
    """Status, type, size and problem are noted, problems and others told apart."""
    await catalogue.listed(FILES, content(1), content(2), content(3))
    async with checker(catalogue, Tries({"id-2": GONE})) as (checks, store):
        await checks.start(FILES)
        run = await ended(store, FILES)
        assert run.problems == 1
        assert await problems(store, FILES) == {"id-2": GONE.problem}
        working = await store.page(FILES, LinkStatus.WORKING)
        assert [each.result.outcome for each in working.lines if each.result] == [FINE, FINE]
        tally = await store.tally(FILES)
        assert (tally.problems, tally.working, tally.untried) == (1, 2, 0)


async def test_since_when(catalogue: Catalogue) -> None:
    """A state of affairs counts since it was first seen without another in between."""
    await catalogue.listed(FILES, content(1))
    tries = Tries({"id-1": GONE})
    seen = []
    async with checker(catalogue, tries) as (checks, store):
        for outcome in (GONE, replace(GONE, problem="in other words"), FINE):
            tries.outcomes = {"id-1": outcome}
            await checks.start(FILES)
            await ended(store, FILES)
            (result,) = (await store.of_content(FILES, "id-1")).values()
            seen.append((result.since, result.checked))
            catalogue.at += timedelta(days=1)
    began = catalogue.at - timedelta(days=3)
    one, two = began + timedelta(days=1), began + timedelta(days=2)
    assert seen == [(began, began), (began, one), (two, two)]


async def test_only_those_with_a_problem(catalogue: Catalogue) -> None:
    """A run over the problems tries nothing else."""
    await catalogue.listed(FILES, content(1), content(2))
    tries = Tries({"id-2": GONE})
    async with checker(catalogue, tries) as (checks, store):
        await checks.start(FILES)
        await ended(store, FILES)
        tries.tried.clear()
        tries.outcomes = {}
        await checks.start(FILES, scope=Scope.PROBLEMS)
        run = await ended(store, FILES)
        assert [each.value for each in tries.tried] == ["id-2"]
        assert (run.scope, run.expected, run.problems) == (Scope.PROBLEMS, 1, 0)
        assert await problems(store, FILES) == {}


async def test_one_at_once(catalogue: Catalogue) -> None:
    """A line is tried by itself, and noted like the others."""
    await catalogue.listed(FILES, content(1))
    page = await catalogue.contents.page(FILES, Selection())
    async with checker(catalogue, Tries({"id-1": GONE})) as (checks, store):
        assert await checks.retry(FILES, page.lines[0]) == GONE
        assert await problems(store, FILES) == {"id-1": GONE.problem}
        assert await store.last("files") is None


async def test_one_run_at_a_time(catalogue: Catalogue) -> None:
    """A second run of a connector is refused; another connector's is not."""
    await catalogue.listed(FILES, content(1))
    await catalogue.listed(NAMES, content(1))
    tries = Tries()
    async with checker(catalogue, tries, is_waiting=True) as (checks, store):
        await checks.start(FILES)
        with pytest.raises(CheckRunning):
            await checks.start(FILES)
        await checks.start(NAMES)
        tries.may_go_on.set()
        await ended(store, FILES)
        await ended(store, NAMES)
        await checks.start(FILES)
        await ended(store, FILES)


async def test_bounded(catalogue: Catalogue) -> None:
    """No more are tried at once than allowed."""
    await catalogue.listed(FILES, *(content(number) for number in range(30)))
    tries = Tries()
    async with checker(catalogue, tries, is_waiting=True) as (checks, store):
        await checks.start(FILES)

        async def is_full() -> bool:
            return tries.at_once == QUICK.at_once

        await until(is_full)
        tries.may_go_on.set()
        await ended(store, FILES)
    assert tries.most_at_once == QUICK.at_once


async def test_stop(catalogue: Catalogue) -> None:
    """A run ends when told to, from any process; what it found stays."""
    await catalogue.listed(FILES, *(content(number) for number in range(200)))
    tries = Tries({"id-0": GONE})
    rate = Rate(at_once=2, per_s=20)
    async with checker(catalogue, tries, rate=rate, is_waiting=True) as (checks, store):
        await checks.start(FILES)
        assert await LinkCheckStore(catalogue.database).ask_to_stop("files")
        tries.may_go_on.set()
        run = await ended(store, FILES)
        assert run.state is CheckState.STOPPED
        assert 0 < run.checked < 200
        assert (await store.tally(FILES)).untried == 200 - run.checked
        assert not await checks.stop("files")


async def test_nobody_answers(catalogue: Catalogue) -> None:
    """Where nothing answers at all a run gives up, and says why."""
    silent = ProbeResult(503, problem="THRON cannot be asked")
    numbers = range(100)
    await catalogue.listed(FILES, *map(content, numbers))
    tries = Tries({f"id-{number}": silent for number in numbers})
    async with checker(catalogue, tries) as (checks, store):
        await checks.start(FILES)
        run = await ended(store, FILES)
    assert (run.state, run.reason) == (CheckState.FAILED, "THRON cannot be asked")
    assert run.checked < 100


async def test_some_do_not_answer(catalogue: Catalogue) -> None:
    """Addresses that get no answer here and there end no run."""
    silent = ProbeResult(503, problem="THRON cannot be asked")
    numbers = range(100)
    await catalogue.listed(FILES, *map(content, numbers))
    tries = Tries({f"id-{number}": silent for number in numbers if number % 3})
    async with checker(catalogue, tries, rate=Rate(at_once=1, per_s=10_000)) as (checks, store):
        await checks.start(FILES)
        run = await ended(store, FILES)
    assert (run.state, run.checked) == (CheckState.DONE, 100)


async def test_the_process_ends(catalogue: Catalogue) -> None:
    """A run that is cut is told as interrupted, and what it found outlives the process."""
    await catalogue.listed(FILES, *(content(number) for number in range(20)))
    tries = Tries()
    async with checker(catalogue, tries, is_waiting=True) as (checks, _):
        await checks.start(FILES)
    run = await LinkCheckStore(catalogue.database, now=catalogue.now).last("files")
    assert run is not None
    assert run.state is CheckState.INTERRUPTED


async def test_the_process_is_killed(catalogue: Catalogue) -> None:
    """A run that has told nothing for a minute is over, and another can begin."""
    await catalogue.listed(FILES, content(1))
    store = LinkCheckStore(catalogue.database, now=catalogue.now)
    begun = await store.begin(FILES, Scope.ALL)
    catalogue.at += timedelta(seconds=59)
    assert (await store.last("files")) == begun
    catalogue.at += timedelta(seconds=2)
    last = await store.last("files")
    assert last is not None
    assert last.state is CheckState.INTERRUPTED
    async with checker(catalogue, Tries()) as (checks, store):
        await checks.start(FILES)
        assert (await ended(store, FILES)).state is CheckState.DONE


async def test_a_bug(catalogue: Catalogue) -> None:
    """What no try should raise ends the run as failed."""
    await catalogue.listed(FILES, content(1))

    async def broken(_connector: Connector, _address: Address) -> ProbeResult:
        raise LookupError

    store = LinkCheckStore(catalogue.database, now=catalogue.now)
    async with LinkChecker.open(store, broken, rate=QUICK) as checks:
        await checks.start(FILES)
        assert (await ended(store, FILES)).state is CheckState.FAILED


async def test_the_end_is_logged(catalogue: Catalogue) -> None:
    """One line says of which connector a run ended, and how."""
    await catalogue.listed(FILES, content(1))
    with logged() as log:
        async with checker(catalogue, Tries()) as (checks, _):
            await checks.start(FILES)
            async with asyncio.timeout(PATIENCE_S):
                told = await log.wait("link check")
    assert (told["connector"], told["state"]) == ("files", "done")


async def test_search(catalogue: Catalogue) -> None:
    """Outcomes are searched and paged like the table."""
    await catalogue.listed(FILES, *(content(number) for number in range(12)))
    async with checker(catalogue, Tries()) as (checks, store):
        await checks.start(FILES)
        await ended(store, FILES)
        page = await store.page(FILES, LinkStatus.WORKING, search="ID-1", limit=2, offset=2)
        assert ([each.line.content_id for each in page.lines], page.total) == (["id-11"], 3)
        assert (await store.page(FILES, LinkStatus.UNTRIED)).total == 0


async def test_what_left_is_not_told(catalogue: Catalogue) -> None:
    """Outcomes of contents that left the folder are neither counted nor shown."""
    await catalogue.listed(FILES, content(1), content(2))
    async with checker(catalogue, Tries({"id-2": GONE})) as (checks, store):
        await checks.start(FILES)
        await ended(store, FILES)
        await catalogue.listed(FILES, content(1))
        assert await problems(store, FILES) == {}
        assert (await store.tally(FILES)).all == 1
