"""The fields of a connector's forms, each checked by itself, with words beside it; pure.

What can stand in each is for ``proxy.connectors.values`` to say; here it is said in the
reader's language.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from proxy.admin.connector_lookup import TAKEN_BY_THE_CONSOLE
from proxy.admin.validation import Wrong
from proxy.admin.web.connector_labels import types_of
from proxy.connectors import values as check
from proxy.connectors.addressability import RESERVED_SEGMENTS
from proxy.connectors.changes import state_of
from proxy.connectors.identifiers import PLAIN_NAMINGS, STRATEGIES, Naming, naming_of
from proxy.connectors.model import Connector, ConnectorSpec, DeliveryMode, Disposition, Identifier
from proxy.connectors.values import TypeWord
from proxy.text import Text


class Answer(StrEnum):
    """Yes or no, as a choice of two; a box that is not ticked would be no answer at all."""

    YES = "yes"
    NO = "no"

    @classmethod
    def of(cls, value: object) -> "Answer":
        """Return the answer that something is true, or not."""
        return cls.YES if value else cls.NO


def _usual(key: str) -> Any:
    """Return what a key is where nothing is said; a yes or no as the answer of a form."""
    default = ConnectorSpec.model_fields[key].default
    return Answer.of(default) if isinstance(default, bool) else default


# What ``by`` has besides ``pretty_id`` and ``metadata:KEY``: the key is in the field ``key``.
OTHER = "other"


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
    kind, _, key = value.partition(":")
    if value == OTHER or (kind in STRATEGIES and STRATEGIES[Identifier(kind)].has_key == bool(key)):
        return value
    raise Wrong(Text("Choose one of these."))


_Plain = StringConstraints(strip_whitespace=True, max_length=400)

Slug = Annotated[str, _Plain, AfterValidator(_slug)]
Folder = Annotated[
    str,
    _Plain,
    AfterValidator(_checked(check.folder, Text("Choose a folder, or paste its ID."))),
]
Host = Annotated[
    str,
    _Plain,
    AfterValidator(
        _checked(
            check.host,
            Text("Enter a host name such as media.example.com, without scheme, port or path."),
        )
    ),
]
Robots = Annotated[
    str,
    _Plain,
    AfterValidator(
        _checked(check.robots, Text("This contains characters that are not allowed here."))
    ),
]
Key = Annotated[
    str,
    _Plain,
    AfterValidator(
        _checked(check.metadata, Text("Enter the key of a metadata field, such as sku."))
    ),
]
MaxAge = Annotated[int, Field(ge=0, le=check.LONGEST_MAX_AGE)]
By = Annotated[str, AfterValidator(_by)]


class Fields(BaseModel):
    """Some fields of a form; others are of no concern to it."""

    model_config = ConfigDict(frozen=True)


class FolderFields(Fields):
    """Step 1: which folder."""

    folder: Folder
    subfolders: Answer = _usual("subfolders")


class TypesFields(Fields):
    """Step 2: which types."""

    types: Annotated[tuple[TypeWord, ...], Field(min_length=1)]


class IdentifierFields(Fields):
    """Step 3: what names contents.

    Attributes:
        by: As ``by_of`` writes it, or OTHER.
        key: With OTHER, the key of a metadata that is not offered.
    """

    by: By
    key: Key | None = None

    @property
    def lacks_key(self) -> bool:
        """Whether a metadata names contents, and it is not said which."""
        return self.by == OTHER and self.key is None


def named_by(by: str, key: str | None) -> tuple[Identifier, str | None]:
    """Return the identifier, and the key of its metadata, that the two fields say.

    What cannot be read is as good as nothing: the form's own check tells it.
    """
    if by == OTHER:
        return Identifier.METADATA, key
    kind, _, own = by.partition(":")
    if kind not in STRATEGIES:
        return PLAIN_NAMINGS[0].identifier, None
    identifier = Identifier(kind)
    return identifier, own if STRATEGIES[identifier].has_key else None


class HttpsFields(Fields):
    """Step 4: whether plain requests are sent to HTTPS."""

    https: Answer = _usual("force_https")


class DetailFields(Fields):
    """Step 5: the rest."""

    slug: Slug
    host: Host | None = _usual("host")
    delivery: DeliveryMode = _usual("delivery")
    disposition: Disposition = _usual("disposition")
    only_published: Answer = _usual("only_published")
    max_age_s: MaxAge = _usual("max_age_s")
    cdn_max_age_s: MaxAge | None = _usual("cdn_max_age_s")
    robots: Robots = _usual("robots")

    @property
    def lacks_renditions(self) -> bool:
        """Whether contents would be served of which there are none."""
        return self.only_published is Answer.NO and self.delivery is DeliveryMode.PUBLISHED


UNPUBLISHED_HAS_NO_RENDITION = Text(
    "Contents that are not published have no renditions. Deliver original files, or only"
    " published contents."
)
"""What is wrong with unpublished contents and published renditions together."""


class AllFields(FolderFields, TypesFields, IdentifierFields, HttpsFields, DetailFields):
    """All of them: what the page has where a connector is edited.

    Attributes:
        state: Of the connector that the page was made for, as ``state_of`` gives it.
    """

    enabled: Answer = _usual("enabled")
    state: str = ""

    def connector(self, old: Connector | None = None) -> Connector:
        """Return the connector that they describe, its folder not yet resolved.

        Args:
            old: As it is, where one is changed: a key that no field of the form says stays.
        """
        said = {
            key: value is Answer.YES if isinstance(value, Answer) else value
            for key, value in self
            if key in ConnectorSpec.model_fields
        }
        identifier, metadata = named_by(self.by, self.key)
        said |= {
            "content_types": frozenset(each.content_type for each in self.types),
            "identifier": identifier,
            "metadata": metadata,
            "force_https": self.https is Answer.YES,
        }
        kept = {key: getattr(old, key) for key in ConnectorSpec.model_fields} if old else {}
        return Connector.model_construct(**kept | said)


def by_of(naming: Naming) -> str:
    """Return what names contents, as the field ``by`` has it."""
    kind = naming.identifier.value
    return kind if naming.metadata is None else f"{kind}:{naming.metadata}"


def fields_of(connector: Connector) -> AllFields:
    """Return the fields that describe a connector."""
    shown: dict[str, Any] = {
        key: Answer.of(value) if isinstance(value, bool) else value
        for key, value in connector
        if key in AllFields.model_fields
    }
    shown |= {
        "folder": connector.folder_id or connector.folder,
        "types": types_of(connector),
        "by": by_of(naming_of(connector)),
        "key": None,
        "https": Answer.of(connector.force_https),
        "state": state_of(connector),
    }
    return AllFields.model_construct(**shown)
