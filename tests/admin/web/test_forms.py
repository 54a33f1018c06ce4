"""A posted form becomes a value, or comes back with every problem beside its field."""

from enum import StrEnum
from typing import Annotated, Any

import pytest
from multidict import MultiDict
from pydantic import AfterValidator, BaseModel, Field, SecretStr

from proxy.admin.validation import Wrong
from proxy.admin.web.forms import WHOLE, blank, filled, read
from proxy.text import Text


class Kind(StrEnum):
    """Of a thing."""

    SMALL = "small"
    LARGE = "large"


def _not_bad(value: str) -> str:
    if value == "bad":
        raise Wrong(Text("That is {what}.", what="bad"))
    if value == "worse":
        raise ValueError("That is worse.")
    return value


class Thing(BaseModel):
    """What a form means."""

    name: Annotated[str, Field(min_length=1, max_length=8), AfterValidator(_not_bad)]
    key: SecretStr = Field(min_length=1)
    kind: Kind = Kind.SMALL
    kinds: frozenset[Kind] = Field(default=frozenset({Kind.SMALL}), min_length=1)
    number: int = Field(default=3, ge=1, le=9)
    is_on: bool = False
    note: str | None = None


GOOD = {"name": "a", "key": " k ", "kinds": "small"}


def test_a_good_form() -> None:
    """A form without problems is its value; blanks around count in secrets only."""
    form = read(MultiDict({**GOOD, "name": " a ", "is_on": "on", "note": " ", "csrf": "x"}), Thing)
    value = form.value
    assert value is not None
    assert (value.name, value.key.get_secret_value(), value.note) == ("a", " k ", None)
    assert (value.is_on, value.number, value.kinds) == (True, 3, frozenset({Kind.SMALL}))


def test_several_values() -> None:
    """A field may be there several times, and a box that is not ticked is not there."""
    form = read(MultiDict([*GOOD.items(), ("kinds", "large")]), Thing)
    assert form.value is not None
    assert form.value.kinds == frozenset(Kind)
    assert form.value.is_on is False
    assert form.has("kinds", "large")
    assert not form.has("is_on")


@pytest.mark.parametrize(
    ("name", "typed", "said"),
    [
        pytest.param("name", "", "Fill this in.", id="blank"),
        pytest.param("name", "123456789", "At most 8 characters.", id="too long"),
        pytest.param("name", "bad", "That is bad.", id="a rule of ours"),
        pytest.param("name", "worse", "That is worse.", id="a rule in English"),
        pytest.param("key", "", "Fill this in.", id="blank secret"),
        pytest.param("kind", "huge", "Choose one of these.", id="no choice"),
        pytest.param("kinds", "huge", "Choose one of these.", id="no choice of several"),
        pytest.param("number", "x", "Enter a whole number.", id="no number"),
        pytest.param("number", "0", "Enter 1 or more.", id="too small"),
        pytest.param("number", "10", "Enter 9 or less.", id="too large"),
    ],
)
def test_problems(name: str, typed: str, said: str) -> None:
    """What is wrong is said beside the field, and what was typed stays."""
    form = read(MultiDict({**GOOD, name: typed}), Thing)
    assert form.value is None
    assert [str(text) for text in form.wrong(name)] == [said]
    assert form.text(name) == ("" if name == "key" else typed)


def test_every_problem_at_once() -> None:
    """All problems are said together."""
    form = read(MultiDict({"number": "x", "kind": "y"}), Thing)
    assert form.problems.keys() == {"name", "key", "kinds", "number", "kind"}
    assert [str(text) for text in form.wrong("kinds")] == ["Choose at least one."]


def test_secrets_are_not_repeated() -> None:
    """No page repeats a secret that was typed, and no repr shows it."""
    form = read(MultiDict({**GOOD, "key": "s3cret", "number": "x"}), Thing)
    assert "s3cret" not in repr(form)
    assert "s3cret" not in repr(read(MultiDict({**GOOD, "key": "s3cret"}), Thing))
    assert form.text("key") == ""


def test_files_are_no_text() -> None:
    """What is uploaded in place of a text counts as nothing."""
    form = read(MultiDict[Any]({**GOOD, "name": object()}), Thing)
    assert [str(text) for text in form.wrong("name")] == ["Fill this in."]


def test_a_problem_found_later() -> None:
    """A problem that only the work itself finds is said as the others are."""
    form = read(MultiDict(GOOD), Thing).with_problem(Text("Taken."), field="name")
    form = form.with_problem(Text("Not now."))
    assert form.value is None
    assert [str(text) for text in (*form.wrong("name"), *form.wrong(WHOLE))] == [
        "Taken.",
        "Not now.",
    ]


def test_filled() -> None:
    """A value is shown as it would be typed, without its secrets."""
    thing = Thing(name="a", key=SecretStr("s3cret"), kinds=frozenset({Kind.LARGE}), is_on=True)
    form = filled(thing)
    assert (form.text("name"), form.text("number"), form.text("note")) == ("a", "3", "")
    assert form.has("kinds", "large")
    assert form.has("is_on")
    assert form.text("key") == ""
    assert not blank().problems
