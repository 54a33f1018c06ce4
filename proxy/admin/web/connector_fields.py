"""The fields of a connector's forms, each checked by itself, with words beside it; pure.

What can stand in each is for ``proxy.connectors.values`` to say; here it is said in the
reader's language.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from proxy.admin.validation import Wrong
from proxy.admin.web.connector_labels import TypeWord, types_of
from proxy.admin.web.i18n import Text
from proxy.connectors import values as check
from proxy.connectors.model import (
    RESERVED_SEGMENTS,
    Connector,
    DeliveryMode,
    Disposition,
    Identifier,
)

# The path of the console where connectors are made; a page of that name would be out of reach.
TAKEN_BY_THE_CONSOLE = frozenset({"new"})

_LONGEST_MAX_AGE = 2**31 - 1


class Answer(StrEnum):
    """Yes or no, as a choice of two; a box that is not ticked would be no answer at all."""

    YES = "yes"
    NO = "no"

    @classmethod
    def of(cls, value: object) -> "Answer":
        """Return the answer that something is true, or not."""
        return cls.YES if value else cls.NO


class ByWhat(StrEnum):
    """What names contents, as a form has it."""

    CONTENT_ID = "content_id"
    PRETTY_ID = "pretty_id"
    OTHER = "other"


_METADATA = "metadata:"


def _checked(checker: Callable[[object], Any], text: Text) -> Callable[[str], str]:
    def validate(value: str) -> str:
        try:
            found: str = checker(value)
        except check.Unfit as exc:
            raise Wrong(text) from exc
        return found

    return validate


def _slug(value: str) -> str:
    if value in RESERVED_SEGMENTS | TAKEN_BY_THE_CONSOLE:
        raise Wrong(Text("This name is reserved. Choose another."))
    if not check.is_slug(value):
        raise Wrong(
            Text("Use lower-case letters, digits and hyphens, at most 63, and no hyphen first.")
        )
    return value


def _by(value: str) -> str:
    if value in list(ByWhat) or value.startswith(_METADATA):
        return value
    raise Wrong(Text("Choose one of these."))


_Plain = StringConstraints(strip_whitespace=True, max_length=400)

Slug = Annotated[str, _Plain, AfterValidator(_slug)]
Folder = Annotated[
    str,
    _Plain,
    AfterValidator(_checked(check.folder, Text("Choose a folder, or paste the id of one."))),
]
Host = Annotated[
    str,
    _Plain,
    AfterValidator(
        _checked(
            check.host,
            Text("Write a host name such as media.example.com, without scheme, port and path."),
        )
    ),
]
Robots = Annotated[
    str,
    _Plain,
    AfterValidator(_checked(check.robots, Text("This has characters that cannot stand here."))),
]
Key = Annotated[
    str,
    _Plain,
    AfterValidator(_checked(check.metadata, Text("Write the key of a metadata, such as sku."))),
]
MaxAge = Annotated[int, Field(ge=0, le=_LONGEST_MAX_AGE)]
By = Annotated[str, AfterValidator(_by)]


class Fields(BaseModel):
    """Some fields of a form; others are of no concern to it."""

    model_config = ConfigDict(frozen=True)


class FolderFields(Fields):
    """Step 1: which folder."""

    folder: Folder
    subfolders: Answer = Answer.YES


class TypesFields(Fields):
    """Step 2: which types."""

    types: Annotated[tuple[TypeWord, ...], Field(min_length=1)]


class IdentifierFields(Fields):
    """Step 3: what names contents.

    Attributes:
        by: A ByWhat, or ``metadata:`` with a key.
        key: With ByWhat.OTHER, the key of a metadata that is not offered.
    """

    by: By
    key: Key | None = None

    @property
    def identifier(self) -> Identifier:
        """What that is."""
        if self.by in {ByWhat.CONTENT_ID, ByWhat.PRETTY_ID}:
            return Identifier(self.by)
        return Identifier.METADATA

    @property
    def metadata(self) -> str | None:
        """The key of the metadata, where one names contents."""
        if self.identifier is not Identifier.METADATA:
            return None
        return self.key if self.by == ByWhat.OTHER else self.by.removeprefix(_METADATA)


class HttpsFields(Fields):
    """Step 4: whether plain requests are sent to HTTPS."""

    https: Answer = Answer.NO


class DetailFields(Fields):
    """Step 5: the rest."""

    slug: Slug
    host: Host | None = None
    delivery: DeliveryMode = DeliveryMode.ORIGINAL
    disposition: Disposition = Disposition.ATTACHMENT
    only_published: Answer = Answer.YES
    max_age_s: MaxAge = 300
    robots: Robots = ""

    @property
    def lacks_renditions(self) -> bool:
        """Whether contents would be served of which there are none."""
        return self.only_published is Answer.NO and self.delivery is DeliveryMode.PUBLISHED


UNPUBLISHED_HAS_NO_RENDITION = Text(
    "What THRON does not publish has no rendition. Deliver original files, or only published"
    " contents."
)
"""What is wrong with unpublished contents and published renditions together."""


class AllFields(FolderFields, TypesFields, IdentifierFields, HttpsFields, DetailFields):
    """All of them: what the page has where a connector is edited."""

    enabled: Answer = Answer.YES

    def connector(self) -> Connector:
        """Return the connector that they describe, its folder not yet resolved."""
        return Connector(
            slug=self.slug,
            folder=self.folder,
            identifier=self.identifier,
            metadata=self.metadata,
            enabled=self.enabled is Answer.YES,
            subfolders=self.subfolders is Answer.YES,
            content_types=frozenset(each.content_type for each in self.types),
            force_https=self.https is Answer.YES,
            delivery=self.delivery,
            disposition=self.disposition,
            only_published=self.only_published is Answer.YES,
            max_age_s=self.max_age_s,
            robots=self.robots,
            host=self.host,
        )


def by_of(connector: Connector) -> str:
    """Return what names a connector's contents, as the field ``by`` has it."""
    if connector.identifier is Identifier.METADATA:
        return f"{_METADATA}{connector.metadata}"
    return connector.identifier.value


def fields_of(connector: Connector) -> AllFields:
    """Return the fields that describe a connector."""
    return AllFields.model_construct(
        folder=connector.folder_id or connector.folder,
        subfolders=Answer.of(connector.subfolders),
        types=types_of(connector),
        by=by_of(connector),
        key=None,
        https=Answer.of(connector.force_https),
        slug=connector.slug,
        host=connector.host,
        delivery=connector.delivery,
        disposition=connector.disposition,
        only_published=Answer.of(connector.only_published),
        max_age_s=connector.max_age_s,
        robots=connector.robots,
        enabled=Answer.of(connector.enabled),
    )
