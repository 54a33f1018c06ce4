"""The house: which package stands on which floor, and what no module does (an ``ast`` walk).

A module stands on the floor of the longest entry that its name begins with, so a new module needs
no entry. It may import modules of its own floor and of those below, as long as no circle comes of
it.
"""

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from itertools import chain
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[1] / "proxy"
TESTS = Path(__file__).parent

# From the ground up.
FLOORS: Mapping[str, str] = {
    "ground": "clock errors fairness hints semantics spelling telemetry text settings",
    # Plain values in, plain values out: these import no runtime and no clock.
    "rules": """
        backoff thron connectors catalogue.url_entries catalogue.encryption check.content_warnings
        """,
    "stores": "thron.client catalogue connectors.store server idle_connections",
    "services": """
        thron.token_keeper thron.retry thron.search connectors.service connectors.preview
        connectors.folders connectors.folder_statistics_cache
        connectors.metadata_definitions connectors.broken_urls connectors.ttl_value
        catalogue.folder_listing catalogue.session_store
        edge server.probes
        """,
    "wings": "catalogue.sync catalogue.folder_sync delivery link_check tenant check",
    "console": "admin",
    "composition": "app workers",
    "demo": "demo",
    "commands": "cli commands __main__",
    "sandbox": "sandbox",  # beside the house: it imports nothing of ours
}

NOT_PURE = frozenset(
    {"aiohttp", "asyncio", "logging", "os", "random", "socket", "sqlalchemy", "ssl"}
    | {"structlog", "subprocess", "threading", "time"}
)
CLOCKS = frozenset({("datetime", "now"), ("datetime", "utcnow"), ("date", "today")})

MAY_IMPORT_SANDBOX = frozenset({"commands.simulation", "demo"})

# Each catches whatever comes, and logs it or hands it on.
MAY_CATCH_ALL: Mapping[str, str] = {
    "telemetry.middleware": "a bug becomes a 500 and a traceback in the log",
    "thron.token_keeper": "the keeper's background loop goes on after a bug",
    "link_check.run": "a bug ends the run, which tells it, and is logged",
    "catalogue.polling": "the background loop goes on after a bug",
    "admin.error_middleware": "a bug becomes a 500 and a traceback in the log",
    "server.deferred_application": "what cannot be imported is a 503 and a traceback",
    "catalogue.sync": "the listing of one folder is logged; the others go on",
    "delivery.batch_loader": "the error is handed to everyone who waits for the batch",
}

NO_NAMES = frozenset({"utils", "util", "helpers", "common", "base", "core", "manager", "misc"})


@cache
def modules() -> Mapping[str, ast.Module]:
    """Return every module of the house by its name below ``proxy``."""
    return {_name(path): ast.parse(path.read_text("utf-8")) for path in HOUSE.rglob("*.py")}


def _name(path: Path) -> str:
    parts = path.relative_to(HOUSE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__") or "proxy"


@cache
def floors() -> Mapping[str, int]:
    """Return the floor of every module; a package's own __init__ is the ground's."""
    floor = {entry: number for number, line in enumerate(FLOORS.values()) for entry in line.split()}
    packages = {_name(path) for path in HOUSE.rglob("__init__.py")}
    return {module: 0 if module in packages else floor[_entry(module)] for module in modules()}


def _entry(module: str) -> str:
    """Return the longest entry of FLOORS that a module's name begins with."""
    entries = [entry for line in FLOORS.values() for entry in line.split()]
    fitting = [entry for entry in entries if f"{module}.".startswith(f"{entry}.")]
    assert fitting, f"{module} has no floor: enter it, or its package, in FLOORS"
    return max(fitting, key=len)


def ours(module: str) -> frozenset[str]:
    """Return the modules of the house that a module imports."""
    return frozenset(_ours(modules()[module])) - {module}


def _ours(tree: ast.AST) -> Iterator[str]:
    for whole in _imported(tree):
        if whole.partition(".")[0] == "proxy":
            name = whole.removeprefix("proxy.")
            # ``from proxy.x import y``: y is a module, or a name that x holds.
            yield name if name in modules() else name.rpartition(".")[0] or "proxy"


def theirs(module: str) -> frozenset[str]:
    """Return the top-level packages of others that a module imports."""
    return frozenset(name.partition(".")[0] for name in _imported(modules()[module])) - {"proxy"}


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are written in full"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _is_pure(module: str) -> bool:
    return module.startswith("semantics.") or floors()[module] == [*FLOORS].index("rules")


def _calls(tree: ast.AST) -> Iterator[ast.expr]:
    return (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))


def test_floors_name_what_there_is() -> None:
    """Every entry of FLOORS is the one that some module stands by."""
    entries = {entry for line in FLOORS.values() for entry in line.split()}
    used = {_entry(module) for module in modules() if module != "proxy"}
    assert not entries - used, "take out of FLOORS"


@pytest.mark.parametrize("module", sorted(floors()))
def test_no_import_climbs(module: str) -> None:
    """A module imports from its own floor and from those below."""
    own = floors()[module]
    climbing = sorted(name for name in ours(module) if floors().get(name, own) > own)
    if module in MAY_IMPORT_SANDBOX:
        climbing = [name for name in climbing if not name.startswith("sandbox")]
    assert not climbing, f"{module} ({[*FLOORS][own]}) reaches up to {climbing}"


def test_no_circle() -> None:
    """No module imports itself by way of others."""
    try:
        TopologicalSorter({module: ours(module) for module in modules()}).prepare()
    except CycleError as exc:
        pytest.fail(f"a circle: {' -> '.join(exc.args[1])}")


def test_packages_are_folders() -> None:
    """A package's __init__ imports nothing, so that importing one room opens no other."""
    packages = [_name(path) for path in HOUSE.rglob("__init__.py")]
    assert not [name for name in packages if ours(name) or theirs(name)]


def test_no_import_hides_from_the_interpreter() -> None:
    """Nothing is imported for type checkers alone, which would hide a climb or a circle."""
    trees = chain(modules().items(), _tests().items())
    hidden = [name for name, tree in trees if _names(tree) & {"TYPE_CHECKING"}]
    assert not hidden


def _names(tree: ast.AST) -> frozenset[str]:
    nodes = list(ast.walk(tree))
    return frozenset(node.id for node in nodes if isinstance(node, ast.Name)) | frozenset(
        node.attr for node in nodes if isinstance(node, ast.Attribute)
    )


@pytest.mark.parametrize("module", sorted(name for name in modules() if _is_pure(name)))
def test_pure_modules_do_no_io(module: str) -> None:
    """A pure module imports no runtime, no clock and nothing of ours that does."""
    assert not theirs(module) & NOT_PURE
    plain = {"errors", "spelling", "text"}
    assert not [name for name in ours(module) if not (_is_pure(name) or name in plain)]
    called = [f for f in _calls(modules()[module]) if isinstance(f, ast.Attribute)]
    read = [(f.value.id, f.attr) for f in called if isinstance(f.value, ast.Name)]
    assert not CLOCKS.intersection(read), "the time comes in as an argument"


def test_a_class_name_means_one_thing() -> None:
    """No two classes have one name; the sandbox has names of its own."""
    names = Counter(
        node.name
        for module, tree in modules().items()
        if not module.startswith("sandbox")
        for node in tree.body
        if isinstance(node, ast.ClassDef)
    )
    assert not [name for name, number in names.items() if number > 1]


def test_semantics_know_nothing_of_ours() -> None:
    """HTTP's rules import each other only."""
    rules = [name for name in modules() if name.startswith("semantics")]
    assert not [m for m in rules if any(not n.startswith("semantics") for n in ours(m))]


def test_sandbox_shares_nothing() -> None:
    """The sandbox imports nothing of ours, and only commands import it."""
    for module in modules():
        if module.startswith("sandbox"):
            assert not [name for name in ours(module) if not name.startswith("sandbox")], module
        elif module not in MAY_IMPORT_SANDBOX:
            assert not [name for name in ours(module) if name.startswith("sandbox")], module


def test_thron_knows_nothing_of_delivery() -> None:
    """What knows THRON's API does not know what it is asked for."""
    below = ("thron", "errors", "backoff", "semantics", "text")
    for module in (name for name in modules() if name.startswith("thron")):
        assert not [name for name in ours(module) if not name.startswith(below)]


def test_only_the_composition_root_makes_parts() -> None:
    """Clients, databases and token keepers are made in ``app.tenant`` alone."""
    made = {"ClientSession", "TokenKeeper", "Client"}
    for module, tree in modules().items():
        if not module.startswith("sandbox") and module != "app.tenant":
            called = {f.id if isinstance(f, ast.Name) else _attr(f) for f in _calls(tree)}
            assert not called & made, module


def _attr(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else ""


def test_files_are_named_for_their_noun() -> None:
    """No file is a drawer."""
    names = {path.stem for path in chain(HOUSE.rglob("*"), TESTS.rglob("*"))}
    assert not {name.removeprefix("test_") for name in names} & NO_NAMES


def test_every_module_opens_with_a_sentence() -> None:
    """A module says in its docstring what it is."""
    assert not [name for name, tree in modules().items() if not ast.get_docstring(tree)]


def test_only_named_modules_catch_everything() -> None:
    """A bug is caught where it is logged or handed on, and nowhere else."""
    catching = {name for name, tree in modules().items() if any(_catches_all(tree))}
    assert catching == MAY_CATCH_ALL.keys(), "see MAY_CATCH_ALL in tests/test_house.py"


def _catches_all(tree: ast.AST) -> Iterator[bool]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and not _raises_it_again(node):
            yield node.type is None or bool(_names(node.type) & {"Exception", "BaseException"})
        elif isinstance(node, ast.Call) and "suppress" in _names(node.func):
            yield any(_names(arg) & {"Exception", "BaseException"} for arg in node.args)


def _raises_it_again(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def test_nothing_prints() -> None:
    """Events are logged, and commands answer through click."""
    printing = [
        name
        for name, tree in modules().items()
        if any(isinstance(f, ast.Name) and f.id == "print" for f in _calls(tree))
    ]
    assert not printing


@cache
def _tests() -> Mapping[str, ast.Module]:
    return {
        str(path.relative_to(TESTS)): ast.parse(path.read_text("utf-8"))
        for path in TESTS.rglob("*.py")
    }


def test_every_test_says_what_holds() -> None:
    """Every test function has a docstring."""
    silent = [
        f"{file}:{node.lineno} {node.name}"
        for file, tree in _tests().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
    ]
    assert not silent


def test_nothing_is_patched() -> None:
    """Tests use real servers and plain values, never mocks."""
    mocking = [
        file
        for file, tree in _tests().items()
        if any(part.endswith("mock") for name in _imported(tree) for part in name.split("."))
        or any(arg.arg == "monkeypatch" for arg in ast.walk(tree) if isinstance(arg, ast.arg))
    ]
    assert not mocking


def test_every_module_has_its_tests() -> None:
    """A module has the test module of its name, or a test imports it, or a tested module does.

    The sandbox's endpoints are held as a client meets them, in tests/sandbox, and the migrations,
    which Alembic loads, in tests/catalogue/test_migrate.py.
    """
    imported = {name for tree in _tests().values() for name in _ours(tree)}
    tested = imported | {module for module in modules() if _test_of(module).exists()}
    used = {name for module in tested & modules().keys() for name in ours(module)}
    packages = {_name(path) for path in HOUSE.rglob("__init__.py")}
    elsewhere = ("sandbox", "catalogue.migrations.")
    rooms = {m for m in modules() if not m.startswith(elsewhere)} - packages - {"__main__"}
    untested = sorted(rooms - tested - used)
    assert not untested


def _test_of(module: str) -> Path:
    *folders, name = module.split(".")
    return TESTS.joinpath(*folders, f"test_{name}.py")


def test_every_test_module_has_its_room() -> None:
    """A test module beside the house's own is named for a module, or for what runs across it."""
    across = {"optional_whitespace", "whole", "every_key", "static_nginx", "variations", "messages"}
    for path in (TESTS / wing for wing in ("semantics", "thron", "connectors", "telemetry")):
        for test in path.rglob("test_*.py"):
            name = test.stem.removeprefix("test_")
            assert f"{path.name}.{name}" in modules() or name in across, test
