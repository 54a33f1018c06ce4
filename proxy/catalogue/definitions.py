"""The definitions of custom metadata that THRON has, all of them."""

from collections.abc import AsyncIterator

from proxy.errors import ThronRefused
from proxy.thron import messages
from proxy.thron.messages import LARGEST_PAGE, MetadataDefinition
from proxy.thron.tokens import TokenKeeper

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
    listed = await thron.ask(messages.classifications(client_id))
    for classification in listed.items:
        for offset in range(0, _MOST, LARGEST_PAGE):
            question = messages.metadata_definitions(client_id, classification.id, offset=offset)
            page = await thron.ask(question)
            for definition in page.items:
                yield definition
            if len(page.items) + page.skipped < LARGEST_PAGE:
                break
