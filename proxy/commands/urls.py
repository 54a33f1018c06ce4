"""``urls``: the public URLs of a connector's contents, as a table or a file."""

import os

import click

from proxy.catalogue.collisions import AddressStatus
from proxy.catalogue.database import open_database
from proxy.catalogue.export import Format, exported
from proxy.catalogue.queries import Contents
from proxy.catalogue.row_urls import RowUrls
from proxy.catalogue.url_rows import Selection
from proxy.commands.running import require, runs
from proxy.connectors.store import ConnectorStore
from proxy.settings import load


@click.command()
@click.argument("slug")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", *(each.value for each in Format)]),
    default="table",
    show_default=True,
    help="csv and json have every column, txt only the URLs that work.",
)
@click.option("--search", default="", help="Words in title, identifier, file name or content id.")
@click.option(
    "--status",
    type=click.Choice([each.value for each in AddressStatus]),
    help="Only rows with this status.",
)
@click.option("--names", is_flag=True, help="End URLs with the file name.")
@runs
async def urls(slug: str, form: str, search: str, status: str | None, *, names: bool) -> int:
    """List the public URLs of a connector's contents, as its folder was last read."""
    settings = load(os.environ)
    only = frozenset({AddressStatus(status)} if status is not None else ())
    selection = Selection(search=search, statuses=only)
    async with open_database(settings, os.environ) as database:
        known = await ConnectorStore(database).read()
        require(slug, known)
        connector = next(each for each in known.all if each.slug == slug)
        made = RowUrls(connector, settings.public_base, settings.secure_base, is_named=names)
        contents = Contents(database)
        if form != "table":
            batches = contents.batches(connector, selection)
            async for piece in exported(batches, made, Format(form)):
                click.echo(piece, nl=False)
            return 0
        found = False
        async for line in contents.each(connector, selection):
            found = True
            url = made.of(line) if line.serves else None
            # A control character of a title could move the terminal's cursor.
            title = "".join(each if each.isprintable() else " " for each in line.title)
            click.echo(f"{line.status:<16}{url or '-':<60}  {title}")
        if not found:
            click.echo("No rows: nothing matches, or serve has not read the folder yet.", err=True)
        elif settings.is_public_url_guessed:
            click.echo(f"(The base {made.base} is guessed: set TDC_PUBLIC_URL.)", err=True)
    return 0
