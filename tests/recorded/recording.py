"""Makes every recording of a connector: the tree of its code is an argument."""

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from argon2 import PasswordHasher

from proxy.sandbox.faults import Fault
from proxy.sandbox.server import Sandbox
from tests.admin.visitor import PASSWORD, Visitor
from tests.process import beside, environ_for
from tests.recorded.exchange import Request, answered
from tests.recorded.library import library
from tests.recorded.requests import API, FAILING, MADE, PAGES, PUBLIC
from tests.waiting import until

ROOT = Path(__file__).parents[2]
DATA = Path(__file__).with_name("data")
_HEADING = "=== "

# Prints the help of every command, as `thron-connector` itself would.
_HELP = """
import click
from click.testing import CliRunner
from proxy.cli import main

def each(command, names):
    yield names
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=names[-1])
        for name in command.list_commands(context):
            yield from each(command.get_command(context, name), [*names, name])

for names in each(main, ["thron-connector"]):
    words = [*names[1:], "--help"]
    print("=== " + " ".join([names[0], *words]))
    print(CliRunner().invoke(main, words, prog_name=names[0]).output)
"""


@dataclass(frozen=True, slots=True)
class Running:
    """A connector that runs, its THRON, and the secrets of its console."""

    thron: Sandbox
    public: str
    admin: str
    secrets: Mapping[str, str]

    async def recorded(self, requests: Iterable[Request], *, at: str) -> str:
        """Return the answers to some requests, in their order."""
        told = []
        for request in requests:
            answer = await answered(request, at, dict(self.secrets))
            told.append(f"{_HEADING}{request.name}\n{answer}\n")
        return "\n".join(told)


async def help_texts(tree: Path) -> str:
    """Return the help of every command."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _HELP),
        cwd=tree,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(tree), "COLUMNS": "80"},
        stdout=asyncio.subprocess.PIPE,
    )
    told, _ = await process.communicate()
    return told.decode()


async def recordings(tree: Path, state: Path) -> dict[str, str]:
    """Return every recording by the name of its file.

    Args:
        tree: Where the package ``proxy`` is.
        state: An empty directory.
    """
    found = {"help.txt": await help_texts(tree)}
    async with _running(tree, state) as connector:
        found["connectors_made.http"] = await connector.recorded(MADE, at=connector.admin)
        await _listed(connector)
        found["public.http"] = await connector.recorded(PUBLIC, at=connector.public)
        found["failing.http"] = await _failing(connector)
        await _noted(connector)
        found["pages.http"] = _without_words(await connector.recorded(PAGES, at=connector.admin))
        found["openapi.json"] = await _openapi(connector)
        found["metrics.txt"] = await _metrics(connector)
        found["api.http"] = await connector.recorded(API, at=connector.admin)
    return found


@asynccontextmanager
async def _running(tree: Path, state: Path) -> AsyncIterator[Running]:
    password = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    async with Sandbox(library=library()) as thron:
        environ = {
            **environ_for(thron, state),
            "TDC_LISTEN": "127.0.0.1:0",
            "TDC_ADMIN_LISTEN": "127.0.0.1:0",
            "TDC_DRAIN_S": "0",
            "TDC_PUBLIC_URL": "https://dl.example.com",
            "TDC_TRUSTED_PROXIES": "127.0.0.1",
            "TDC_ADMIN_PASSWORD_HASH": password,
            # What is remembered stays so, however long a busy machine takes.
            "TDC_RESOLUTION_TTL_S": "3600",
            "TDC_NEGATIVE_TTL_S": "3600",
            "PYTHONPATH": str(tree),
        }
        async with beside("serve", environ=environ, tree=tree) as process:
            listening = await asyncio.to_thread(process.event, "listening")
            public, admin = listening["public"], listening["admin"]
            yield Running(thron, public, admin, await _secrets(f"http://{admin}"))


async def _secrets(admin: str) -> dict[str, str]:
    """Sign in, and return a session's cookie, a token that may change, and one that may read."""
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as http:
        visitor = Visitor(http, admin)
        await visitor.sign_in()
        found = {}
        for name, can_change in (("token", True), ("reader", False)):
            content = {"name": name, "can_change": can_change}
            page = await visitor.call("POST", "/api/tokens", content)
            found[name] = page.json["secret"]
        cookies = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
        return {**found, "session": cookies}


async def _json(connector: Running, path: str) -> Any:
    url = f"http://{connector.admin}{path}"
    fields = {"Authorization": f"Bearer {connector.secrets['token']}"}
    async with aiohttp.ClientSession() as http, http.get(url, headers=fields) as response:
        return await response.json()


async def _listed(connector: Running) -> None:
    """Wait until the catalogue has the contents of every connector."""

    async def is_listed() -> bool:
        states = (await _json(connector, "/api/connectors"))["items"]
        return all(each["contents"] is not None for each in states if each["connector"]["enabled"])

    await until(is_listed)


async def _noted(connector: Running) -> None:
    """Download one more content, and wait until the table knows what was downloaded so far."""
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"http://{connector.public}/media/en/ailing-00") as response,
    ):
        assert response.status == 200

    async def is_known() -> bool:
        rows = await _json(connector, "/api/connectors/media/urls?q=ailing-00&language=en")
        return rows["items"][0]["size"] is not None

    await until(is_known)


async def _failing(connector: Running) -> str:
    told = []
    for fault, request in FAILING:
        connector.thron.faults.add(fault)
        answer = await connector.recorded([request], at=connector.public)
        connector.thron.faults.clear()
        told.append(answer.replace("\n", f" | {_words(fault)}\n", 1))
    return "\n".join(told)


def _words(fault: Fault) -> str:
    status = f" {fault.status}" if fault.status else ""
    times = "" if fault.times is None else " once"
    return f"{fault.where}: {fault.kind}{status}{times}"


def _without_words(recorded: str) -> str:
    """Leave the texts of pages out, and what follows from their length."""
    parts = []
    for part in re.split(f"^(?={_HEADING})", recorded, flags=re.MULTILINE):
        head, _, body = part.partition("\n\n")
        if "Content-Type: text/html" in head:
            head, body = re.sub(r"\nContent-Length: .*", "", head), "<page>\n\n"
        parts.append(f"{head}\n\n{body}")
    return "".join(parts)


async def _openapi(connector: Running) -> str:
    """Return the document with every schema in its place, so that their names do not matter."""
    document = await _json(connector, "/api/openapi.json")
    schemas = document["components"].pop("schemas")
    document["info"].pop("version")
    return json.dumps(_inlined(document, schemas), indent=1, sort_keys=True) + "\n"


def _inlined(value: Any, schemas: Mapping[str, Any]) -> Any:
    if isinstance(value, list):
        return [_inlined(each, schemas) for each in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        name = value["$ref"].rpartition("/")[2]
        beside = {key: each for key, each in value.items() if key != "$ref"}
        return _inlined({**schemas[name], **beside}, schemas)
    # Of a schema the title is the name of its class, and the description that class's docstring.
    is_schema = not value.keys().isdisjoint({"type", "anyOf", "enum"})
    return {
        key: _inlined(each, schemas)
        for key, each in value.items()
        if not (is_schema and key in {"title", "description"} and isinstance(each, str))
    }


async def _metrics(connector: Running) -> str:
    """Return the names, types and labels of the metrics, without their values."""
    url = f"http://{connector.admin}/metrics"
    async with aiohttp.ClientSession() as http, http.get(url) as response:
        lines = (await response.text()).splitlines()
    named = {line if line.startswith("#") else line.rpartition(" ")[0] for line in lines}
    return "".join(f"{line}\n" for line in sorted(named))
