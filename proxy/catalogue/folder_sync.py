"""One run of the sync: a connector's folder as THRON lists it, entered into the catalogue.

Rule 1: only a full listing removes, and only what THRON does not know in the folder when it is
asked for by its id (docs/thron.md 11, rows 5 and 15).
Rule 2: where all, or more than half, would have to go, nothing does until a second full listing
agrees (docs/thron.md 11, row 6).
Rule 3: what fails on the way keeps what was entered, and removes nothing.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

import structlog

from proxy.catalogue.database import Database
from proxy.catalogue.folder_listing import FolderListing, ListedPage
from proxy.catalogue.sync_runs import Run, RunKind, RunState, SyncRunStore
from proxy.catalogue.url_row_writer import NewCollision
from proxy.catalogue.writer import CatalogueWriter, ConnectorChanged, Missing, PageChanges
from proxy.connectors.model import Connector
from proxy.errors import GatewayError
from proxy.text import Text
from proxy.thron.listing import LARGEST_PAGE
from proxy.thron.messages import SearchOrder

log = structlog.get_logger("proxy.sync")

# THRON's index lags, and its clock is not ours (docs/thron.md 4.3 and 11, row 26).
_OVERLAP = timedelta(minutes=10)

# Entered by one transaction: most of what an unchanged page costs is the transaction.
_PAGES_AT_ONCE = 5

# Folders this small may well lose more than half of their contents at once.
_SMALL = 20

_BEGINNING = datetime.min.replace(tzinfo=UTC)


class FolderSync:
    """Runs the sync of connectors of one tenant."""

    def __init__(self, database: Database, listing: FolderListing) -> None:
        self._listing = listing
        self._runs = SyncRunStore(database)
        self._writer = CatalogueWriter(database)

    async def run(self, connector: Connector, kind: RunKind) -> Run:
        """List a connector's folder, and return how that ended.

        Raises:
            DatabaseFailed: The database does not answer; the run stays open until the next start.
        """
        before = await self._runs.suspended(connector.slug)
        run = await self._runs.begin(connector.slug, kind)
        ended: tuple[RunState, str | None] = RunState.CANCELLED, None
        try:
            if kind is RunKind.DELTA:
                await self._list_changed(run, connector)
                ended = RunState.OK, None
            else:
                ended = await self._list_all(run, connector, before)
        except ConnectorChanged:
            pass  # it is listed anew
        except GatewayError as exc:
            ended = RunState.FAILED, Text("The listing broke off: {problem}", problem=exc.text)
        finally:
            run = await self._runs.end(run, ended[0], problem=ended[1])
            _tell(run)
        return run

    async def _list_all(
        self, run: Run, connector: Connector, before: Run | None
    ) -> tuple[RunState, str | None]:
        added = 0
        async with aclosing(_several(self._listing.pages(connector))) as listed:
            async for pages in listed:
                added += (await self._enter(run, connector, *pages)).added
        missing = await self._writer.missing(run, connector, before=before)
        if _is_drop(missing.contents - missing.twice, missing.of - added):
            return RunState.SUSPENDED, _suspicion(missing, added)
        await self._ask_for_missing(run, connector)
        await self._writer.remove_missing(run, connector)
        return RunState.OK, None

    async def _list_changed(self, run: Run, connector: Connector) -> None:
        since = await self._writer.changed_until(connector) or _BEGINNING
        began = await self._runs.last_began(connector.slug) or _BEGINNING
        since = max(min(since, began), _BEGINNING + _OVERLAP) - _OVERLAP
        async with aclosing(
            self._listing.pages(connector, order=SearchOrder.UPDATED_LAST_FIRST)
        ) as pages:
            async for page in pages:
                await self._enter(run, connector, page)
                if self._listing.is_ordered and _is_older(page, since):
                    return

    async def _ask_for_missing(self, run: Run, connector: Connector) -> None:
        """Ask by ids for what the pages did not show: those shift, and the index lags."""
        last = ""
        while True:
            ids = await self._writer.next_missing(run, connector, after=last, most=LARGEST_PAGE)
            if not ids:
                return
            page = await self._listing.of_ids(connector, ids)
            await self._enter(run, connector, page)
            if page.skipped:  # one of these may be what could not be read
                await self._writer.spare(run, connector, ids)
            last = ids[-1]

    async def _enter(self, run: Run, connector: Connector, *pages: ListedPage) -> PageChanges:
        estimates = [page.expected for page in pages if page.expected is not None]
        entered = await self._writer.enter(
            run,
            connector,
            [content for page in pages for content in page.contents],
            expected=estimates[-1] if estimates else None,
            skipped=sum(page.skipped for page in pages),
        )
        for collision in entered.collisions:
            _tell_collision(connector, collision)
        return entered


async def _several(
    listing: AsyncGenerator[ListedPage, None],
) -> AsyncGenerator[list[ListedPage], None]:
    """Give the pages of a listing several at a time; of one that fails, too, what came before."""
    pages: list[ListedPage] = []
    async with aclosing(listing):
        try:
            async for page in listing:
                pages.append(page)
                if len(pages) == _PAGES_AT_ONCE:
                    yield pages
                    pages = []
        except GatewayError:
            if pages:
                yield pages
            raise
        if pages:
            yield pages


def _is_drop(contents: int, of: int) -> bool:
    """Tell whether so many contents are missing that it may be THRON's error."""
    if contents <= 0:
        return False
    return contents >= of or (of > _SMALL and contents * 2 > of)


def _is_older(page: ListedPage, since: datetime) -> bool:
    """Tell whether all that a page has was updated before; the next pages are older still."""
    dates = [each.last_update for each in page.contents if each.last_update is not None]
    return bool(dates) and max(dates) < since


def _suspicion(missing: Missing, added: int) -> Text:
    of = missing.of - added
    return Text(
        "THRON listed {shown} of {of} contents that were in the folder before. Nothing is removed"
        " until another listing shows the same; it is made by itself. If the folder was not"
        " emptied, see in THRON that the application may still read it.",
        shown=of - missing.contents,
        of=of,
    )


def _tell(run: Run) -> None:
    event = log.info if run.state in {RunState.OK, RunState.CANCELLED} else log.warning
    event(
        "sync",
        connector=run.connector,
        kind=run.kind,
        state=run.state,
        contents=run.seen,
        added=run.added,
        changed=run.changed,
        removed=run.removed,
        skipped=run.skipped,
        duration_s=round((run.ended - run.started).total_seconds(), 1) if run.ended else None,
        problem=run.problem,
    )


def _tell_collision(connector: Connector, collision: NewCollision) -> None:
    log.warning(
        "collision",
        connector=connector.slug,
        language=collision.language or None,
        value=collision.value,
        serves=collision.content_ids[0],
        others=collision.content_ids[1:],
    )
