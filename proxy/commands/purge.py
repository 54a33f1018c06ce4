"""``purge``: running connectors forget what they know of addresses."""

import os

import click

from proxy.catalogue.database import open_database
from proxy.catalogue.purges import Purge, PurgeKind, PurgeStore
from proxy.commands.running import require, runs
from proxy.connectors import addresses as paths
from proxy.connectors.addressability import is_id
from proxy.connectors.store import ConnectorStore
from proxy.delivery.explain import why_no_address
from proxy.errors import ConfigurationError, GatewayError
from proxy.settings import load


@click.command()
@click.option("--url", help="What this public URL leads to.")
@click.option("--content", metavar="ID", help="Every address of this content.")
@click.option("--connector", metavar="SLUG", help="Every address of this connector.")
@click.option("--all", "everything", is_flag=True, help="Every address.")
@runs
async def purge(
    url: str | None, content: str | None, connector: str | None, *, everything: bool
) -> int:
    """Purge addresses from the cache of running connectors; THRON is asked again."""
    if [url, content, connector, everything or None].count(None) != 3:  # noqa: PLR2004 - of four
        raise click.UsageError("Give exactly one of --url, --content, --connector and --all.")
    settings = load(os.environ)
    async with open_database(settings, os.environ) as database:
        known = await ConnectorStore(database).read()
        if url is not None:
            try:
                path = paths.parse_url(url, base=settings.public_base, connectors=known)
            except GatewayError as exc:
                raise ConfigurationError([why_no_address(url, known)]) from exc
            order = Purge(PurgeKind.ADDRESS, path.address.cache_key)
        elif content is not None:
            if not is_id(content):
                raise ConfigurationError([f"{content!r} is not a content ID."])
            order = Purge(PurgeKind.CONTENT, content)
        elif connector is not None:
            require(connector, known)
            order = Purge(PurgeKind.CONNECTOR, connector)
        else:
            order = Purge(PurgeKind.ALL)
        await PurgeStore(database).order(order, actor="cli")
    told = " Then the caches of TDC_PURGE_HOOKS follow." if settings.purge_hooks else ""
    click.echo(f"Requested: every running connector purges it within 2 seconds.{told}")
    return 0
