"""The connector, one installation on one THRON folder, and its rules; pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)
from pydantic_core import ErrorDetails

from proxy.connectors import values as check
from proxy.thron.content import Content, ContentType, Publication, publication
from proxy.thron.messages import SearchCriteria

ALL_CONTENT_TYPES = frozenset(ContentType)


class Identifier(StrEnum):
    """What names a content in an address."""

    CONTENT_ID = "content_id"
    PRETTY_ID = "pretty_id"
    METADATA = "metadata"


class DeliveryMode(StrEnum):
    """Which bytes are served: the source file, or the rendition on the CDN."""

    ORIGINAL = "original"
    PUBLISHED = "published"


class Disposition(StrEnum):
    """What a browser does with the content (RFC 6266, 4.2)."""

    ATTACHMENT = "attachment"
    INLINE = "inline"


# As long as a value of the API may be; most checks are stricter.
_LINE = Field(max_length=400)

Flag = Annotated[bool, BeforeValidator(check.boolean)]
ContentTypes = Annotated[
    frozenset[ContentType],
    BeforeValidator(check.content_types),
    PlainSerializer(check.content_type_words),
    WithJsonSchema(
        {
            "type": "array",
            "items": {"type": "string", "enum": [*check.TypeWord, check.ALL]},
            "maxItems": len(check.TypeWord) + 1,
        }
    ),
]


class ConnectorSpec(BaseModel):
    """A connector, as its operator writes it."""

    # A key added here is written in the TOML document, the API and the audit; what else it needs
    # (a column, a field of the console's form) tests/connectors/test_every_key.py names.
    # The validator is made for the first that is checked: most starts check none.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    slug: Annotated[str, BeforeValidator(check.slug), Field(max_length=63)] = Field(
        description="its name; it begins every address"
    )
    enabled: Flag = True
    folder: Annotated[str, BeforeValidator(check.folder), _LINE] = Field(
        description="id or prettyId of a THRON folder"
    )
    subfolders: Flag = True
    content_types: ContentTypes = Field(
        default=ALL_CONTENT_TYPES, json_schema_extra={"default": [check.ALL]}
    )
    identifier: Annotated[Identifier, BeforeValidator(check.one_of(Identifier))]
    metadata: Annotated[str, BeforeValidator(check.metadata), _LINE] | None = Field(
        default=None,
        description='a key, with "metadata" as identifier',
        validate_default=True,  # with one identifier it must not be missing
    )
    force_https: Flag = False
    delivery: Annotated[DeliveryMode, BeforeValidator(check.one_of(DeliveryMode))] = (
        DeliveryMode.ORIGINAL
    )
    disposition: Annotated[Disposition, BeforeValidator(check.one_of(Disposition))] = (
        Disposition.ATTACHMENT
    )
    only_published: Flag = Field(
        default=True, description='false: every content of the folder, with "original" alone'
    )
    max_age_s: Annotated[int, BeforeValidator(check.max_age)] = Field(
        default=300, description="freshness lifetime in seconds"
    )
    cdn_max_age_s: Annotated[int, BeforeValidator(check.max_age)] | None = Field(
        default=None,
        description="the same for caches in front, longer only with purge hooks; unset: max_age_s",
    )
    robots: Annotated[str, BeforeValidator(check.robots), _LINE] = Field(
        default="", description="X-Robots-Tag, such as noindex"
    )
    host: Annotated[str, BeforeValidator(check.host), _LINE] | None = Field(
        default=None, description="a host of its own"
    )

    # A field is judged beside those above it, and only where these can be read, so that one slip
    # is told once, and none hides another.

    @field_validator("metadata")
    @classmethod
    def _goes_with_identifier(cls, value: str | None, info: ValidationInfo) -> str | None:
        identifier = info.data.get("identifier")
        if identifier is Identifier.METADATA and value is None:
            raise check.Unfit("is missing; name the metadata that identifies the contents.")
        if identifier not in {None, Identifier.METADATA} and value is not None:
            raise check.Unfit(
                f'is of no use with identifier = "{identifier}"; leave it out, or write identifier'
                ' = "metadata".'
            )
        return value

    @field_validator("only_published")
    @classmethod
    def _has_renditions(cls, value: bool, info: ValidationInfo) -> bool:  # noqa: FBT001 - pydantic's
        if not value and info.data.get("delivery") is DeliveryMode.PUBLISHED:
            raise check.Unfit(
                'false is possible with delivery = "original" alone, as what is not published has'
                ' no rendition; write delivery = "original", or only_published = true.'
            )
        return value


class Connector(ConnectorSpec):
    """One installation on one folder.

    ``Connector(...)`` checks every value. ``model_construct`` and ``model_copy`` do not: they are
    for what has been checked before, such as a row of the database.

    Attributes:
        folder_id: THRON's id of the folder; empty until resolved.
        classification_id: Defines the metadata; None until resolved, and for legacy metadata.
    """

    folder_id: str = ""
    classification_id: str | None = None


KEYS = tuple(ConnectorSpec.model_fields)
"""Every key of a connector, in the order of an export."""

_MISSING = {
    "slug": 'name the connector, such as slug = "brochures".',
    "folder": "give the id or the prettyId of the THRON folder.",
    "identifier": f"choose from {', '.join(Identifier)}.",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one key.

    Attributes:
        key: As it was written, or as it should have been.
        text: A sentence that goes on from the key and ends with the fix.
    """

    key: str
    text: str


def read(values: Mapping[str, object]) -> Connector | tuple[Problem, ...]:
    """Return the connector that some keys and values describe, or all that is wrong with them.

    Args:
        values: By the names in KEYS, with plain values as TOML or JSON give them.
    """
    try:
        return Connector(**dict(ConnectorSpec.model_validate(values)))
    except ValidationError as exc:
        return problems(exc)


def problems(error: ValidationError) -> tuple[Problem, ...]:
    """Return what is wrong with a ConnectorSpec: unknown keys, then missing ones, then values."""
    found = error.errors(include_url=False, include_input=False)
    order = ("extra_forbidden", "missing")
    found.sort(key=lambda each: order.index(each["type"]) if each["type"] in order else len(order))
    return tuple(Problem(str(each["loc"][0]), _mend(each)) for each in found)


def _mend(error: ErrorDetails) -> str:
    key = str(error["loc"][0])
    match error["type"]:
        case "extra_forbidden":
            return f"there is no such key; {check.nearest(key, KEYS)}"
        case "missing":
            return f"is missing; {_MISSING[key]}"
        case "too_long":
            return f"is too long; write at most {error['ctx']['max_length']} characters."
        case _:
            return str(error.get("ctx", {}).get("error", error["msg"]))


def written(connector: Connector) -> dict[str, Any]:
    """Return a connector as the keys and plain values that ``read`` takes back to it.

    What THRON resolves (folder id, classification) is not among them.
    """
    return connector.model_dump(mode="json", include=set(KEYS), exclude_none=True)


@dataclass(frozen=True, slots=True)
class Connectors:
    """Every connector at one revision.

    Attributes:
        revision: Grows with every change; equal revisions mean equal connectors.
        all: Ordered by slug.
        is_new: Whether there has never been any, so that the database may just have been made, in
            place of one that was lost: then no address can be said to lead nowhere.
    """

    revision: int
    all: tuple[Connector, ...]
    is_new: bool = field(default=False, compare=False)
    by_slug: Mapping[str, Connector] = field(init=False, repr=False, compare=False)
    _by_host: dict[str, Connector] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_slug", {each.slug: each for each in self.all})
        hosts = {each.host.lower(): each for each in self.all if each.host}
        object.__setattr__(self, "_by_host", hosts)

    def of_slug(self, slug: str) -> Connector | None:
        """Return the connector of a slug, whether or not it has a host of its own."""
        return self.by_slug.get(slug)

    def of_host(self, host: str) -> Connector | None:
        """Return the connector whose own host this is.

        Args:
            host: A Host field value (RFC 9110, 7.2): any case, with or without a port.
        """
        if not self._by_host:
            return None
        name, colon, port = host.strip().rpartition(":")
        if not colon or not (port.isdigit() or not port):
            name = host.strip()
        return self._by_host.get(name.lower().removesuffix("."))


def folder_criteria(connector: Connector) -> SearchCriteria:
    """Return what a search for the contents of a resolved connector's folder asks for."""
    return SearchCriteria(
        content_types=connector.content_types,
        folder_id=connector.folder_id,
        cascade=connector.subfolders,
    )


def is_servable(connector: Connector, content: Content, *, was_published: bool = False) -> bool:
    """Tell whether a content of the connector's folder is of its types, and published if need be.

    Args:
        connector: Gives the types, and whether only what is published is served.
        content: As THRON has it now.
        was_published: As ``publication`` has it.
    """
    if not is_of_types(connector, content):
        return False
    found = publication(content.status, content.channels, was_published=was_published)
    return not connector.only_published or found is Publication.PUBLISHED


def is_unfinished(connector: Connector, content: Content) -> bool:
    """Tell whether a content has no rendition yet that the connector could deliver, and may soon.

    An original is there all the time, so that a connector of originals has nothing to wait for.
    """
    return (
        connector.delivery is DeliveryMode.PUBLISHED
        and is_of_types(connector, content)
        and publication(content.status, content.channels) is Publication.IN_PROGRESS
    )


def is_of_types(connector: Connector, content: Content) -> bool:
    """Tell whether a content is of the connector's types."""
    return content.content_type.upper() in connector.content_types
