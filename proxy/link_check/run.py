"""Tries every address of a connector in the background, at a bounded rate."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Self

import structlog

from proxy.catalogue.url_rows import UrlRow
from proxy.connectors.addresses import Address
from proxy.connectors.model import Connector
from proxy.errors import DatabaseFailed, GatewayError
from proxy.link_check.results import CheckState, LinkCheck, ProbeResult, Scope
from proxy.link_check.store import LinkCheckStore
from proxy.text import Text

log = structlog.get_logger("proxy.link_check")

# Tries an address; raises nothing of the address's own.
Probe = Callable[[Connector, Address], Awaitable[ProbeResult]]

# Results are noted this often: no more work than that is lost with the process.
_NOTED_EVERY_S = 1.0
# Lines read at a time: some minutes' work, as finding where to go on costs more than reading.
_AT_A_TIME = 1000
# So many in a row that THRON or the origins did not answer at all: it is not the links.
_MOST_SILENT = 10
_SILENT = frozenset({503, 504})


@dataclass(frozen=True, slots=True)
class Rate:
    """How many tries a run may make: users' downloads come first.

    Attributes:
        at_once: Tries that run at the same time.
        per_s: Tries begun in a second.
    """

    at_once: int = 8
    per_s: float = 20.0


class LinkChecker:
    """Runs link checks in the background; made by ``LinkChecker.open``."""

    def __init__(self, store: LinkCheckStore, probe: Probe, *, rate: Rate) -> None:
        self._store = store
        self._probe = probe
        self._rate = rate
        self._running: dict[asyncio.Task[None], LinkCheck] = {}

    @classmethod
    @asynccontextmanager
    async def open(
        cls, store: LinkCheckStore, probe: Probe, *, rate: Rate | None = None
    ) -> AsyncIterator[Self]:
        """Give a checker; at the end of the block runs are cancelled, what they found stays."""
        self = cls(store, probe, rate=rate or Rate())
        try:
            yield self
        finally:
            running = dict(self._running)
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            for check in running.values():
                with suppress(DatabaseFailed):  # then it counts as ended after a minute
                    await store.end(check, CheckState.INTERRUPTED)

    async def start(self, connector: Connector, *, scope: Scope = Scope.ALL) -> LinkCheck:
        """Begin a run in the background, and return it.

        Raises:
            CheckRunning: One of this connector runs already.
            DatabaseFailed: It cannot be noted.
        """
        check = await self._store.begin(connector, scope)
        task = asyncio.create_task(self._run(connector, check), name=f"link check {check.id}")
        self._running[task] = check
        task.add_done_callback(self._running.pop)
        return check

    async def stop(self, slug: str) -> bool:
        """Ask a connector's run, in any process, to stop; tell whether there is one."""
        return await self._store.ask_to_stop(slug)

    async def retry(self, connector: Connector, line: UrlRow) -> ProbeResult:
        """Try one line by itself, at once, and note what came of it."""
        outcome = await self._probe(connector, _address(connector, line))
        await self._store.note(connector, None, {line.number: outcome})
        return outcome

    async def _run(self, connector: Connector, check: LinkCheck) -> None:
        try:
            state, reason = await _Run(
                self._store, self._probe, self._rate, connector, check
            ).done()
            await self._store.end(check, state, reason=reason)
        except GatewayError as exc:  # the database's: nothing can be noted, and it counts as ended
            log.warning("link check failed", connector=connector.slug, reason=str(exc))
        except Exception:
            log.exception("bug in a link check", connector=connector.slug)
            await self._store.end(check, CheckState.FAILED, reason=Text("a bug; the log has it"))
        else:
            log.info("link check", connector=connector.slug, state=state.value)


class _Run:
    """One run: what it found since it last noted, and whether to go on."""

    def __init__(
        self,
        store: LinkCheckStore,
        probe: Probe,
        rate: Rate,
        connector: Connector,
        check: LinkCheck,
    ) -> None:
        self._store = store
        self._probe = probe
        self._rate = rate
        self._connector = connector
        self._check = check
        self._slots = asyncio.Semaphore(rate.at_once)
        self._found: dict[int, ProbeResult] = {}
        self._silent = 0
        self._last_problem: str | None = None

    async def done(self) -> tuple[CheckState, str | None]:
        """Try line after line, and return how the run ended and why."""
        state, reason = CheckState.DONE, None
        noted = asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as tries:
            async for line in self._lines():
                await self._slots.acquire()
                tries.create_task(self._try(line))
                await asyncio.sleep(1 / self._rate.per_s)
                if asyncio.get_running_loop().time() - noted >= _NOTED_EVERY_S:
                    await self._note()
                    noted = asyncio.get_running_loop().time()
                if self._check.state is CheckState.STOPPING:
                    state = CheckState.STOPPED
                    break
                if self._silent >= _MOST_SILENT:
                    state, reason = CheckState.FAILED, self._last_problem
                    break
        await self._note()
        return state, reason

    async def _lines(self) -> AsyncIterator[UrlRow]:
        after = 0
        while lines := await self._store.to_try(
            self._connector, self._check.scope, after=after, most=_AT_A_TIME
        ):
            for line in lines:
                yield line
            after = lines[-1].number

    async def _try(self, line: UrlRow) -> None:
        try:
            outcome = await self._probe(self._connector, _address(self._connector, line))
            self._found[line.number] = outcome
            self._silent = self._silent + 1 if outcome.status in _SILENT else 0
            self._last_problem = outcome.problem
        finally:
            self._slots.release()

    async def _note(self) -> None:
        found, self._found = self._found, {}
        self._check = await self._store.note(self._connector, self._check, found) or self._check


def _address(connector: Connector, line: UrlRow) -> Address:
    return Address(connector.slug, line.language, line.value or "")
