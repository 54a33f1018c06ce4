"""What the URLs of contents were last seen to give: media type, size and date of the file.

THRON's listings have none of it (docs/thron.md 3.2), so it is noted as contents are served, and
as their links are checked.

Rule: it is the content's, and stands in each of its lines too, by which the table is sorted.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from sqlalchemy import BindParameter, Update, and_, bindparam, or_, select, update

from proxy.catalogue import schema
from proxy.catalogue.async_engine import AsyncConnection
from proxy.catalogue.database import Database
from proxy.catalogue.polling import polling

_AT = schema.content.c
_LINE = schema.address.c
SERVED = (_AT.media_type, _AT.size, _AT.modified_s)
_OF_LINE = (_LINE.media_type, _LINE.size, _LINE.modified_s)

_WRITTEN_EVERY_S = 3.0
# Noted between two writes; of a crowd of first requests the rest is noted by later ones.
_MOST = 500


@dataclass(frozen=True, slots=True)
class ServedFile:
    """What a content's URLs give.

    Attributes:
        media_type: Lower case, without parameters; None where it is not told.
        size: Complete length in octets; None where it is not told.
        modified: When this version of it was made; None where it is not told.
    """

    media_type: str | None
    size: int | None
    modified: datetime | None


class ServedFiles:
    """Notes what is served, and writes it to the catalogue a few seconds later, in one go.

    No download waits for it: nothing is written where it is noted.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._noted: dict[tuple[str, str], ServedFile] = {}

    @classmethod
    @asynccontextmanager
    async def open(cls, database: Database) -> AsyncIterator[Self]:
        """Write what is noted, until the end of the block."""
        self = cls(database)
        async with polling("served files", self.write, interval_s=_WRITTEN_EVERY_S):
            yield self

    def note(self, slug: str, content_id: str, file: ServedFile) -> None:
        """Note what a connector's URLs of a content gave."""
        if (slug, content_id) in self._noted or len(self._noted) < _MOST:
            self._noted[slug, content_id] = file

    async def write(self) -> None:
        """Write what was noted since the last time.

        Raises:
            DatabaseFailed: The database does not answer; what was noted is written the next time.
        """
        noted = dict(self._noted)
        if not noted:
            return
        facts = [_values(*key, file) for key, file in noted.items()]

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(_CHANGE, facts)
            await connection.execute(_CHANGE_LINES, facts)

        await self._database.write(write)
        for key, file in noted.items():
            if self._noted.get(key) is file:
                del self._noted[key]


def _values(slug: str, content_id: str, file: ServedFile) -> dict[str, str | int | None]:
    return {
        "_connector": slug,
        "_id": content_id,
        "_media_type": file.media_type,
        "_size": file.size,
        "_modified_s": int(file.modified.timestamp()) if file.modified is not None else None,
    }


def fill_lines(slug: str, ids: Sequence[str]) -> Update:
    """Return the statement that gives new lines of contents what these were seen to give."""
    own = and_(_AT.connector == _LINE.connector, _AT.id == _LINE.content_id)
    is_seen = or_(*(each.is_not(None) for each in SERVED))
    return (
        update(schema.address)
        .where(
            _LINE.connector == slug,
            _LINE.content_id.in_(ids),
            *(each.is_(None) for each in _OF_LINE),
            select(_AT.id).where(own, is_seen).exists(),
        )
        .values({each.name: select(each).where(own).scalar_subquery() for each in SERVED})
    )


def forget(slug: str) -> tuple[Update, Update]:
    """Return the statements that forget what files a connector serves: from now on it is others."""
    unknown = {each.name: None for each in SERVED}
    return (
        update(schema.content).where(_AT.connector == slug).values(unknown),
        update(schema.address).where(_LINE.connector == slug).values(unknown),
    )


_FACTS = {each.name: bindparam(f"_{each.name}", type_=each.type) for each in SERVED}
_SLUG: BindParameter[str] = bindparam("_connector")
_ID: BindParameter[str] = bindparam("_id")
# Most are as they were: a row that would not change is not written.
_CHANGE = (
    update(schema.content)
    .where(
        *(_AT.connector == _SLUG, _AT.id == _ID),
        or_(*(each.is_distinct_from(_FACTS[each.name]) for each in SERVED)),
    )
    .values(_FACTS)
)
_CHANGE_LINES = (
    update(schema.address)
    .where(
        *(_LINE.connector == _SLUG, _LINE.content_id == _ID),
        or_(*(each.is_distinct_from(_FACTS[each.name]) for each in _OF_LINE)),
    )
    .values(_FACTS)
)
