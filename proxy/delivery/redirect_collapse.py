"""Collapsed redirects: many who ask at once for a content nobody has asked for yet.

The CDN's redirector is asked once, and where it leads is told to all (RFC 9111, 4). The downloads
themselves are not collapsed: each asks the target as soon as it is known, with fields of its own.
"""

import asyncio
from dataclasses import replace
from enum import Enum

from proxy.delivery.http_client import Fields
from proxy.delivery.origin_client import REDIRECTS, OriginClient, OriginResponse, location_of
from proxy.errors import OriginError


class _Nowhere(Enum):
    """Why there is no location to share."""

    DIRECT = "the source has answered itself"
    LEFT = "the one who asked has left"


class RedirectCollapse:
    """Follows sources; at most one request for each is on its way."""

    def __init__(self, origin_client: OriginClient) -> None:
        self._origin_client = origin_client
        self._asked: dict[tuple[str, str], asyncio.Future[str | _Nowhere]] = {}

    async def follow(
        self, method: str, url: str, *, fields: Fields, content_id: str = ""
    ) -> OriginResponse:
        """Return the answer behind a source.

        Raises:
            OriginError: As ``OriginClient.follow``; a failure of the source to each who waits.
        """
        key = method, url
        while (asked := self._asked.get(key)) is not None:
            location = await asyncio.shield(asked)  # whoever leaves here leaves it to the others
            if location is _Nowhere.DIRECT:
                return await self._origin_client.follow(
                    method, url, fields=fields, content_id=content_id
                )
            if isinstance(location, str):
                return await self._redirected(method, location, fields, content_id)
        asked = self._asked[key] = asyncio.get_running_loop().create_future()
        try:
            return await self._ask(asked, method, url, fields, content_id)
        finally:  # not before the answer of the target, after which it is remembered
            del self._asked[key]
            if not asked.done():
                asked.set_result(_Nowhere.LEFT)

    async def _ask(
        self,
        asked: asyncio.Future[str | _Nowhere],
        method: str,
        url: str,
        fields: Fields,
        content_id: str,
    ) -> OriginResponse:
        try:
            response = await self._origin_client.send(
                method, url, fields=fields, content_id=content_id
            )
            location = location_of(response) if response.status in REDIRECTS else None
        except OriginError as exc:
            asked.set_exception(exc)
            asked.exception()  # seen here too: there may be nobody else who waits
            raise
        if location is None:
            asked.set_result(_Nowhere.DIRECT)
            return OriginResponse(response, url, is_redirected=False)
        asked.set_result(location)
        return await self._redirected(method, location, fields, content_id)

    async def _redirected(
        self, method: str, location: str, fields: Fields, content_id: str
    ) -> OriginResponse:
        answer = await self._origin_client.follow(
            method, location, fields=fields, content_id=content_id
        )
        return replace(answer, is_redirected=True)
