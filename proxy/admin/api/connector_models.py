"""Connectors as the JSON API takes and gives them, by the keys of the TOML document; pure."""

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from proxy.admin.api.operations import Model
from proxy.admin.api.problems import FieldProblem, Problem
from proxy.admin.web.connector_fields import TAKEN_BY_THE_CONSOLE
from proxy.connectors.addresses import Part, illustrative
from proxy.connectors.broken_urls import BrokenUrls, Reason
from proxy.connectors.form import Problem as FormProblem
from proxy.connectors.form import read, written
from proxy.connectors.model import Connector, DeliveryMode, Disposition, Identifier
from proxy.settings import Settings

TypeName = Literal["video", "image", "audio", "document", "all"]


class ConnectorModel(Model):
    """A connector, as its operator writes it."""

    slug: str = Field(description="its name; it begins every address", max_length=63)
    enabled: bool = True
    folder: str = Field(description="id or prettyId of a THRON folder", max_length=400)
    subfolders: bool = True
    content_types: tuple[TypeName, ...] = Field(default=("all",), max_length=5)
    identifier: Identifier
    metadata: str | None = Field(
        default=None, description='a key, with "metadata" as identifier', max_length=400
    )
    force_https: bool = False
    delivery: DeliveryMode = DeliveryMode.ORIGINAL
    disposition: Disposition = Disposition.ATTACHMENT
    only_published: bool = Field(
        default=True, description='false: every content of the folder, with "original" alone'
    )
    max_age_s: int = Field(default=300, description="freshness lifetime in seconds")
    robots: str = Field(default="", description="X-Robots-Tag, such as noindex", max_length=400)
    host: str | None = Field(default=None, description="a host of its own", max_length=400)


class WantedConnector(Model):
    """A connector that is to be, and what of its consequences is accepted."""

    connector: ConnectorModel
    confirmed_contents: int | None = Field(
        default=None, description="so many contents may become public, as the plan told"
    )
    confirmed_broken_urls: int | None = Field(
        default=None, description="so many URLs may stop working, as the plan told"
    )


class AddressPart(Model):
    """A piece of an illustrative address."""

    text: str
    name: str | None = Field(description="language, content or file_name for what varies")


class ConnectorState(Model):
    """A connector that there is."""

    connector: ConnectorModel
    folder_id: str
    address: tuple[AddressPart, ...] = Field(description="its illustrative address")
    contents: int | None = Field(description="in its folder by the last reading; null: not read")
    is_being_read: bool
    last_read: str | None = Field(description="when its folder was read to the end, RFC 3339")


class ConnectorList(Model):
    """Every connector, by slug."""

    items: tuple[ConnectorState, ...]


class BrokenReason(Model):
    """How many URLs stop working for one reason."""

    reason: Reason
    urls: int


class BrokenUrlModel(Model):
    """One of them."""

    url: str
    title: str
    content_type: str
    reason: Reason


class BrokenUrlsModel(Model):
    """URLs that work now, and would not."""

    total: int
    by_reason: tuple[BrokenReason, ...]
    sample: tuple[BrokenUrlModel, ...] = Field(description="the first of them")


class PlannedConnector(Model):
    """What saving a connector would do; nothing is saved."""

    is_new: bool
    changed: tuple[str, ...] = Field(description="keys that would differ")
    contents: int = Field(description="that would be public")
    is_estimate: bool
    becomes_public: bool = Field(description="whether contents could be that are not now")
    broken_urls: BrokenUrlsModel
    is_exact: bool = Field(description="whether all URLs that would stop working were found")


def connector_of(model: ConnectorModel) -> Connector:
    """Return the connector of a model.

    Raises:
        Problem: 422, with everything that is wrong.
    """
    values: dict[str, Any] = model.model_dump(mode="json", exclude_none=True)
    found = read(values)
    problems = [] if isinstance(found, Connector) else list(found)
    if model.slug in TAKEN_BY_THE_CONSOLE:
        problems.append(FormProblem("slug", f'"{model.slug}" is reserved; choose another name.'))
    if isinstance(found, Connector) and not problems:
        return found
    wrong = [FieldProblem(f"connector.{each.key}", each.text) for each in problems]
    raise Problem(422, "Some values cannot be taken.", problems=wrong)


def model_of(connector: Connector) -> ConnectorModel:
    """Return the model of a connector."""
    return ConnectorModel.model_validate(written(connector))


def address_of(connector: Connector, settings: Settings) -> tuple[AddressPart, ...]:
    """Return a connector's illustrative address."""
    base = settings.secure_base if connector.force_https else settings.public_base
    return _parts(illustrative(base, connector))


def broken_of(found: BrokenUrls) -> BrokenUrlsModel:
    """Return the model of broken URLs."""
    return BrokenUrlsModel(
        total=found.total,
        by_reason=tuple(BrokenReason(reason=why, urls=urls) for why, urls in found.by_reason),
        sample=tuple(
            BrokenUrlModel(
                url=each.url, title=each.title, content_type=each.content_type, reason=each.reason
            )
            for each in found.sample
        ),
    )


def _parts(parts: Sequence[Part]) -> tuple[AddressPart, ...]:
    return tuple(AddressPart(text=each.text, name=each.name) for each in parts)
