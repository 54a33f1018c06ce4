"""The definitions of custom metadata that THRON has, all of them."""

from collections.abc import AsyncIterator

from proxy.errors import ThronRefused
from proxy.thron.folder import MetadataDefinition, classifications, metadata_definitions
from proxy.thron.listing import Listing, each_of
from proxy.thron.token_keeper import TokenKeeper

_MOST = 1000


async def definitions(thron: TokenKeeper, client_id: str) -> tuple[MetadataDefinition, ...] | None:
    """Return the definitions; None if the application may not see them.

    The role to see them is one of its own (docs/thron.md 2.6).

    Raises:
        ThronError: THRON cannot be asked.
    """
    try:
        return tuple([each async for each in _listed(thron, client_id)])
    except ThronRefused:
        return None


async def _listed(thron: TokenKeeper, client_id: str) -> AsyncIterator[MetadataDefinition]:
    """Give the definitions of every classification.

    Raises:
        ThronError: THRON cannot be asked, or refuses.
    """
    for classification in (await thron.ask(classifications(client_id))).items:

        async def page(
            offset: int, classification_id: str = classification.id
        ) -> Listing[MetadataDefinition]:
            question = metadata_definitions(client_id, classification_id, offset=offset)
            return await thron.ask(question)

        async for definition in each_of(page, most=_MOST):
            yield definition
