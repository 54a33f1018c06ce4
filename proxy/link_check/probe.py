"""Tries one address as a download would, up to its first octet.

It uses the resolver and the origins of downloads, and no listener: so it works wherever the console
runs, with any proxy in front, and takes no download's place. What fails is told with its fix, which
an answer to a client may not hold.
"""

import asyncio
from contextlib import closing

from proxy.connectors.addresses import Address
from proxy.connectors.model import Connector
from proxy.delivery.explain import FIXES
from proxy.delivery.origin import Origins
from proxy.delivery.resolver import Resolver
from proxy.errors import GatewayError, OriginTimeout, UnknownAddress
from proxy.hints import with_hint
from proxy.link_check.results import ProbeResult
from proxy.semantics.headers import media_type
from proxy.semantics.ranges import FIRST_OCTET, parse_content_range
from proxy.text import Text

# Resolver and origin each have time-outs of their own; this is for all their tries together.
_LONGEST_S = 45.0
_NO_OCTETS = 416


class LinkProbe:
    """Tries addresses of one tenant."""

    def __init__(self, resolver: Resolver, origins: Origins) -> None:
        self._resolver = resolver
        self._origins = origins

    async def try_address(self, connector: Connector, address: Address) -> ProbeResult:
        """Return what a client would get, and where that is an error what may fix it."""
        try:
            async with asyncio.timeout(_LONGEST_S):
                resolved = await self._resolver.resolve(connector, address)
                delivery = resolved.resolution.delivery
                with closing(
                    await self._origins.open(delivery, method="GET", fields=[FIRST_OCTET])
                ) as upstream:
                    await self._resolver.complete(resolved.resolution, address, upstream.delivery)
                    told = parse_content_range(upstream.fields.get("Content-Range", ""))
                    size = told.complete_length if told is not None else upstream.octets
                    # Of an empty file there is no first octet, so that a 416 is its answer.
                    if upstream.status == _NO_OCTETS and size != 0:
                        return ProbeResult(
                            502, problem=Text("the origin has no first byte of it (416)")
                        )
                    return ProbeResult(200, media_type(upstream.fields.get("Content-Type")), size)
        except GatewayError as exc:
            is_known = not isinstance(exc, UnknownAddress)
            fix = FIXES[connector.delivery] if is_known else ""
            return ProbeResult(exc.status, problem=with_hint(exc, otherwise=fix))
        except TimeoutError:
            late = OriginTimeout(
                Text("no first byte within {seconds} s", seconds=round(_LONGEST_S))
            )
            return ProbeResult(late.status, problem=with_hint(late))
