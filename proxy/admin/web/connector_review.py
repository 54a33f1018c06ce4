"""What a connector would be like: its addresses, real examples, and what is to be said of it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from yarl import URL

from proxy.catalogue.url_entries import title
from proxy.connectors.addresses import Part, illustrative, public_url
from proxy.connectors.folder_statistics import Figures, FolderStatistics
from proxy.connectors.identifiers import claims
from proxy.connectors.model import Connector, DeliveryMode
from proxy.settings import Settings
from proxy.text import Text
from proxy.thron.content import Content

_UNNAMED = "\u2026"


class Weight(StrEnum):
    """How much a concern weighs, by the kinds of notices."""

    INFO = "info"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Concern:
    """Something to know before saving."""

    weight: Weight
    text: Text


@dataclass(frozen=True, slots=True)
class Example:
    """A content of the folder, and where it would be.

    Attributes:
        title: May be empty.
        content_type: As THRON has it.
        rest: Of its URL, what comes after the root.
    """

    title: str
    content_type: str
    rest: str


@dataclass(frozen=True, slots=True)
class Review:
    """What a connector would be like.

    Attributes:
        root: What all its URLs begin with, without a slash at the end.
        base: The same without slug; a script makes the root of it while one types.
        pattern: What comes after the root, its variable parts marked.
        examples: Real ones.
        figures: How many contents have an address, lack one, or share one.
        statistics: That they are of.
        public: How many contents become public, as far as is known.
        concerns: What is to be known.
    """

    root: str
    base: str
    pattern: tuple[Part, ...]
    examples: tuple[Example, ...]
    figures: Figures
    statistics: FolderStatistics
    public: int
    concerns: tuple[Concern, ...]

    @property
    def scheme(self) -> str:
        """Of its URLs."""
        return URL(self.base).scheme

    @property
    def port(self) -> str:
        """Of its URLs, with its colon; empty for the usual one."""
        port = URL(self.base).explicit_port
        return f":{port}" if port is not None else ""


def review(
    connector: Connector,
    statistics: FolderStatistics,
    *,
    settings: Settings,
    others: Iterable[Connector] = (),
    has_pkey: bool = True,
    language: str = "",
) -> Review:
    """Return what a connector would be like.

    Args:
        connector: Its folder resolved; the slug may be empty still.
        statistics: Of its folder.
        settings: Give the base of public URLs.
        others: The connectors that there are besides.
        has_pkey: Whether THRON gives a pkey, without which there are no renditions.
        language: Of titles.
    """
    shown = connector.model_copy(update={"slug": connector.slug or _UNNAMED})
    base = settings.secure_base if connector.force_https else settings.public_base
    first, *pattern = illustrative(base, shown)
    root = first.text.removesuffix("/")
    figures, contents = statistics.figures_of(connector), statistics.examples_of(connector)
    return Review(
        root=root,
        base=base.rstrip("/"),
        pattern=tuple(pattern),
        examples=tuple(_examples(shown, contents, base, root, language)),
        figures=figures,
        statistics=statistics,
        public=figures.have,
        concerns=tuple(
            _concerns(connector, statistics, figures, settings, list(others), has_pkey=has_pkey)
        ),
    )


def _examples(
    connector: Connector, contents: Sequence[Content], base: str, root: str, language: str
) -> Iterator[Example]:
    for content in contents:
        claimed = claims(connector, content)
        if claimed:
            best = next((each for each in claimed if each.language == language), claimed[0])
            url = public_url(base, connector, language=best.language, value=best.value)
            yield Example(title(content, language), content.content_type, url.removeprefix(root))


def _concerns(
    connector: Connector,
    statistics: FolderStatistics,
    figures: Figures,
    settings: Settings,
    others: Sequence[Connector],
    *,
    has_pkey: bool,
) -> Iterator[Concern]:
    if statistics.is_done and not figures.have:
        yield Concern(Weight.WARNING, Text("No content in this folder would have an address yet."))
    if figures.collide:
        text = Text(
            "{number} contents share an address with another. Of those with the same address only"
            " the oldest is served.",
            number=figures.collide,
        )
        yield Concern(Weight.WARNING, text)
    if figures.lack and figures.have:
        text = Text(
            "{number} contents have no address until they are given one in THRON.",
            number=figures.lack,
        )
        yield Concern(Weight.INFO, text)
    if connector.delivery is DeliveryMode.PUBLISHED and not has_pkey:
        text = Text(
            "THRON gives the application no pkey, so there are no renditions to deliver. Ask its"
            " administrator to switch on the public share, or deliver original files."
        )
        yield Concern(Weight.WARNING, text)
    yield from _concerns_of_place(connector, settings, others)


def _concerns_of_place(
    connector: Connector, settings: Settings, others: Sequence[Connector]
) -> Iterator[Concern]:
    same = [each.slug for each in others if each.folder_id == connector.folder_id]
    if same:
        text = Text(
            "This folder has a connector already: {slugs}. Contents are then public at several"
            " addresses.",
            slugs=", ".join(same),
        )
        yield Concern(Weight.INFO, text)
    if settings.is_public_url_guessed:
        text = Text(
            "The beginning of the addresses is guessed from this machine's name. Set"
            " TDC_PUBLIC_URL before you share links."
        )
        yield Concern(Weight.INFO, text)
    if connector.host:
        text = Text("Point {host} to this machine in DNS.", host=connector.host)
        yield Concern(Weight.INFO, text)
