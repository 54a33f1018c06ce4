"""The handbook names what there is, its links lead somewhere, and its commands work as printed."""

import ast
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import asyncpg  # type: ignore[import-untyped] # it ships no types
import click
import pytest

from proxy import errors
from proxy.catalogue.collisions import AddressStatus
from proxy.catalogue.database import Database
from proxy.cli import main
from proxy.connectors.model import Connector, Identifier
from proxy.connectors.store import ConnectorStore
from proxy.settings import Settings, env_name
from tests.ports import free_port
from tests.running import Running
from tests.waiting import PATIENCE_S

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    str(path.relative_to(ROOT))
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "deploy").rglob("*"))
    if path.is_file() and path.name != "CHANGELOG.md"  # which names what there was, too
)
PROSE = [page for page in PAGES if page.endswith(".md")]
HANDBOOK = [
    f"docs/{name}.md"
    for name in (
        *("addresses", "backup", "caches", "connect", "connectors", "console"),
        *("delivery", "faq", "install"),
        *("monitoring", "production", "quick-start", "security", "settings", "site", "sizing"),
        *("troubleshooting", "upgrade"),
    )
]

_FENCED = re.compile(r"^( *)```([\w ]*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
_QUOTED = re.compile(r"`([^`\n]+)`")
# What the connector says is in these marks, in the handbook alone.
_SAID = re.compile(r"“([^”]+)”")
_LINK = re.compile(r"\]\(([^)]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@cache
def text(page: str) -> str:
    """Return a page of the repository."""
    return (ROOT / page).read_text("utf-8")


def _blocks(page: str, kind: str) -> list[str]:
    """Return the fenced blocks of a kind, without the indent that they have in a list."""
    return [
        re.sub(rf"^{indent}", "", body, flags=re.MULTILINE)
        for indent, info, body in _FENCED.findall(text(page))
        if info == kind
    ]


@pytest.mark.parametrize("page", PAGES)
def test_settings_exist(page: str) -> None:
    """Every setting that is named is one, or a file that holds one."""
    known = {env_name(name) for name in Settings.model_fields} | {"TDC_CONFIG"}
    named = set(re.findall(r"\bTDC_[A-Z_]*[A-Z]\b", text(page)))
    assert not {each for each in named if not {each, each.removesuffix("_FILE")} & known}


async def test_every_metric_is_named(connector: Running) -> None:
    """The handbook names every metric that is exposed, and no page names another."""
    async with connector.http.get(f"{connector.gateway.admin_url}/metrics") as answer:
        exposed = set(
            re.findall(r"^# TYPE (thron_connector_\w+)", await answer.text(), re.MULTILINE)
        )
    exposed = {each for each in exposed if not each.endswith("_created")}
    for page in PROSE:
        named = set(re.findall(r"\bthron_connector_\w+", text(page)))
        assert not named - exposed, page
    assert set(re.findall(r"`(thron_connector_\w+)`", text("docs/production.md"))) == exposed


@pytest.mark.parametrize("page", PROSE)
def test_commands_exist(page: str) -> None:
    """Every command that is shown exists, and takes the options that it is shown with."""
    lines = [
        *_QUOTED.findall(_FENCED.sub("", text(page))),
        *(line for _, _, body in _FENCED.findall(text(page)) for line in body.splitlines()),
    ]
    wrong = [line for line in lines for words in _invocations(line) if not _is_command(words)]
    assert not wrong


def _invocations(line: str) -> Iterator[list[str]]:
    """Yield what follows the name of the program, wherever a line runs it."""
    for found in re.finditer(
        r"(?:^|bin/|-- |until )thron-connector ([a-z-][^|;&>#]*)", line.strip()
    ):
        yield shlex.split(re.sub(r"[\[\]<\\]", " ", found[1]))


def _is_command(words: list[str]) -> bool:
    command: click.Command = main
    context = click.Context(main)
    while words and isinstance(command, click.Group) and not words[0].startswith("-"):
        found = command.get_command(context, words.pop(0))
        if found is None:
            return False
        command = found
    known = {name for each in command.get_params(context) for name in each.opts}
    return {word.partition("=")[0] for word in words if word.startswith("-")} <= known | {"--help"}


@pytest.mark.parametrize("page", HANDBOOK)
def test_what_the_connector_says(page: str) -> None:
    """What the handbook quotes of the connector's words is in the code so."""
    assert not [said for said in _SAID.findall(text(page)) if not _is_in_code(said)]


def test_every_step_of_the_check_is_explained() -> None:
    """Every line that ``check`` may print is in the handbook by its title."""
    trees = [ast.parse(path.read_text("utf-8")) for path in (ROOT / "proxy/check").glob("*.py")]
    titles = {
        str(call.args[0].value)
        for tree in trees
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and call.args and isinstance(call.args[0], ast.Constant)
        if isinstance(call.func, ast.Name) and call.func.id.endswith("Step")
    }
    assert len(titles) > 5
    assert not titles - set(_QUOTED.findall(text("docs/connect.md")))


@cache
def _texts() -> tuple[str, ...]:
    """Return every text of the code; between the values that are put into them, too."""
    return tuple(
        node.value
        for path in (ROOT / "proxy").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _is_in_code(words: str) -> bool:
    return any(words in each for each in _texts())


def test_every_error_is_explained() -> None:
    """The table of errors has every text that a client may read, with its statuses."""
    table = text("docs/troubleshooting.md").split("<!-- errors -->")[1].split("<!-- /errors")[0]
    rows = re.findall(r"^\| ([\d, ]+) \| “(.+?)” \|", table, re.MULTILINE)
    told = {words: {int(each) for each in statuses.split(",")} for statuses, words in rows}
    classes = [each for each in vars(errors).values() if isinstance(each, type)]
    known: dict[str, set[int]] = {}
    for each in classes:
        if issubclass(each, errors.GatewayError):
            known.setdefault(each.public, set()).add(each.status)
    assert told.keys() == known.keys()
    # An instance may know better than its class, so that more may be told.
    assert not [words for words, statuses in told.items() if not statuses & known[words]]


def test_every_warning_is_explained() -> None:
    """Every warning and error of the log is in the handbook, and no other event."""
    section = text("docs/troubleshooting.md").split("## The log warns")[1].split("\n## ")[0]
    cells = re.findall(r"^\| (`.+?`) \|", section, re.MULTILINE)
    named = {event for cell in cells for event in _QUOTED.findall(cell)}
    assert not _warnings() - named
    assert not named - set(_texts())


def _warnings() -> set[str]:
    return {
        str(call.args[0].value)
        for path in (ROOT / "proxy").rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr in {"warning", "error", "exception"}
        and call.args
        and isinstance(call.args[0], ast.Constant)
    }


def test_statuses_are_explained() -> None:
    """Every status of the table of URLs is explained."""
    section = text("docs/addresses.md").split("| status | means |")[1].split("\n## ")[0]
    named = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
    assert sorted(named) == sorted(AddressStatus)


@pytest.mark.parametrize("page", PROSE)
def test_links_lead_somewhere(page: str) -> None:
    """A link within the repository leads to a file, and to a heading where it names one."""
    for link in _LINK.findall(_FENCED.sub("", text(page))):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.exists(), link
        if anchor:
            headings = _HEADING.findall(_FENCED.sub("", target.read_text("utf-8")))
            assert anchor in {_anchor(each) for each in headings}, link


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_the_readme_leads_to_every_page() -> None:
    """Whoever begins at the README finds the whole handbook."""
    assert not [page for page in HANDBOOK if f"({page})" not in text("README.md")]


def test_sizing_counts_with_what_was_measured() -> None:
    """Every figure that is taken from the bench has a row there."""
    named = re.findall(r"\| R, \*(.+?)\* \|", text("docs/sizing.md"))
    rows = re.findall(r"^\| (.+?) \|", text("tests/bench/RESULTS.md"), re.MULTILINE)
    assert len(named) > 5
    assert not [name for name in named if not any(row.startswith(name) for row in rows)]


def test_pictures_are_small() -> None:
    """The README stays quick to open."""
    pictures = list((ROOT / "docs" / "images").iterdir())
    assert pictures
    assert not [each for each in pictures if each.stat().st_size > 150_000]


def test_quick_start_works_as_printed(tmp_path: Path) -> None:
    """The commands of the quick start do what they say, one after the other."""
    _run(_blocks("docs/quick-start.md", "sh run"), tmp_path)
    assert (tmp_path / "film.mp4").stat().st_size > (tmp_path / "part").stat().st_size == 1000
    assert "strada-sl-film" in (tmp_path / "urls.csv").read_text("utf-8")


def test_a_whole_site_works_as_printed(tmp_path: Path) -> None:
    """The commands from nothing to HTTPS behind Varnish do what they say; each panel has data."""
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    scraping = tmp_path / "deploy" / "monitoring" / "prometheus.yml"
    scraping.write_text(scraping.read_text("utf-8").replace("15s", "1s"), "utf-8")
    *blocks, stop = _blocks("docs/site.md", "sh run")
    # A failure, and an address that is remembered.
    more = "curl -sS --cacert site.crt -o more https://localhost:8443/brochures/en/"
    more = f"{more}none\n{more}strada-sl-film/another.mp4"
    panels = f"cd {ROOT} && {sys.executable} -m tests.deploy.panels http://127.0.0.1:9090"
    _run([*blocks, more, f"({panels})", stop], tmp_path)
    assert (tmp_path / "film.mp4").stat().st_size > (tmp_path / "part").stat().st_size == 1000


KEPT = Connector(slug="kept", folder="press", identifier=Identifier.CONTENT_ID, folder_id="1")


async def test_back_up_is_restored(tmp_path: Path) -> None:
    """The commands of the back-up bring the connectors back."""
    url = f"sqlite:///{tmp_path}/connector.db"
    async with Database.open(url) as database:
        await ConnectorStore(database).apply([KEPT], actor="test")
    back_up, restore = _blocks("docs/backup.md", "sh run")
    later = "thron-connector connectors remove --yes kept"
    _run([back_up, later, restore], tmp_path)
    async with Database.open(url) as database:
        assert (await ConnectorStore(database).read()).all == (KEPT,)


async def test_postgresql_is_restored(postgres_socket: Path, tmp_path: Path) -> None:
    """The same with PostgreSQL, into an empty database."""
    server = await asyncpg.connect(host=str(postgres_socket), user="postgres")
    for name in ("backed_up", "restored"):
        await server.execute(f"CREATE DATABASE {name}")
    await server.close()
    before, after = (
        f"postgresql://postgres@/{name}?host={postgres_socket}"
        for name in ("backed_up", "restored")
    )
    async with Database.open(before) as database:
        await ConnectorStore(database).apply([KEPT], actor="test")
    printed = "postgresql://connector@db.example.com/connector"
    back_up, restore = _blocks("docs/backup.md", "sh run postgresql")
    _run([back_up.replace(printed, before), restore.replace(printed, after)], tmp_path)
    async with Database.open(after) as database:
        assert (await ConnectorStore(database).read()).all == (KEPT,)


_PORTS = ("8080", "8081", "6081", "8443", "8888", "9090")
# Which name some of them.
_RECIPES = ("deploy/varnish.vcl", "deploy/monitoring/prometheus.yml")


def _run(blocks: list[str], home: Path) -> None:
    """Run blocks as one script in a directory, on free ports in place of the usual ones."""
    # What a block left running ends with the script, also where that fails.
    script = "\n".join(["trap 'kill $(jobs -p) 2> /dev/null || true' EXIT", *blocks])
    ports = {usual: str(free_port()) for usual in _PORTS}
    script = _on_ports(script, ports)
    for name in _RECIPES:
        if (recipe := home / name).exists():
            recipe.write_text(_on_ports(recipe.read_text("utf-8"), ports), "utf-8")
    with subprocess.Popen(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=home,
        env={
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}:/usr/sbin",
            "HOME": str(home),
            "STATE_DIRECTORY": str(home),
            "TDC_LISTEN": f"127.0.0.1:{ports['8080']}",
            "TDC_ADMIN_LISTEN": f"127.0.0.1:{ports['8081']}",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as shell:
        try:
            said, _ = shell.communicate(timeout=2 * PATIENCE_S)
        except subprocess.TimeoutExpired:  # it waits for what will not come, with servers behind it
            os.killpg(shell.pid, signal.SIGKILL)
            said, _ = shell.communicate()
    assert shell.returncode == 0, said


def _on_ports(text: str, ports: Mapping[str, str]) -> str:
    return re.sub(r"\b(?:{})\b".format("|".join(ports)), lambda found: ports[found[0]], text)
