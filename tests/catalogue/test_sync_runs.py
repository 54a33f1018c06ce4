"""The stored runs of the sync, as every process sees them."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from proxy.admin.web.i18n import Language, Words
from proxy.catalogue.database import Database
from proxy.catalogue.sync_runs import RunKind, RunState, SyncState
from proxy.text import Text
from tests.catalogue.entering import FILES, NOON, Catalogue, content


@pytest.fixture
async def catalogue(database_url: str) -> AsyncIterator[Catalogue]:
    async with Database.open(database_url) as database:
        yield Catalogue(database)


async def test_nothing_yet(catalogue: Catalogue) -> None:
    """Before the first run nothing is known of a connector."""
    assert await catalogue.runs.states(["files"]) == (SyncState("files"),)
    assert await catalogue.runs.suspended("files") is None
    assert await catalogue.runs.last_began("files") is None


async def test_a_run_from_being_asked_for_to_its_end(catalogue: Catalogue) -> None:
    """A run is asked for once, begins in place of that, counts, and ends."""
    runs = catalogue.runs
    await runs.ask("files")
    await runs.ask("files")
    assert await runs.asked() == {"files"}
    (asked,) = await runs.states(["files"])
    assert asked.is_asked
    run = await catalogue.begin(FILES)
    assert await runs.asked() == frozenset()
    await catalogue.writer.enter(run, FILES, [content(1)], expected=3)
    (running,) = await runs.states(["files"])
    assert (running.seen, running.expected, running.since) == (1, 3, NOON)
    catalogue.at += timedelta(seconds=5)
    ended = await runs.end(run, RunState.OK)
    (state,) = await runs.states(["files"])
    assert state == SyncState("files", last=ended, last_ok=catalogue.at)
    assert await runs.runs("files") == (ended,)
    assert await runs.last_began("files") == NOON


async def test_a_failure_leaves_what_was_well(catalogue: Catalogue) -> None:
    """The last run's problem is told, and when the last one did all its work."""
    runs = catalogue.runs
    await runs.end(await runs.begin("files", RunKind.FULL), RunState.OK)
    catalogue.at += timedelta(minutes=1)
    run = await runs.begin("files", RunKind.DELTA)
    await runs.end(run, RunState.FAILED, problem="THRON is away.")
    (state,) = await runs.states(["files"])
    assert (state.problem, state.last_ok, state.is_suspended) == ("THRON is away.", NOON, False)


async def test_a_problem_is_kept_for_readers_of_any_language(catalogue: Catalogue) -> None:
    """A text is read as the text that it was; one of an earlier release as its English."""
    runs = catalogue.runs
    broke_off = Text("The listing broke off: {problem}", problem=Text("no answer in time"))
    run = await runs.end(
        await runs.begin("files", RunKind.FULL), RunState.FAILED, problem=broke_off
    )
    assert isinstance(run.problem, Text)
    assert Words(Language.ITALIAN).say(run.problem) == (
        "La lettura si è interrotta: nessuna risposta in tempo"
    )
    older = await runs.end(
        await runs.begin("files", RunKind.FULL), RunState.FAILED, problem=str(broke_off)
    )
    assert (older.problem, type(older.problem)) == (str(broke_off), str)


async def test_a_suspended_listing_waits_for_the_next_whole_one(catalogue: Catalogue) -> None:
    """Deltas and failures in between change nothing of that."""
    runs = catalogue.runs
    suspended = await runs.begin("files", RunKind.FULL)
    await runs.end(suspended, RunState.SUSPENDED, problem="Empty.")
    await runs.end(await runs.begin("files", RunKind.FULL), RunState.FAILED, problem="Away.")
    await runs.end(await runs.begin("files", RunKind.DELTA), RunState.OK)
    found = await runs.suspended("files")
    assert found is not None
    assert found.id == suspended.id
    await runs.end(await runs.begin("files", RunKind.FULL), RunState.OK)
    assert await runs.suspended("files") is None


async def test_runs_of_a_process_that_is_gone(catalogue: Catalogue) -> None:
    """What ran when a process was killed is over; what is asked for still is."""
    await catalogue.runs.begin("files", RunKind.FULL)
    await catalogue.runs.ask("names")
    await catalogue.runs.end_interrupted()
    files, names = await catalogue.runs.states(["files", "names"])
    assert files.running is None
    assert files.last is not None
    assert files.last.state is RunState.CANCELLED
    assert files.problem is not None
    assert names.is_asked


async def test_old_runs_are_forgotten(catalogue: Catalogue) -> None:
    """The store does not grow for ever, and never forgets the last run that did well."""
    runs = catalogue.runs
    await runs.end(await runs.begin("files", RunKind.FULL), RunState.OK)
    for _ in range(155):
        run = await runs.begin("files", RunKind.DELTA)
        await runs.end(run, RunState.FAILED, problem="Away.")
    assert len(await runs.runs("files", newest=1000)) == 152
    (state,) = await runs.states(["files"])
    assert state.last_ok == NOON
