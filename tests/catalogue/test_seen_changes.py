"""What a verification saw to be different is ordered to be purged, whatever ends first."""

from proxy.catalogue.database import Database
from proxy.catalogue.purges import Purge, PurgeKind, PurgeStore
from proxy.catalogue.seen_changes import SeenChanges
from tests.logs import logged


async def test_what_is_noted_last_is_ordered(sqlite_url: str) -> None:
    """A process that ends a moment after it saw a change still has it purged, as often as seen."""
    async with Database.open(sqlite_url) as database:
        async with SeenChanges.open(database, monotonic=lambda: 0) as seen:
            seen.note("film")
            await seen.write()
            seen.note("film")  # too soon after the first to be ordered at once
            seen.note("poster")
        ordered = [each.purge for each in await PurgeStore(database).since(0)]
        film, poster = (Purge(PurgeKind.CHANGED, each) for each in ("film", "poster"))
        assert ordered[0] == film
        assert set(ordered[1:]) == {film, poster}


async def test_it_ends_without_its_database(sqlite_url: str) -> None:
    """The end of a process does not fail for what can no longer be written; the log says so."""
    with logged() as log:
        async with Database.open(sqlite_url) as database, SeenChanges.open(database) as seen:
            assert database.place.path is not None
            seen.note("film")
            database.place.path.unlink()
        assert log.of("changes not purged")
