"""The tags under which caches hold what a purge means."""

from collections.abc import Iterable, Sequence

from sqlalchemy import select

from proxy.catalogue import schema
from proxy.catalogue.async_engine import AsyncConnection
from proxy.catalogue.database import Database
from proxy.catalogue.purges import Purge, PurgeKind
from proxy.connectors.model import Connectors
from proxy.semantics.freshness import NO_CONNECTOR, connector_tag, content_tag

_LINE = schema.address.c


async def tags_of(
    purges: Iterable[Purge], *, hook: str, connectors: Connectors, database: Database
) -> Sequence[str]:
    """Return the tags of some purges, each once, in the order of the purges.

    Args:
        purges: In their order.
        hook: The name of the hook whose cache holds them.
        connectors: All that there are.
        database: Knows whose addresses are purged.

    Raises:
        DatabaseFailed: The database does not answer.
    """
    tags: dict[str, None] = {}
    for each in purges:
        match each.kind:
            case PurgeKind.CHANGED | PurgeKind.CONTENT:
                tags[content_tag(each.value)] = None
            case PurgeKind.CONNECTOR:
                tags |= dict.fromkeys((connector_tag(each.value), NO_CONNECTOR))
            case PurgeKind.ALL if each.value not in {"", hook}:
                pass
            case PurgeKind.ALL:
                slugs = [connector.slug for connector in connectors.all]
                tags |= dict.fromkeys((*map(connector_tag, slugs), NO_CONNECTOR))
            case PurgeKind.ADDRESS:
                slug, _, rest = each.value.partition("/")
                language, _, value = rest.partition("/")
                holders = await _holders(database, slug, language, value)
                # Not known to the catalogue, it may be any content's of the connector.
                found = [content_tag(holder) for holder in holders] or [connector_tag(slug)]
                tags |= dict.fromkeys(found)
    return tuple(tags)


async def _holders(database: Database, slug: str, language: str, value: str) -> Sequence[str]:
    query = select(_LINE.content_id).where(
        _LINE.connector == slug, _LINE.value == value, _LINE.language == language
    )

    async def read(connection: AsyncConnection) -> Sequence[str]:
        return tuple((await connection.execute(query)).scalars())

    return await database.read(read)
