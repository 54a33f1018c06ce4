"""Words in, exit status out."""

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TextIO

import click

from proxy import __version__
from proxy.admin.auth import passwords
from proxy.admin.auth.passwords import PasswordHashes
from proxy.admin.store import Store
from proxy.app import Gateway, open_database, open_gateway, open_parts
from proxy.catalogue.collisions import AddressStatus
from proxy.catalogue.export import Format, exported
from proxy.catalogue.purges import Purge, PurgeKind, cache_key
from proxy.catalogue.queries import Contents
from proxy.catalogue.row_urls import LineUrls
from proxy.catalogue.url_rows import Line, Selection
from proxy.check import check as checks
from proxy.clock import utc_now
from proxy.connectors import addresses as paths
from proxy.connectors import document as connectors_document
from proxy.connectors.addressability import is_id
from proxy.connectors.model import Connectors
from proxy.connectors.service import Plan, plan
from proxy.delivery.explain import Step, why_no_address
from proxy.errors import ConfigurationError, GatewayError
from proxy.remedies import with_remedy
from proxy.report import Recording, report
from proxy.settings import load, table
from proxy.telemetry import log
from proxy.tenant import Parts, Tenant

P = ParamSpec("P")

_library = click.option(
    "--library",
    type=click.Path(exists=True, file_okay=False, readable=True, path_type=Path),
    help="A directory of your own files, to be the tenant's contents.",
)

_yes = click.option("--yes", is_flag=True, help="Do not ask.")


class _WithSettings(click.Command):
    """A command whose help ends with the settings."""

    def format_epilog(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        formatter: click.HelpFormatter,
    ) -> None:
        """Write the table, as wide as the terminal is."""
        rows = [
            (name, help_ if default == "unset" else f"{help_} [{default}]")
            for name, default, help_ in table()
        ]
        with formatter.section("Settings, from the environment"):
            formatter.write_dl(rows)
        formatter.write_paragraph()
        formatter.write_text(
            "Each may also come from a file whose path is in NAME_FILE, or from the TOML file whose"
            " path is in TDC_CONFIG (in lower case, without TDC_). The environment goes first."
        )


def _runs(command: Callable[P, Coroutine[Any, Any, int]]) -> Callable[P, None]:
    """Run a command's coroutine; an operator's slip is exit status 2, without a traceback."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        log.configure("error")
        try:
            status = asyncio.run(command(*args, **kwargs))
        except ConfigurationError as exc:
            for problem in exc.problems:
                click.echo(problem, err=True)
            status = 2
        except GatewayError as exc:
            click.echo(with_remedy(exc), err=True)
            status = 1
        except asyncio.CancelledError:
            status = 1  # a second signal cut what was running
        sys.exit(status)

    return run


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="thron-connector")
def main() -> None:
    """Plain, permanent public URLs for the contents of a THRON folder."""


@main.command(cls=_WithSettings)
@_runs
async def serve() -> int:
    """Run the connector until it is told to stop."""
    settings = load(os.environ)
    log.configure(settings.log_level)
    await _until_stopped(open_gateway(settings, os.environ))
    return 0


@main.command(short_help="Try it: a simulated THRON with a connector in front.")
@_library
@click.option(
    "--port",
    type=click.IntRange(1, 65534),
    help="Of the URLs; health is on the next one.  [8080, or any if that is taken]",
)
@_runs
async def demo(library: Path | None, port: int | None) -> int:
    """Run a simulated THRON with a connector in front, and print URLs to try."""
    # The simulated THRON costs every other command memory and time to start.
    from proxy.demo import describe, open_demo  # noqa: PLC0415

    stop = _stop_signals()
    with tempfile.TemporaryDirectory(prefix="thron-connector-") as state:
        async with open_demo(library=library, port=port, state=Path(state)) as running:
            click.echo(describe(running))
            await stop.wait()
    return 0


@main.command(short_help="Run the simulated THRON alone.")
@_library
@click.option(
    "--port",
    type=click.IntRange(1, 65533),
    help="Of the API; delivery and storage are on the next two.  [any free ones]",
)
@click.option("--contents", type=click.IntRange(1), help="So many generated contents instead.")
@_runs
async def sandbox(library: Path | None, port: int | None, contents: int | None) -> int:
    """Run the simulated THRON alone, and print the settings to reach it."""
    if library is not None and contents is not None:
        raise click.UsageError("Give one of --library and --contents.")
    from proxy.sandbox.server import Sandbox  # noqa: PLC0415 - as above

    stop = _stop_signals()
    thron = Sandbox(library=library, port=port or 0, generated=contents or 0)
    async with AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(thron)
        except OSError as exc:
            raise ConfigurationError([f"--port: {exc.strerror}"]) from exc
        values = {
            "TDC_CLIENT_ID": thron.client_id,
            "TDC_APP_ID": thron.app_id,
            "TDC_APP_KEY": thron.app_key,
            "TDC_API_URL": thron.api_url,
            "TDC_CDN_URL": thron.cdn_url,
            "TDC_ORIGIN_HOSTS": "127.0.0.1",
        }
        for name, value in values.items():
            click.echo(f"export {name}={value}")
        click.echo(f"# root folder: {thron.root_folder_id}")
        await stop.wait()
    return 0


@main.command(short_help="Try the way to THRON, and name the remedy of what fails.")
@click.option(
    "--report",
    "report_file",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    is_flag=False,
    flag_value="thron-connector-report.json",
    help="Also write what was asked and answered, secrets, ids, hosts and names masked, to be sent"
    " to whoever helps.  [thron-connector-report.json]",
)
@_runs
async def check(report_file: Path | None) -> int:
    """Log in, list folders, and fetch one octet of each connector.

    What fails is told with its remedy; the exit status is then 1.
    """
    settings = load(os.environ)
    recording = Recording() if report_file is not None else None
    steps: list[Step] = []
    async with open_parts(settings, os.environ, recording=recording) as parts:
        async for step in checks(parts):
            steps.append(step)
            _tell(step)
        if recording is not None and report_file is not None:
            connectors = (await parts.database.connectors()).all
            written = report(steps, recording, settings=settings, connectors=connectors)
            await asyncio.to_thread(report_file.write_bytes, written)
            click.echo(f"Written: {report_file}. Secrets, ids, hosts and names are masked.")
    return 0 if all(step.is_ok for step in steps) else 1


@main.command()
@click.argument("url")
@_runs
async def resolve(url: str) -> int:
    """Explain each step from a public URL to its origin."""
    failed = False
    async with open_parts(load(os.environ), os.environ) as parts:
        explainer = _tenant(parts).explainer
        async for step in explainer.explain(url, await parts.database.connectors()):
            failed = failed or not step.is_ok
            _tell(step)
    return 1 if failed else 0


@main.command(short_help="Let running connectors ask THRON anew.")
@click.option("--url", help="What this public URL leads to.")
@click.option("--content", metavar="ID", help="Every address of this content.")
@click.option("--connector", metavar="SLUG", help="Every address of this connector.")
@click.option("--all", "everything", is_flag=True, help="Every address.")
@_runs
async def purge(
    url: str | None, content: str | None, connector: str | None, *, everything: bool
) -> int:
    """Let running connectors forget what they know of addresses, and ask THRON anew."""
    if [url, content, connector, everything or None].count(None) != 3:  # noqa: PLR2004 - of four
        raise click.UsageError("Give exactly one of --url, --content, --connector and --all.")
    settings = load(os.environ)
    async with open_database(settings, os.environ) as database:
        known = await database.connectors()
        if url is not None:
            order = Purge(PurgeKind.ADDRESS, _address(url, settings.public_base, known))
        elif content is not None:
            if not is_id(content):
                raise ConfigurationError([f"{content!r} is no content id."])
            order = Purge(PurgeKind.CONTENT, content)
        elif connector is not None:
            _require(connector, known)
            order = Purge(PurgeKind.CONNECTOR, connector)
        else:
            order = Purge(PurgeKind.ALL)
        await database.purge(order, actor="cli")
    click.echo("Ordered: every running connector forgets it within 2 seconds.")
    return 0


def _address(url: str, base: str, known: Connectors) -> str:
    try:
        return cache_key(paths.parse_url(url, base=base, connectors=known).address)
    except GatewayError as exc:
        raise ConfigurationError([why_no_address(url, known)]) from exc


def _require(slug: str, known: Connectors) -> None:
    if known.of_slug(slug) is None:
        slugs = ", ".join(each.slug for each in known.all) or "none"
        raise ConfigurationError([f"There is no connector {slug!r}; there are: {slugs}."])


@main.command(cls=_WithSettings, short_help="Set the console's password, or print its hash.")
@click.option(
    "--hash", "prints_hash", is_flag=True, help="Print the hash for TDC_ADMIN_PASSWORD_HASH only."
)
@_runs
async def password(*, prints_hash: bool) -> int:
    """Set the console's password; every browser is signed out."""
    settings = load(os.environ)
    if settings.admin_password_hash is not None and not prints_hash:
        raise ConfigurationError(["TDC_ADMIN_PASSWORD_HASH gives the password: change it there."])
    chosen = str(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    problem = passwords.problem(chosen, not_=settings.client_id)
    if problem is not None:
        raise ConfigurationError([str(problem)])
    hash_ = await PasswordHashes().make(chosen)
    if prints_hash:
        click.echo(hash_)
        return 0
    async with open_database(settings, os.environ) as database:
        await Store(database).set_password(hash_, at=utc_now(), actor="cli")
    click.echo("The password is set. Every browser is signed out.")
    return 0


@main.group()
def connectors() -> None:
    """Install, list and remove connectors on folders."""


@connectors.command("list")
@_runs
async def list_connectors() -> int:
    """Print one line for each connector."""
    settings = load(os.environ)
    async with open_database(settings, os.environ) as database:
        found = (await database.connectors()).all
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
@_runs
async def export() -> int:
    """Print all connectors as TOML that apply takes back."""
    async with open_database(load(os.environ), os.environ) as database:
        click.echo(connectors_document.export((await database.connectors()).all), nl=False)
    return 0


@connectors.command(short_help="Install or change the connectors of a TOML file.")
@click.argument("file", type=click.File("r", encoding="utf-8"))
@_yes
@_runs
async def apply(file: TextIO, *, yes: bool) -> int:
    """Install or change the connectors of a TOML file; those it does not name stay."""
    wanted = connectors_document.parse(_read(file))
    settings = load(os.environ)
    async with open_parts(settings, os.environ) as parts:
        planned = await plan(
            wanted,
            surveyor=_tenant(parts).surveyor,
            database=parts.database,
            can_force_https=settings.can_force_https,
        )
        if planned.is_nothing:
            click.echo("Nothing to change.")
            return 0
        _describe(planned)
        if not yes and not _confirmed(planned):
            click.echo("Nothing was changed.", err=True)
            return 1
        await parts.database.apply(planned.connectors, actor="cli")
        click.echo("Applied.")
    return 0


@connectors.command()
@click.argument("slug")
@_yes
@_runs
async def remove(slug: str, *, yes: bool) -> int:
    """Remove a connector: none of its URLs works from then on."""
    async with open_database(load(os.environ), os.environ) as database:
        _require(slug, await database.connectors())
        question = f"Every URL of {slug} stops working. Type its name to go on"
        if not yes and _answered(question) != slug:
            click.echo("Nothing was changed.", err=True)
            return 1
        await database.remove(slug, actor="cli")
    click.echo(f"Removed {slug}.")
    return 0


def _read(file: TextIO) -> str:
    try:
        return file.read()
    except UnicodeDecodeError as exc:
        raise ConfigurationError([f"{file.name} is no UTF-8 text: {exc.reason}."]) from exc


@main.command(short_help="List the public URLs of a connector's contents.")
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
    help="Only lines of this status.",
)
@click.option("--names", is_flag=True, help="End URLs with the file name.")
@_runs
async def urls(slug: str, form: str, search: str, status: str | None, *, names: bool) -> int:
    """List the public URLs of a connector's contents, as its folder was last read."""
    settings = load(os.environ)
    only = frozenset({AddressStatus(status)} if status is not None else ())
    selection = Selection(search=search, statuses=only)
    async with open_database(settings, os.environ) as database:
        known = await database.connectors()
        _require(slug, known)
        connector = next(each for each in known.all if each.slug == slug)
        made = LineUrls(connector, settings.public_base, settings.secure_base, is_named=names)
        lines = Contents(database).each(connector, selection)
        if form != "table":
            async for piece in exported(lines, made, Format(form)):
                click.echo(piece, nl=False)
            return 0
        if not await _told(lines, made):
            click.echo("No lines: no such contents, or serve has not read the folder.", err=True)
        elif settings.is_public_url_guessed:
            click.echo(f"(The base {made.base} is guessed: set TDC_PUBLIC_URL.)", err=True)
    return 0


async def _told(lines: AsyncIterator[Line], made: LineUrls) -> bool:
    """Print lines as a table, and tell whether there were any."""
    found = False
    async for line in lines:
        found = True
        url = made.of(line) if line.serves else None
        click.echo(f"{line.status:<16}{url or '-':<60}  {_plain(line.title)}")
    return found


def _plain(text: str) -> str:
    """Return a text that moves no terminal's cursor."""
    return "".join(each if each.isprintable() else " " for each in text)


def _tenant(parts: Parts) -> Tenant:
    if parts.tenant is None:
        raise ConfigurationError(
            ["No credentials: set TDC_CLIENT_ID, TDC_APP_ID and TDC_APP_KEY (README, Connect)."]
        )
    return parts.tenant


def _tell(step: Step) -> None:
    mark = click.style("ok  ", fg="green") if step.is_ok else click.style("FAIL", fg="red")
    click.echo(f"{mark}  {step.title}: {step.detail}")


def _describe(planned: Plan) -> None:
    """Say what would become public, and what would break."""
    touched = {*planned.changes.created, *planned.changes.changed}
    for survey in planned.surveys:
        slug = survey.connector.slug
        if slug not in touched:
            continue
        state = "new" if slug in planned.changes.created else "changed"
        state += "" if survey.connector.enabled else ", disabled"
        click.echo(f"{slug} ({state}): folder {survey.folder_name!r}, {survey.told} contents")
        for reason in planned.broken.get(slug, ()):
            click.echo(f"  Breaks: {reason}")
    if planned.published:
        several = ", counted for each connector" if len(planned.published) > 1 else ""
        click.echo(
            "Everything in these folders, now and later, can then be downloaded by anyone who has"
            f" or guesses its URL: {planned.public_contents} contents today{several}."
            " Do not use this for restricted contents."
        )


def _confirmed(planned: Plan) -> bool:
    if not planned.published:
        return _answered("Type yes to go on") == "yes"
    number = str(planned.public_contents)
    return _answered(f"Type {number} to make them public") == number


def _answered(question: str) -> str | None:
    """Return what is typed; None if nobody is there to type."""
    try:
        return str(click.prompt(question, err=True)).strip()
    except click.Abort:
        click.echo("\nNobody answered; --yes goes on without asking.", err=True)
        return None


async def _until_stopped(running: AbstractAsyncContextManager[Gateway]) -> None:
    """Hold a gateway until the first signal; a second one ends it at once."""
    stop = _stop_signals()
    async with running as gateway:
        _tell_how_to_set_up(gateway.set_up_url())
        await stop.wait()


def _tell_how_to_set_up(url: str | None) -> None:
    """Print the link of the first start; it is a secret, so it does not go through the log."""
    if url is not None:
        click.echo(
            "The console has no password yet. To set one, open this link once, within 15 minutes:"
            f"\n\n    {url}\n",
            err=True,
        )


def _stop_signals() -> asyncio.Event:
    """Return what the first signal sets; the next one cancels the task that asks."""
    stop = asyncio.Event()
    task = asyncio.current_task()

    def received() -> None:
        if stop.is_set() and task is not None:
            task.cancel()
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, received)
    return stop
