"""From a public URL to its origin, step by step and with secrets masked."""

from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass

from proxy.connectors import addresses as paths
from proxy.connectors.addresses import PublicPath
from proxy.connectors.identifiers import strategy
from proxy.connectors.model import (
    Connector,
    Connectors,
    DeliveryMode,
    is_servable,
)
from proxy.delivery.delivery_builder import DeliveryBuilder
from proxy.delivery.lookup import Lookup
from proxy.delivery.origin import Origins
from proxy.delivery.resolution import Delivery
from proxy.delivery.upstream import Upstream
from proxy.errors import GatewayError
from proxy.hints import with_hint
from proxy.semantics.codings import codings
from proxy.semantics.ranges import FIRST_OCTET, parse_content_range
from proxy.text import Text
from proxy.thron.content import Content
from proxy.thron.delivery_urls import expiry, masked

FIXES = {
    DeliveryMode.ORIGINAL: Text(
        "give the Custom Application the share right on the folder in THRON"
    ),
    DeliveryMode.PUBLISHED: Text(
        "check that the content has a rendition on one of its channels in THRON; if every"
        " content fails, check that the application's public share has not been revoked"
    ),
}
"""What may help where THRON or the origin refuses a content that it has."""


@dataclass(frozen=True, slots=True)
class DiagnosisStep:
    """One step of a download.

    Attributes:
        title: What was tried.
        detail: What came of it; where it failed, what fixes it.
        is_ok: Whether the next step can follow.
    """

    title: str
    detail: str
    is_ok: bool = True


class Explainer:
    """Takes the steps of a download one by one, without the resolver's cache.

    ``base`` is that of public URLs: what it has of a path is not part of an address.
    """

    def __init__(
        self, lookup: Lookup, delivery_builder: DeliveryBuilder, origins: Origins, *, base: str
    ) -> None:
        self._base = base
        self._lookup = lookup
        self._delivery_builder = delivery_builder
        self._origins = origins

    async def explain(self, url: str, connectors: Connectors) -> AsyncIterator[DiagnosisStep]:
        """Give the steps from a public URL, or its path, to the first octet of its content."""
        try:
            path = paths.parse_url(url, base=self._base, connectors=connectors)
        except GatewayError:
            yield DiagnosisStep("address", why_no_address(url, connectors), is_ok=False)
            return
        address = path.address
        facts: list[str] = [
            Text("connector {slug}", slug=address.connector),
            f"{path.connector.identifier} {address.value!r}",
        ]
        if address.language is not None:
            facts.append(Text("language {code}", code=address.language))
        if path.file_name is not None:
            facts.append(Text("file name {name}", name=repr(path.file_name)))
        yield DiagnosisStep("address", Text.joined(", ", facts))
        async for step in self._of_path(path):
            yield step

    async def fetch(self, connector: Connector, content: Content) -> DiagnosisStep:
        """Fetch the first octet of a content as a connector delivers it."""
        try:
            delivery = await self._delivery_builder.build(connector, content)
            with closing(
                await self._origins.open(delivery, method="GET", fields=[FIRST_OCTET])
            ) as upstream:
                return DiagnosisStep("origin", _answered(delivery, upstream))
        except GatewayError as exc:
            fix = FIXES[connector.delivery]
            return DiagnosisStep("origin", with_hint(exc, otherwise=fix), is_ok=False)

    async def _of_path(self, path: PublicPath) -> AsyncIterator[DiagnosisStep]:
        try:
            found = await self._lookup.find(path.connector, path.address)
            content = found
            if content is None and strategy(path.connector).keeps_former:
                # Who had the prettyID last, by the catalogue, and is still to be served.
                known = await self._lookup.catalogued(path.connector, path.address)
                ids = [each.content.id for each in known]
                content = next(iter(await self._lookup.members(path.connector, ids)), None)
            if content is None:
                yield DiagnosisStep("content", await self._why_none(path), is_ok=False)
                return
        except GatewayError as exc:
            yield DiagnosisStep("content", with_hint(exc), is_ok=False)
            return
        facts = [_content(content)]
        if not found:
            facts.append(Text("{value} is a former prettyID of it", value=repr(path.address.value)))
        yield DiagnosisStep("content", Text.joined("; ", facts))
        try:
            delivery = await self._delivery_builder.build(path.connector, content)
        except GatewayError as exc:
            yield DiagnosisStep("delivery", with_hint(exc), is_ok=False)
            return
        if delivery.mode is DeliveryMode.ORIGINAL:
            others = len(delivery.sources) - 1  # the same service, elsewhere
            places: list[str] = [f"{delivery.mode}: {masked(delivery.sources[0])}"]
            places += [Text("or at {number} other paths", number=others)] if others else []
            yield DiagnosisStep("delivery", Text.joined(", ", places))
        else:
            for source in delivery.sources:
                yield DiagnosisStep("delivery", f"{delivery.mode}: {masked(source)}")
        yield await self.fetch(path.connector, content)

    async def _why_none(self, path: PublicPath) -> Text:
        """Return why an address leads to nothing, as the operator may fix it."""
        anywhere = await self._lookup.anywhere(path.connector, path.address)
        if anywhere is None:
            return Text(
                "THRON shows the application no content with this identifier; check its spelling,"
                " and that the content is in the application's folder or below"
            )
        if not is_servable(path.connector, anywhere):
            return Text(
                "{content}: the connector serves published contents of {types}; publish it, or"
                " widen content_types",
                content=_content(anywhere),
                types=", ".join(sorted(path.connector.content_types)),
            )
        return Text(
            "{content}: it is not linked to the connector's folder {folder}; link it there in"
            " THRON",
            content=_content(anywhere),
            folder=repr(path.connector.folder),
        )


def why_no_address(url: str, connectors: Connectors) -> Text:
    """Return why a URL is no public address, and what it could be of."""
    known = [
        f"{each.slug} ({each.identifier})"
        if each.enabled
        else Text("{slug} ({identifier}, disabled)", slug=each.slug, identifier=each.identifier)
        for each in connectors.all
    ]
    if not known:
        return Text(
            "{url} does not belong to an enabled connector; there are no connectors yet.",
            url=repr(url),
        )
    return Text(
        "{url} does not belong to an enabled connector; the connectors are: {known}.",
        url=repr(url),
        known=Text.joined(", ", known),
    )


def _answered(asked: Delivery, upstream: Upstream) -> Text:
    """Return what an origin answered, and what was unusual about it."""
    target = upstream.delivery.target
    content_range = parse_content_range(upstream.fields.get("Content-Range", ""))
    length = content_range.complete_length if content_range is not None else upstream.octets
    facts: list[str] = [
        upstream.fields.get("Content-Type") or Text("no media type"),
        Text("{number} bytes", number=length) if length is not None else Text("length unknown"),
        Text("ranges are ignored") if content_range is None else Text("ranges work"),
    ]
    coded = ", ".join(codings(upstream.fields) or ())
    if coded:
        facts.append(Text("coded ({codings}): only for clients that accept it", codings=coded))
    texts: list[str] = [Text.joined(", ", facts)]
    if asked.mode is DeliveryMode.PUBLISHED:
        refused = asked.sources.index(upstream.delivery.sources[0])
        if refused:
            texts.append(Text("the {number} channels before it are refused", number=refused))
    elif target is not None:
        texts.append(Text("THRON redirects source files to a storage service"))
    if target is not None and expiry(target.url) is not None:
        texts.append(Text("its URL is signed, and requested again before it expires"))
    answer = Text.joined("; ", texts)
    return answer if target is None else Text.joined(": ", [masked(target.url), answer])


def _content(content: Content) -> Text:
    return Text.joined(
        ", ",
        [
            f"{content.titles[0].text!r} ({content.id})"
            if content.titles
            else Text("without title ({id})", id=content.id),
            content.content_type,
            content.status or Text("status unknown"),
        ],
    )
