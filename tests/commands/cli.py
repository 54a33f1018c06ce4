"""The commands as tests run them: in this process, or as one of their own."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from click.testing import CliRunner

from proxy.catalogue.database import Database
from proxy.cli import main
from proxy.sandbox.server import Sandbox
from tests.logs import logged

FILM = "strada-sl-film"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended."""

    status: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Cli:
    """Runs commands against a sandbox, with a state directory of its own."""

    thron: Sandbox
    state: Path
    environ: dict[str, str]

    async def run(self, *words: str, typed: str = "", **environ: str) -> Outcome:
        """Run a command in this process, in a thread beside the sandbox."""

        def invoked() -> Outcome:
            with logged():
                result = CliRunner(env={**_nothing_set(), **self.environ, **environ}).invoke(
                    main, words, input=typed
                )
            assert isinstance(result.exception, SystemExit | None), result.exception
            return Outcome(result.exit_code, result.stdout, result.stderr)

        return await asyncio.to_thread(invoked)

    async def apply(self, toml: str, *words: str, typed: str = "", **environ: str) -> Outcome:
        """Apply a document."""
        file = self.state / "connectors.toml"
        file.write_text(toml)
        return await self.run("connectors", "apply", str(file), *words, typed=typed, **environ)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Database]:
        """Open the database that the commands use."""
        async with Database.open(f"sqlite:///{self.state}/connector.db") as database:
            yield database


def _nothing_set() -> dict[str, None]:
    """Unset what the environment of the tests has of settings."""
    return {name: None for name in os.environ if name.startswith("TDC_")}


def document(thron: Sandbox, *slugs: str, **more: Any) -> str:
    """Return connectors on the root folder as TOML."""
    values = {"folder": thron.root_folder_id, "identifier": "content_id", **more}
    lines = "\n".join(f"{name} = {_toml(value)}" for name, value in values.items())
    return "\n".join(f'[[connector]]\nslug = "{slug}"\n{lines}\n' for slug in slugs)


def _toml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool | int) else orjson.dumps(value).decode()


@asynccontextmanager
async def started(
    words: Sequence[str], environ: dict[str, str]
) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "proxy", *words),
        env={"PATH": os.environ["PATH"], **environ},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def ran(words: str, environ: dict[str, str]) -> Outcome:
    async with started(words.split(), environ) as process:
        out, err = await process.communicate()
        assert process.returncode is not None
        return Outcome(process.returncode, out.decode(), err.decode())
