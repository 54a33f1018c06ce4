"""A database made, or brought from an older release to this one."""

from pathlib import Path

from sqlalchemy import Connection, insert, inspect, select, text

from proxy.catalogue.schema import HEAD, TABLES, alembic_version, revision

SCRIPTS = Path(__file__).parent / "migrations"

# Before there were revisions the schema had numbers, in a table of this name.
_NUMBERED = "schema_version"
# So many tables of another program are named, to recognise it by.
_NAMED = 3
_LAST_NUMBER = 8


class UnusableDatabase(Exception):
    """A database that is not for this program; the message goes on from its name."""


def is_current(connection: Connection) -> bool:
    """Tell, without writing, whether a database has the newest tables.

    Raises:
        UnusableDatabase: As ``prepare``.
    """
    present = set(inspect(connection).get_table_names())
    return bool(present) and _known_revision(connection, present, head=HEAD) == HEAD


def prepare(connection: Connection, *, head: str = HEAD, scripts: Path = SCRIPTS) -> bool:
    """Make the tables, or bring them from an older revision to the newest.

    Args:
        connection: In a transaction that nobody else can be in at the same time; what fails
            undoes all of it.
        head: The newest revision of ``scripts``.
        scripts: Alembic's directory.

    Returns:
        Whether there were none.

    Raises:
        UnusableDatabase: The database is somebody else's, or of a newer release.
    """
    present = set(inspect(connection).get_table_names())
    if not present:
        # The newest schema at once: no revision is taken, and Alembic is not imported.
        TABLES.create_all(connection)
        connection.execute(insert(revision).values(id=1, number=0))
        connection.execute(insert(alembic_version).values(version_num=head))
        return True
    if _known_revision(connection, present, head=head) < head:
        upgrade(connection, scripts=scripts)
    return False


def _known_revision(connection: Connection, present: set[str], *, head: str) -> str:
    """Return the revision of a database, which is no newer than the head."""
    found = _revision_of(connection, present)
    if found > head:
        raise _newer(found, head)
    return found


def _revision_of(connection: Connection, present: set[str]) -> str:
    """Return the revision of a database; empty before the first."""
    # Another program may use Alembic too, so its table alone does not make a database ours.
    if revision.name in present:
        if alembic_version.name in present:
            found: str = connection.execute(select(alembic_version.c.version_num)).scalar_one()
            return found
        if _NUMBERED in present:
            number = connection.execute(text(f"SELECT version FROM {_NUMBERED}")).scalar_one()  # noqa: S608 - a constant
            if number > _LAST_NUMBER:
                raise _newer(number, _LAST_NUMBER)
            return ""
    names = sorted(present)
    few = ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")
    raise UnusableDatabase(
        f"holds tables of another program ({few}): give the connector a database of its own"
    )


def upgrade(connection: Connection, *, scripts: Path = SCRIPTS) -> None:
    """Apply every revision that a database does not have yet, the first ones too."""
    # Imported only where there is something to do: 0.2 s and 11 MB that other starts do without.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _newer(found: object, known: object) -> UnusableDatabase:
    return UnusableDatabase(
        f"was written by a newer release (schema {found}, this one knows {known}):"
        " install that release again, or restore a copy from before it"
    )
