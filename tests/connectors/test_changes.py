"""How connectors differ, and what keeps them from standing side by side."""

import subprocess
import sys

from proxy.connectors.changes import Changes, compare, conflicts, differences, state_of
from proxy.connectors.model import Connector, Identifier
from proxy.thron.content import ContentType

OLD = Connector(
    slug="skus",
    folder="brochures",
    folder_id="f-1",
    identifier=Identifier.METADATA,
    metadata="sku",
    classification_id="c-1",
)


def test_compare() -> None:
    """A connector is new, different, or as it was."""
    new, changed, same = (
        OLD.model_copy(update={"slug": slug}) for slug in ("new", "changed", "same")
    )
    known = {
        each.slug: each for each in (changed, same, OLD.model_copy(update={"slug": "left-alone"}))
    }
    wanted = [new, changed.model_copy(update={"max_age_s": 1}), same]
    assert compare(known, wanted) == Changes(("new",), ("changed",), ("same",))


def test_conflicts() -> None:
    """One slug or one host for two connectors is a problem, also with those that stay."""
    one = OLD.model_copy(update={"slug": "one", "host": "m.example.com"})
    two = OLD.model_copy(update={"slug": "two", "host": "m.example.com"})
    assert conflicts({}, [one]) == ()
    assert conflicts({"one": one}, [one.model_copy(update={"host": None}), two]) == ()
    assert [each.text for each in conflicts({}, [one.model_copy(update={"host": None})] * 2)] == [
        "connector one: this slug is there twice.",
    ]
    (problem,) = conflicts({"one": one}, [two])
    assert problem.text.startswith("host m.example.com: one and two want it")
    assert problem.text.endswith(" connector.")
    assert problem.slugs == ("one", "two")
    (twice,) = conflicts({}, [one.model_copy(update={"host": None})] * 2)
    assert twice.slugs == ("one",)


def test_differences() -> None:
    """Differences are plain values, fit for JSON."""
    new = OLD.model_copy(update={"max_age_s": 1, "content_types": frozenset({ContentType.IMAGE})})
    assert differences(OLD, new) == {
        "max_age_s": {"old": 300, "new": 1},
        "content_types": {"old": ["AUDIO", "IMAGE", "OTHER", "VIDEO"], "new": ["IMAGE"]},
    }
    assert differences(None, OLD)["slug"] == {"old": None, "new": "skus"}
    assert differences(OLD, None)["slug"] == {"old": "skus", "new": None}
    assert differences(OLD, OLD) == {}


def test_state() -> None:
    """Any change makes another state, and what is the same has the same."""
    assert state_of(OLD) == state_of(OLD.model_copy())
    assert state_of(OLD) != state_of(OLD.model_copy(update={"max_age_s": 1}))


def test_state_in_another_process() -> None:
    """Every process gives the same, though each has an order of its own for a set."""
    said = "from tests.connectors.test_changes import OLD, state_of; print(state_of(OLD))"

    def told(seed: str) -> str:
        environ = {"PYTHONHASHSEED": seed}
        ran = subprocess.run(
            [sys.executable, "-c", said], env=environ, capture_output=True, text=True, check=True
        )
        return ran.stdout.strip()

    assert {told("1"), told("2"), told("3")} == {state_of(OLD)}
