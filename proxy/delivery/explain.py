"""From a public URL to its origin, step by step and with secrets masked."""

from collections.abc import AsyncIterator
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
from proxy.thron.content import Content
from proxy.thron.delivery_urls import expiry, masked

FIXES = {
    DeliveryMode.ORIGINAL: "give the Custom Application the share right on the folder in THRON",
    DeliveryMode.PUBLISHED: "see that the content has a rendition on one of its channels in THRON;"
    " if so it is with every content, that the application's public share has not been revoked",
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
        facts = [f"connector {address.connector}", f"{path.connector.identifier} {address.value!r}"]
        if address.language is not None:
            facts.append(f"language {address.language}")
        if path.file_name is not None:
            facts.append(f"file name {path.file_name!r}")
        yield DiagnosisStep("address", ", ".join(facts))
        async for step in self._of_path(path):
            yield step

    async def fetch(self, connector: Connector, content: Content) -> DiagnosisStep:
        """Fetch the first octet of a content as a connector delivers it."""
        try:
            delivery = await self._delivery_builder.build(connector, content)
            fields = [FIRST_OCTET]
            async with self._origins.open(delivery, method="GET", fields=fields) as upstream:
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
        former = "" if found else f"; {path.address.value!r} is a former prettyID of it"
        yield DiagnosisStep("content", f"{_content(content)}{former}")
        try:
            delivery = await self._delivery_builder.build(path.connector, content)
        except GatewayError as exc:
            yield DiagnosisStep("delivery", with_hint(exc), is_ok=False)
            return
        if delivery.mode is DeliveryMode.ORIGINAL:
            others = len(delivery.sources) - 1  # the same service, elsewhere
            also = f", or at {others} other paths" if others else ""
            yield DiagnosisStep("delivery", f"{delivery.mode}: {masked(delivery.sources[0])}{also}")
        else:
            for source in delivery.sources:
                yield DiagnosisStep("delivery", f"{delivery.mode}: {masked(source)}")
        yield await self.fetch(path.connector, content)

    async def _why_none(self, path: PublicPath) -> str:
        """Return why an address leads to nothing, as the operator may fix it."""
        anywhere = await self._lookup.anywhere(path.connector, path.address)
        if anywhere is None:
            return (
                "THRON shows the application no content with this identifier; check its spelling,"
                " and that the content is in the application's folder or below"
            )
        if not is_servable(path.connector, anywhere):
            types = ", ".join(sorted(path.connector.content_types))
            return (
                f"{_content(anywhere)}: the connector serves published contents of {types};"
                " publish it, or widen content_types"
            )
        return (
            f"{_content(anywhere)}: it is not linked to the connector's folder"
            f" {path.connector.folder!r}; link it there in THRON"
        )


def why_no_address(url: str, connectors: Connectors) -> str:
    """Return why a URL is no public address, and what it could be of."""
    slugs = ", ".join(
        f"{each.slug} ({each.identifier}{'' if each.enabled else ', disabled'})"
        for each in connectors.all
    )
    fix = f"the connectors are: {slugs}" if slugs else "there are no connectors yet"
    return f"{url!r} is no address of an enabled connector; {fix}."


def _answered(asked: Delivery, upstream: Upstream) -> str:
    """Return what an origin answered, and what was unusual about it."""
    target = upstream.delivery.target
    via = f"{masked(target.url)}: " if target is not None else ""
    content_range = parse_content_range(upstream.fields.get("Content-Range", ""))
    length = content_range.complete_length if content_range is not None else upstream.octets
    media_type = upstream.fields.get("Content-Type", "no media type")
    size = f"{length} bytes" if length is not None else "length not told"
    ranges = "ranges work" if content_range is not None else "ranges are ignored"
    coded = ", ".join(codings(upstream.fields) or ())
    only = f", coded ({coded}): only for clients that accept it" if coded else ""
    remarks = ""
    if asked.mode is DeliveryMode.PUBLISHED:
        refused = asked.sources.index(upstream.delivery.sources[0])
        if refused:
            remarks = f"; the {refused} channels before it are refused"
    elif target is not None:
        remarks = "; THRON redirects source files to a storage service"
    if target is not None and expiry(target.url) is not None:
        remarks += "; its URL is signed, and asked for anew before that ends"
    return f"{via}{media_type}, {size}, {ranges}{only}{remarks}"


def _content(content: Content) -> str:
    title = content.titles[0].text if content.titles else "without title"
    status = content.status or "status not told"
    return f"{title!r} ({content.id}), {content.content_type}, {status}"
