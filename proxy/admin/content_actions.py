"""What can be done with one content: its URL explained, and what is known of it forgotten."""

import asyncio
from contextlib import suppress

from proxy.admin.parts import Console
from proxy.catalogue.purges import Purge, PurgeKind
from proxy.connectors.addressability import is_id
from proxy.delivery.explain import DiagnosisStep
from proxy.errors import GatewayError, NotConfigured
from proxy.thron.messages import detail_source

_A_MOMENT_S = 1.0


async def explained(console: Console, url: str) -> tuple[DiagnosisStep, ...]:
    """Return the steps from a public URL to the first octet of its content.

    Args:
        console: Its tenant is asked.
        url: As it is printed.
    """
    tenant = console.parts.tenant
    if tenant is None:
        return (DiagnosisStep("content", NotConfigured.public, is_ok=False),)
    steps = tenant.explainer.explain(url, console.watch.connectors)
    return tuple([each async for each in steps])


async def note_version(console: Console, content_id: str) -> None:
    """Remember the version of the source file that THRON has now, for the versions seen.

    A page neither fails without it nor waits for it longer than a moment.
    """
    tenant = console.parts.tenant
    if tenant is None:
        return
    with suppress(GatewayError, TimeoutError):
        async with asyncio.timeout(_A_MOMENT_S):
            question = detail_source(tenant.client_id, content_id)
            file = await tenant.thron.ask(question)
            if file is not None:
                await console.contents.note_version(content_id, file)


async def forget(console: Console, content_id: str, *, actor: str) -> None:
    """Order every process to forget the resolutions of a content, if it can have any."""
    if is_id(content_id):
        await console.parts.database.purge(Purge(PurgeKind.CONTENT, content_id), actor=actor)
