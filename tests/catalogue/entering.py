"""Contents entered into the catalogue as a listing would."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from proxy.catalogue.database import Database
from proxy.catalogue.fingerprints import Fingerprints
from proxy.catalogue.known_contents import KnownContents
from proxy.catalogue.queries import Contents
from proxy.catalogue.sync_runs import Run, RunKind, RunState, SyncRunStore
from proxy.catalogue.writer import CatalogueWriter, PageChanges
from proxy.connectors.addresses import Address
from proxy.connectors.model import Connector, Identifier
from proxy.thron.content import Content, MetadataValue, PrettyId, Title

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)

FILES = Connector(slug="files", folder="f", folder_id="f", identifier=Identifier.CONTENT_ID)
NAMES = Connector(slug="names", folder="f", folder_id="f", identifier=Identifier.PRETTY_ID)
SKUS = Connector(
    slug="skus",
    folder="f",
    folder_id="f",
    identifier=Identifier.METADATA,
    metadata="sku",
    classification_id="c",
)


def content(number: int, **more: Any) -> Content:
    """Return a published document, created and changed ``number`` minutes after noon."""
    when = NOON + timedelta(minutes=number)
    plain = Content(
        id=f"id-{number}",
        content_type="OTHER",
        creation_date=when,
        last_update=when,
        titles=(Title("EN", f"Title {number}"), Title("IT", f"Titolo {number}")),
        pretty_ids=(PrettyId("EN", f"name-{number}"), PrettyId("IT", f"nome-{number}")),
        metadata=(MetadataValue("sku", f"S-{number}", None, "c"),),
        file_name=f"file-{number}.pdf",
        channels=("WEB",),
        status="PUBLISHED",
    )
    return replace(plain, **more)


def named(number: int, *names: str, **more: Any) -> Content:
    """Return the same with other prettyIDs, such as ``en:brochure``."""
    split = (each.partition(":") for each in names)
    pretty_ids = tuple(PrettyId(language.upper(), value) for language, _, value in split)
    return content(number, pretty_ids=pretty_ids, **more)


def with_sku(number: int, *values: str, **more: Any) -> Content:
    """Return the same with other values of the metadata ``sku``."""
    metadata = tuple(MetadataValue("sku", value, None, "c") for value in values)
    return content(number, metadata=metadata, **more)


@dataclass(slots=True)
class Catalogue:
    """A catalogue of its own, and its clock."""

    database: Database
    at: datetime = NOON

    @property
    def now(self) -> Callable[[], datetime]:
        """The clock."""
        return lambda: self.at

    @property
    def contents(self) -> Contents:
        """What is read of it."""
        return Contents(self.database, now=self.now)

    @property
    def writer(self) -> CatalogueWriter:
        """What writes it."""
        return CatalogueWriter(self.database, now=self.now)

    @property
    def runs(self) -> SyncRunStore:
        """Its runs."""
        return SyncRunStore(self.database, now=self.now)

    async def begin(self, connector: Connector) -> Run:
        """Begin a full listing of a connector, fitted."""
        await Fingerprints(self.database).fit(connector, client_id="acme")
        return await self.runs.begin(connector.slug, RunKind.FULL)

    async def listed(self, connector: Connector, *contents: Content) -> PageChanges:
        """Enter a whole listing of one page; what it does not show has left the folder."""
        run = await self.begin(connector)
        entered = await self.writer.enter(run, connector, contents)
        await self.writer.remove_missing(run, connector)
        await self.runs.end(run, RunState.OK)
        return entered

    async def lines(self, connector: Connector) -> Sequence[tuple[str, str | None, str, bool]]:
        """Return content id, value, status and whether it serves of every line, by value."""
        found = [line async for line in self.contents.each(connector)]
        lines = [(each.content_id, each.value, each.status.value, each.serves) for each in found]
        return sorted(lines, key=lambda line: (line[1] or "", line[0]))

    async def leads_to(
        self, connector: Connector, value: str, language: str | None = None
    ) -> list[str]:
        """Return the ids of the contents that an address may lead to, the first first."""
        known = KnownContents(self.database, now=self.now)
        address = Address(connector.slug, language, value)
        return [each.content.id for each in await known.of(connector, address)]
