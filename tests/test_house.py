"""The house: which module stands on which floor, and what no module does (an ``ast`` walk).

A new module is entered in ``FLOORS``. It may import modules of its own floor and of those below,
as long as no circle comes of it.
"""

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from itertools import chain
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[1] / "proxy"
TESTS = Path(__file__).parent

# From the ground up. ``x.*`` is all of a package; a package's own name is its __init__.
FLOORS: Mapping[str, str] = {
    "ground": """
        proxy errors fairness remedies semantics semantics.* observe observe.log observe.metrics
        observe.front_detector observe.record observe.minutes observe.recent observe.traffic
        thron catalogue delivery
        """,
    # Plain values in, plain values out: these import nothing of ours but each other and ground.
    "rules": """
        thron.json_fields thron.exchange thron.envelope thron.error_answers thron.content
        thron.folder thron.listing thron.folder_messages thron.session_messages thron.messages
        thron.delivery_urls thron.silence thron.token_schedule thron.session thron.refusals
        catalogue.addressability catalogue.connector catalogue.connector_values
        catalogue.encryption delivery.pkey_suspicion
        catalogue.connector_form catalogue.connectors_document catalogue.paths
        catalogue.purge catalogue.changes catalogue.rows catalogue.tenant
        catalogue.entries catalogue.standing catalogue.lines catalogue.runs
        catalogue.folder_tree catalogue.census catalogue.metadata_choices
        oddities catalogue.content_record catalogue.links catalogue.line_urls catalogue.line_export
        """,
    "settings": "settings",
    "shells": """
        clock thron.client catalogue.schema catalogue.engine catalogue.secret_keys
        catalogue.database
        catalogue.link_tables catalogue.link_book
        catalogue.content_tables catalogue.doubt catalogue.content_queries catalogue.contents
        catalogue.known_contents catalogue.run_book catalogue.shapes catalogue.line_writing
        catalogue.removing catalogue.recording catalogue.broken_urls
        catalogue.polling catalogue.audit_retention
        delivery.admission delivery.batch delivery.bounded_cache delivery.breaker
        delivery.budget delivery.bulkhead delivery.collapse delivery.pace delivery.origin_hosts
        delivery.hops delivery.negative_cache delivery.outages delivery.redirect_collapse
        delivery.resolution
        observe.middleware observe.connection connection_limiter idle_connections listeners
        """,
    "session": "thron.tokens thron.patience thron.search",
    "wings": """
        catalogue.session_store catalogue.folder_listing catalogue.folder_sync
        catalogue.leadership catalogue.sync
        catalogue.survey catalogue.watch catalogue.purge_watch catalogue.plan
        catalogue.remembered catalogue.definitions catalogue.folders catalogue.censuses
        delivery.answer_fields delivery.deliveries delivery.lookup delivery.source_file
        catalogue.link_check delivery.link_probe
        delivery.origin delivery.relay delivery.resolver delivery.explain delivery.mode_trial
        delivery.retry
        delivery.courtesy delivery.suspicion delivery.upstream
        outbound probes report
        """,
    "story": "delivery.download",
    "composition": "app",
    "console": "console console.*",
    "gateway": "gateway check",
    "demo": "demo",
    "words": "cli __main__",
    # Beside the house: it imports nothing of ours.
    "sandbox": "sandbox sandbox.*",
}

NOT_PURE = frozenset(
    {"aiohttp", "asyncio", "logging", "os", "random", "socket", "sqlalchemy", "ssl"}
    | {"structlog", "subprocess", "threading", "time"}
)
CLOCKS = frozenset({("datetime", "now"), ("datetime", "utcnow"), ("date", "today")})

MAY_IMPORT_SANDBOX = frozenset({"cli", "demo"})

# Each catches whatever comes, and logs it or hands it on.
MAY_CATCH_ALL: Mapping[str, str] = {
    "observe.middleware": "a bug becomes a 500 and a traceback in the log",
    "thron.tokens": "the keeper's background loop goes on after a bug",
    "catalogue.link_check": "a bug ends the run, which tells it, and is logged",
    "catalogue.polling": "the background loop goes on after a bug",
    "console.faults": "a bug becomes a 500 and a traceback in the log",
    "catalogue.sync": "the listing of one folder is logged; the others go on",
    "delivery.batch": "the error is handed to everyone who waits for the batch",
}

# Modules (``x.*``: all of a package) without a test module of their name, and what holds them.
HELD_ELSEWHERE: Mapping[str, str] = {
    "sandbox.*": "its endpoints are held as a client meets them (tests/sandbox)",
    "clock": "one line; every test of what is dated meets it",
    "__main__": "one line; tests/test_secrets.py runs it",
    "app": "composition; every test of the whole connector opens it (tests/running.py)",
    "console.content_actions": "held by tests/console/pages/test_content.py",
    "console.link_checks": "held by tests/console/pages/test_links.py",
    "console.served": "held by tests/console/pages/test_contents.py",
    "console.overview_words": "texts alone; held by tests/console/test_words.py",
    "observe.record": "held by tests/observe/test_middleware.py",
    "catalogue.link_tables": "held by tests/catalogue/test_schema.py",
    "catalogue.link_book": "held by tests/catalogue/test_link_check.py",
    "catalogue.links": "held by tests/catalogue/test_link_check.py",
    "catalogue.content_queries": "held by tests/catalogue/test_contents.py, in both databases",
    "catalogue.content_record": "held by tests/catalogue/test_recording.py",
    "catalogue.content_tables": "held by tests/catalogue/test_schema.py",
    "catalogue.line_writing": "held by tests/catalogue/test_recording.py",
    "catalogue.lines": "held by tests/catalogue/test_contents.py",
    "catalogue.removing": "held by tests/catalogue/test_recording.py",
    "catalogue.runs": "held by tests/catalogue/test_run_book.py",
    "catalogue.rows": "held by tests/catalogue/test_database.py through both databases",
    "catalogue.tenant": "one value; held by tests/catalogue/test_database.py",
    "catalogue.connector_values": "held by tests/catalogue/test_connector_form.py",
    "console.admin_password": "held by tests/console/pages/test_entrance.py and test_security.py",
    "console.audit_pruning": "held by tests/catalogue/test_audit_retention.py",
    "console.cookies": "held by tests/console/pages/test_entrance.py and test_visit.py",
    "console.login": "held by tests/console/pages/test_entrance.py and test_security.py",
    "console.caller": "held by tests/console/test_access.py",
    "console.credentials": "held by tests/console/pages/test_connection.py and the resource's",
    "console.parts": "composition; every test of the console opens it",
    "console.problems": "held by tests/console/test_api.py",
    "console.server": "two tables; tests/console/test_access.py walks them",
    "console.store": "held by tests/console/test_sessions.py, test_machine_tokens.py and the pages",
    "console.validation": "held by tests/console/test_forms.py and test_api.py",
    "catalogue.definitions": "held by tests/catalogue/test_folders.py",
    "catalogue.remembered": "held by tests/catalogue/test_folders.py",
    "console.connector_words": "names; tests/console/test_words.py finds what is not translated",
    "console.connector_models": "held by tests/console/resources/test_connectors.py",
    "console.connector_saving": "held by tests/console/pages/test_connector_edit.py",
    "console.connector_facts": "held by tests/console/pages/test_connector_edit.py",
    "console.surveying": "held by tests/console/pages/test_connector_new.py",
    "console.pages.step_views": "held by tests/console/pages/test_connector_new.py",
    "thron.session": "values, and a store that keeps nothing; held by tests/thron/test_tokens.py",
    "thron.folder": "held by tests/thron/test_messages.py",
    "thron.folder_messages": "held by tests/thron/test_messages.py",
    "delivery.resolution": "two values without behaviour",
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
    """Return the floor of every module that the table knows."""
    found: dict[str, int] = {}
    for number, entered in enumerate(FLOORS.values()):
        for entry in entered.split():
            for module in _entered(entry):
                assert module not in found, f"{module} stands twice in FLOORS"
                found[module] = number
    return found


def _entered(entry: str) -> list[str]:
    """Return the modules that an entry of a table means."""
    package = entry.removesuffix(".*")
    return [m for m in modules() if m.startswith(package + ".")] if entry != package else [entry]


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
    return module in FLOORS["rules"].split() or module.startswith("semantics.")


def _calls(tree: ast.AST) -> Iterator[ast.expr]:
    return (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))


def test_every_module_has_one_floor() -> None:
    """The table of floors names every module once, and nothing that is not there."""
    homeless = sorted(modules().keys() - floors().keys())
    assert not homeless, f"enter in FLOORS of tests/test_house.py, from the ground up: {homeless}"
    gone = sorted(floors().keys() - modules().keys())
    assert not gone, f"take out of FLOORS of tests/test_house.py: {gone}"


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
    assert not [name for name in ours(module) if not (_is_pure(name) or name == "errors")]
    called = [f for f in _calls(modules()[module]) if isinstance(f, ast.Attribute)]
    read = [(f.value.id, f.attr) for f in called if isinstance(f.value, ast.Name)]
    assert not CLOCKS.intersection(read), "the time comes in as an argument"


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
    for module in (name for name in modules() if name.startswith("thron")):
        assert not [name for name in ours(module) if not name.startswith(("thron", "errors"))]


def test_only_the_composition_root_makes_parts() -> None:
    """Clients, databases and token keepers are made in ``app`` alone."""
    makers = {"ClientSession": {"outbound"}, "TokenKeeper": {"app"}, "Client": {"app"}}
    for module, tree in modules().items():
        if not module.startswith("sandbox"):
            called = {f.id if isinstance(f, ast.Name) else _attr(f) for f in _calls(tree)}
            for made in called & makers.keys():
                assert module in makers[made], f"{module} makes a {made}"


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
        if any("mock" in name for name in _imported(tree))
        or any(arg.arg == "monkeypatch" for arg in ast.walk(tree) if isinstance(arg, ast.arg))
    ]
    assert not mocking


def test_tests_mirror_the_house() -> None:
    """A module's tests live where its name says, or HELD_ELSEWHERE says where."""
    gone = [entry for entry in HELD_ELSEWHERE if not set(_entered(entry)) & modules().keys()]
    assert not gone, "HELD_ELSEWHERE names what is gone"
    held = {module for entry in HELD_ELSEWHERE for module in _entered(entry)}
    packages = {_name(path) for path in HOUSE.rglob("__init__.py")}
    missing = [
        f"{module}: {_test_of(module).relative_to(TESTS.parent)}"
        for module in sorted(modules().keys() - packages - held)
        if not _test_of(module).exists()
    ]
    assert not missing, "\n".join(["write these, or give HELD_ELSEWHERE a reason:", *missing])


def _test_of(module: str) -> Path:
    *folders, name = module.split(".")
    return TESTS.joinpath(*folders, f"test_{name}.py")


def test_every_test_module_has_its_room() -> None:
    """A test module of a wing is named for a module of that wing, or for what runs across it."""
    across = {"whole", "test_static_nginx", "test_variations", "test_messages"}
    for wing in ("semantics", "thron", "catalogue", "observe"):
        for path in (TESTS / wing).rglob("test_*.py"):
            module = f"{wing}.{path.stem.removeprefix('test_')}"
            assert module in modules() or path.stem in across, path
