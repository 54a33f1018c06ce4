"""The demo: sandbox, connector and three sample connectors on loopback, with URLs to try."""

import shlex
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import click
from pydantic import SecretStr

from proxy.app.gateway import Gateway, open_gateway
from proxy.connectors import addresses as paths
from proxy.connectors.identifiers import claims
from proxy.connectors.model import Connector, Disposition, Identifier
from proxy.connectors.store import ConnectorStore
from proxy.errors import ConfigurationError
from proxy.sandbox.manifest import LIBRARY
from proxy.sandbox.server import Sandbox
from proxy.server.listeners import bind
from proxy.settings import Listen, Settings
from proxy.tenant import Tenant
from proxy.thron.content import Content

_HOST = "127.0.0.1"
_USUAL_PORT = 8080
# Of each connector so many contents are shown: one of each type first, in this order.
_SHOWN = 3
_TYPES = ("VIDEO", "IMAGE", "OTHER", "AUDIO")
_NAMED = {
    Identifier.CONTENT_ID: "content ID",
    Identifier.PRETTY_ID: "prettyID, one for each language",
    Identifier.METADATA: "their metadata {0}",
}


@dataclass(frozen=True, slots=True)
class Sample:
    """One URL to try, and the file name to save it under."""

    content_id: str
    title: str
    url: str
    file_name: str

    @property
    def curl(self) -> str:
        """The line to paste into a shell."""
        return f"curl -fo {shlex.quote(self.file_name)} {shlex.quote(self.url)}"


@dataclass(frozen=True, slots=True)
class SampleConnector:
    """One connector of the demo: its illustrative address, and some of its public contents."""

    connector: Connector
    pattern: str
    contents: int
    samples: tuple[Sample, ...]

    @property
    def browser_url(self) -> str:
        """The first sample's URL, such that a browser shows it rather than saves it."""
        is_shown = self.connector.disposition is Disposition.INLINE
        return self.samples[0].url + ("" if is_shown else "?inline")


@dataclass(frozen=True, slots=True)
class Demo:
    """The running demo; ``library`` is the directory of the files that are served."""

    sandbox: Sandbox
    gateway: Gateway
    connectors: tuple[SampleConnector, ...]
    library: Path


@asynccontextmanager
async def open_demo(*, library: Path | None, port: int | None, state: Path) -> AsyncIterator[Demo]:
    """Run sandbox and connector until the end of the block.

    Args:
        library: A directory of the user's own files, or None for the shipped one.
        port: Of the public listener, the admin listener taking the next; 0 for any two; None for
            the usual ones if they are free, else any two.
        state: Where the database is kept.

    Raises:
        ConfigurationError: The port is taken, or the directory has no files.
    """
    chosen = _port(port)
    async with Sandbox(library=library) as sandbox:
        settings = Settings(
            client_id=sandbox.client_id,
            app_id=sandbox.app_id,
            app_key=SecretStr(sandbox.app_key),
            api_url=sandbox.api_url,
            cdn_url=sandbox.cdn_url,
            origin_hosts=(_HOST,),
            listen=Listen(host=_HOST, port=chosen),
            admin_listen=Listen(host=_HOST, port=chosen + 1 if chosen else 0),
            drain_s=0,
            log_level="warning",
        )
        async with open_gateway(settings, {"STATE_DIRECTORY": str(state)}) as gateway:
            tenant = gateway.context.tenant
            if tenant is None:
                raise ConfigurationError(["the sandbox gave no credentials"])
            found = await _with_contents(tenant, sandbox.root_folder_id)
            if not found:
                problem = f"--library: {library} has no files; name another directory"
                raise ConfigurationError([problem])
            store = ConnectorStore(gateway.context.database)
            await store.apply([each for each, _ in found], actor="demo")
            await gateway.watch.refresh()
            samples = tuple(
                _sample_connector(connector, contents, gateway.public_url)
                for connector, contents in found
            )
            yield Demo(sandbox, gateway, samples, (library or LIBRARY / "files").absolute())


def describe(demo: Demo) -> str:
    """Return what the demo prints: what runs, and what to paste where."""
    lines = [
        "The connector runs, in front of a simulated THRON. Nothing leaves this machine.",
        f"The files are those of {demo.library}",
        "",
    ]
    for each in demo.connectors:
        connector = each.connector
        by = _NAMED[connector.identifier].format(connector.metadata)
        lines += [
            f"{click.style(connector.slug, bold=True)}: {each.contents} contents by {by}",
            f"  {each.pattern}",
            *(f"    {sample.curl}" for sample in each.samples),
            f"  In a browser: {each.browser_url}",
            "",
        ]
    admin = demo.gateway.admin_url
    lines += [
        f"The console, signed in: {demo.gateway.demo_url()}",
        f"Health: {admin}/readyz   Metrics: {admin}/metrics",
        "Stop with Ctrl-C.",
        "",
    ]
    return "\n".join(lines)


def _port(asked: int | None) -> int:
    """Return the port to listen on, 0 for any.

    Raises:
        ConfigurationError: The port that was asked for, or the next one, is taken.
    """
    if asked == 0:
        return 0
    port = _USUAL_PORT if asked is None else asked
    try:
        for number in (port, port + 1):
            bind(Listen(host=_HOST, port=number), setting="--port").close()
    except ConfigurationError:
        if asked is not None:
            raise
        return 0
    return port


async def _with_contents(
    tenant: Tenant, folder_id: str
) -> list[tuple[Connector, Sequence[Content]]]:
    """Return the sample connectors that this library has contents for, each with them."""
    found: list[tuple[Connector, Sequence[Content]]] = []
    for sample in (
        Connector(slug="files", folder=folder_id, identifier=Identifier.CONTENT_ID),
        Connector(
            slug="media",
            folder=folder_id,
            identifier=Identifier.PRETTY_ID,
            disposition=Disposition.INLINE,
        ),
        Connector(
            slug="products", folder=folder_id, identifier=Identifier.METADATA, metadata="sku"
        ),
    ):
        try:
            connector = (await tenant.previewer.resolve(sample))[0]
        except ConfigurationError:
            continue  # a library of one's own files has no custom metadata
        contents = [
            content
            async for content in tenant.previewer.contents(connector)
            if claims(connector, content)
        ]
        if contents:
            found.append((connector, contents))
    return found


def _sample_connector(
    connector: Connector, contents: Sequence[Content], base: str
) -> SampleConnector:
    # One of each type first, then the others in THRON's order.
    firsts = {content.content_type: content for content in reversed(contents)}
    chosen = [firsts[kind] for kind in _TYPES if kind in firsts]
    chosen += [content for content in contents if content not in chosen]
    samples = []
    for content in chosen[:_SHOWN]:
        claim = claims(connector, content)[0]
        name = content.file_name or content.id
        url = paths.public_url(
            base, connector, language=claim.language, value=claim.value, file_name=name
        )
        title = content.titles[0].text if content.titles else content.id
        samples.append(Sample(content.id, title, url, Path(name).name))
    return SampleConnector(
        connector=connector,
        pattern="".join(part.text for part in paths.illustrative(base, connector)),
        contents=len(contents),
        samples=tuple(samples),
    )
