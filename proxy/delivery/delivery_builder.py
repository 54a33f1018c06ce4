"""Builds a Delivery from a content: its durable URLs, by the connector's delivery mode."""

import time
from collections.abc import Callable

from proxy.connectors.model import Connector, DeliveryMode
from proxy.delivery.resolution import Delivery
from proxy.errors import ThronRefused
from proxy.text import Text
from proxy.thron.content import Content
from proxy.thron.delivery_urls import channels, published_url, source_urls, thumbnail_url
from proxy.thron.token_keeper import TokenKeeper

# Pixels of a thumbnail's longer side: one of the sizes that THRON keeps ready.
_THUMBNAIL = 160
# In which failures of renditions make the share key suspect, and how many contents' at least.
_SUSPICION_WINDOW_S = 600.0
_SUSPICIOUS_FAILURES = 3


class RevokedPkeyDetector:
    """Tells when the share key may have been revoked, rather than single contents be missing.

    The CDN answers for a content without renditions as it does for a revoked key (docs/thron.md
    7.1). So the key is suspected once three different contents have failed with no success between,
    or all that were asked for in ten minutes. What it then costs, a login, is bounded by the token
    keeper.
    """

    def __init__(self) -> None:
        self._failed: dict[str, float] = {}
        self._delivered_at: float | None = None

    def note_delivery(self, *, now: float) -> None:
        """Note that the CDN knows the key."""
        self._failed.clear()
        self._delivered_at = now

    def note_failure(self, content_id: str, *, now: float) -> bool:
        """Note that the CDN does not know a content, and tell whether the key is suspected."""
        failed = self._failed
        failed[content_id] = now
        self._failed = {each: at for each, at in failed.items() if now - at < _SUSPICION_WINDOW_S}
        if len(self._failed) >= _SUSPICIOUS_FAILURES:
            self._failed = dict(list(self._failed.items())[-_SUSPICIOUS_FAILURES:])
            return True
        delivered_at = self._delivered_at
        return delivered_at is None or now - delivered_at >= _SUSPICION_WINDOW_S


class DeliveryBuilder:
    """Builds the deliveries of one tenant.

    ``source_path`` is the path of its downloadSource, where that is known.
    """

    def __init__(
        self,
        thron: TokenKeeper,
        *,
        client_id: str,
        api_url: str,
        cdn_url: str,
        source_path: str | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._now = now
        self._revoked_pkey = RevokedPkeyDetector()
        self._thron = thron
        self._client_id = client_id
        self._api_url = api_url
        self._cdn_url = cdn_url
        self._source_path = source_path

    async def build(self, connector: Connector, content: Content) -> Delivery:
        """Return how a content is delivered.

        Raises:
            ThronRefused: Renditions are asked for, but the login gave no pkey.
            ThronError: There is no session, and none to be had.
        """
        name = content.file_name or content.id
        mode = connector.delivery
        if mode is DeliveryMode.ORIGINAL:
            sources = source_urls(
                self._api_url,
                self._client_id,
                content_id=content.id,
                save_as=name,
                path=self._source_path,
            )
        else:
            pkey = await self._pkey()
            if pkey is None:
                raise ThronRefused(
                    Text(
                        "the app has no pkey: switch on its public share in THRON, or use "
                        'delivery = "original"'
                    )
                )
            sources = tuple(
                published_url(
                    self._cdn_url,
                    self._client_id,
                    pkey=pkey,
                    content_type=content.content_type,
                    content_id=content.id,
                    channel=channel,
                    name=name,
                )
                for channel in channels(content.content_type, content.channels)
            )
        return Delivery(
            content_id=content.id,
            mode=mode,
            sources=sources,
            file_name=name,
            is_nameless_document=content.content_type == "OTHER" and not content.file_name,
        )

    async def thumbnail(self, content: Content) -> Delivery:
        """Return how the thumbnail of a content is delivered.

        Raises:
            ThronRefused: The login gave no pkey.
            ThronError: There is no session, and none to be had.
        """
        pkey = await self._pkey()
        if pkey is None:
            raise ThronRefused("the app has no pkey, so that it gets no thumbnails")
        source = thumbnail_url(
            self._cdn_url, self._client_id, pkey=pkey, content_id=content.id, pixels=_THUMBNAIL
        )
        return Delivery(content.id, DeliveryMode.PUBLISHED, (source,), file_name=content.id)

    def note_delivery(self, before: Delivery, after: Delivery) -> None:
        """Note that a delivery, opened as ``before``, was answered as ``after``."""
        # A remembered target holds no pkey; only another one proves that the pkey is good.
        if before.mode is DeliveryMode.PUBLISHED and after.target != before.target:
            self._revoked_pkey.note_delivery(now=self._now())

    async def is_outdated(self, delivery: Delivery) -> bool:
        """Tell whether a delivery was built with a pkey that is not the session's any more.

        To be asked where the CDN does not know a published content, as a revoked pkey looks like
        that. Once it is suspected, the pkey is read again.

        Raises:
            ThronError: THRON cannot be asked.
        """
        if delivery.mode is DeliveryMode.ORIGINAL:
            return False
        is_suspected = self._revoked_pkey.note_failure(delivery.content_id, now=self._now())
        session = await self._thron.session()
        if is_suspected:
            session = await self._thron.renew(session)
        return not any(f"/{session.pkey}/" in source for source in delivery.sources)

    async def _pkey(self) -> str | None:
        # That of the last session is good while there is none, and THRON perhaps down.
        last = await self._thron.last_known()
        if last is not None and last.pkey is not None:
            return last.pkey
        return (await self._thron.session()).pkey
