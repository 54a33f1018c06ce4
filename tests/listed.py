"""Contents in the catalogue of a whole connector, as its sync enters them."""

from tests.running import Running
from tests.waiting import until


async def listed(connector: Running, *slugs: str) -> None:
    """List the folders of some connectors anew, or of all, and wait until that is done."""
    sync = connector.gateway.sync
    await sync.tick()
    for slug in slugs or [each.connector for each in await sync.states()]:
        before = (await sync.state(slug)).last
        await sync.request(slug)

        async def is_done(slug: str = slug, before: object = before) -> bool:
            await sync.tick()
            state = await sync.state(slug)
            return state.running is None and not state.is_asked and state.last != before

        await until(is_done)
