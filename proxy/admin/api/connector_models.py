"""Connectors as the JSON API takes and gives them, by the keys of the TOML document; pure."""

from collections.abc import Sequence

from pydantic import Field

from proxy.admin.api.operations import Model
from proxy.admin.api.problems import FieldProblem, Problem
from proxy.admin.web.connector_fields import TAKEN_BY_THE_CONSOLE
from proxy.connectors.addresses import Part, illustrative
from proxy.connectors.impact import BrokenUrls, Reason
from proxy.connectors.model import Connector, ConnectorSpec
from proxy.settings import Settings


class WantedConnector(Model):
    """A connector that is to be, and what of its consequences is accepted."""

    connector: ConnectorSpec
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

    connector: ConnectorSpec
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


def connector_of(spec: ConnectorSpec) -> Connector:
    """Return the connector that is wanted.

    Raises:
        Problem: 422; the console has a page where this one's would be.
    """
    if spec.slug in TAKEN_BY_THE_CONSOLE:
        wrong = FieldProblem("connector.slug", f'"{spec.slug}" is reserved; choose another name.')
        raise Problem(422, "Some values cannot be taken.", problems=[wrong])
    return Connector(**dict(spec))


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
