"""``connectors``: installed, listed and removed."""

import os
from typing import TextIO

import click

from proxy.app.tenant import open_context
from proxy.catalogue.database import open_database
from proxy.commands.running import answered, require, runs
from proxy.connectors import addresses as paths
from proxy.connectors import document
from proxy.connectors.changes import breaks
from proxy.connectors.service import ConnectorService, Plan
from proxy.connectors.store import ConnectorStore
from proxy.errors import ConfigurationError
from proxy.settings import load

_yes = click.option("--yes", is_flag=True, help="Do not ask for confirmation.")


@click.group()
def connectors() -> None:
    """Install, list and remove connectors on folders."""


@connectors.command("list")
@runs
async def list_connectors() -> int:
    """Print one line for each connector."""
    settings = load(os.environ)
    async with open_database(settings, os.environ) as database:
        found = (await ConnectorStore(database).read()).all
    for each in found:
        parts = paths.illustrative(settings.public_base, each)
        pattern = "".join(part.text for part in parts)
        state = "" if each.enabled else " (disabled)"
        click.echo(f"{each.slug}{state}: folder {each.folder}, {each.delivery}, {pattern}")
    if not found:
        click.echo("No connectors yet: thron-connector connectors apply FILE", err=True)
    elif settings.is_public_url_guessed:
        click.echo(f"(The base {settings.public_base} is guessed: set TDC_PUBLIC_URL.)", err=True)
    return 0


@connectors.command()
@runs
async def export() -> int:
    """Print all connectors as TOML that apply takes back."""
    async with open_database(load(os.environ), os.environ) as database:
        click.echo(document.export((await ConnectorStore(database).read()).all), nl=False)
    return 0


@connectors.command(short_help="Install or change the connectors of a TOML file.")
@click.argument("file", type=click.File("r", encoding="utf-8"))
@_yes
@runs
async def apply(file: TextIO, *, yes: bool) -> int:
    """Install or change the connectors of a TOML file; those it does not name stay."""
    try:
        wanted = document.parse(file.read())
    except UnicodeDecodeError as exc:
        raise ConfigurationError([f"{file.name} is not UTF-8 text: {exc.reason}."]) from exc
    settings = load(os.environ)
    async with open_context(settings, os.environ) as context:
        service = ConnectorService(
            ConnectorStore(context.database),
            settings,
            previewer=lambda: context.require_tenant().previewer,
        )
        planned = await service.plan(wanted, anew=True)
        if planned.is_nothing:
            click.echo("Nothing to change.")
            return 0
        _describe(planned)
        # Whoever makes contents public says how many they are.
        wants = str(planned.public_contents) if planned.published else "yes"
        purpose = "make them public" if planned.published else "go on"
        if not yes and answered(f"Type {wants} to {purpose}") != wants:
            click.echo("Nothing was changed.", err=True)
            return 1
        await service.apply(planned, actor="cli")
        click.echo("Applied.")
    return 0


@connectors.command()
@click.argument("slug")
@_yes
@runs
async def remove(slug: str, *, yes: bool) -> int:
    """Remove a connector: none of its URLs works from then on."""
    settings = load(os.environ)
    async with open_database(settings, os.environ) as database:
        store = ConnectorStore(database)
        require(slug, await store.read())
        question = f"Every URL of {slug} stops working. Type its name to go on"
        if not yes and answered(question) != slug:
            click.echo("Nothing was changed.", err=True)
            return 1
        await ConnectorService(store, settings).remove(slug, actor="cli")
    click.echo(f"Removed {slug}.")
    return 0


def _describe(planned: Plan) -> None:
    """Say what would become public, and what would break."""
    for each in planned.impacts:
        if each.new is None or each.new == each.old:
            continue
        state = "new" if each.old is None else "changed"
        state += "" if each.new.enabled else ", disabled"
        told = each.statistics.told_of(each.new) if each.statistics is not None else "no"
        click.echo(f"{each.new.slug} ({state}): folder {each.folder_name!r}, {told} contents")
        for reason in breaks(each.old, each.new):
            click.echo(f"  Breaks: {reason}")
    if planned.published:
        several = ", counted for each connector" if len(planned.published) > 1 else ""
        click.echo(
            "Everything in these folders, now and later, can then be downloaded by anyone who has"
            f" or guesses its URL: {planned.public_contents} contents today{several}."
            " Do not use this for restricted contents."
        )
