"""``check`` and ``resolve``: what works on the way to THRON and to a content, and what does not."""

import asyncio
import os
from pathlib import Path

import click

from proxy.app.tenant import cache_session, open_context, outbound_proxy
from proxy.check.purge_hooks import check_hooks
from proxy.check.report import Recording, report
from proxy.check.steps import check as checks
from proxy.commands.running import runs
from proxy.connectors.store import ConnectorStore
from proxy.delivery.explain import DiagnosisStep
from proxy.settings import load


@click.command()
@click.option(
    "--report",
    "report_file",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    is_flag=False,
    flag_value="thron-connector-report.json",
    help="Also write a report of every request and answer for support, with secrets, ids, hosts and"
    " names masked.  [thron-connector-report.json]",
)
@runs
async def check(report_file: Path | None) -> int:
    """Log in, list folders, fetch one byte of each connector, and reach each purge hook's cache.

    Whatever fails is shown with its fix; the exit status is then 1.
    """
    settings = load(os.environ)
    recording = Recording() if report_file is not None else None
    steps: list[DiagnosisStep] = []
    async with open_context(settings, os.environ, recording=recording) as context:
        async for step in checks(context):
            steps.append(step)
            _print_step(step)
        if settings.purge_hooks is not None:
            async with cache_session(settings) as http:
                async for step in check_hooks(
                    settings.purge_hooks, http, proxy=outbound_proxy(settings)
                ):
                    steps.append(step)
                    _print_step(step)
        if recording is not None and report_file is not None:
            connectors = (await ConnectorStore(context.database).read()).all
            written = report(steps, recording, settings=settings, connectors=connectors)
            await asyncio.to_thread(report_file.write_bytes, written)
            click.echo(f"Written: {report_file}. Secrets, ids, hosts and names are masked.")
    return 0 if all(step.is_ok for step in steps) else 1


@click.command()
@click.argument("url")
@runs
async def resolve(url: str) -> int:
    """Explain each step from a public URL to its origin."""
    failed = False
    async with open_context(load(os.environ), os.environ) as context:
        explainer = context.require_tenant().explainer
        async for step in explainer.explain(url, await ConnectorStore(context.database).read()):
            failed = failed or not step.is_ok
            _print_step(step)
    return 1 if failed else 0


def _print_step(step: DiagnosisStep) -> None:
    mark = click.style("ok  ", fg="green") if step.is_ok else click.style("FAIL", fg="red")
    click.echo(f"{mark}  {step.title}: {step.detail}")
