"""The document of the sandbox names every switch and every fault that there is."""

import re
from dataclasses import fields
from pathlib import Path
from typing import get_args

from proxy.sandbox.faults import Kind, Where
from proxy.sandbox.switches import Switches

DOCUMENT = Path(__file__).parents[2] / "docs" / "sandbox.md"
_MARKED = re.compile(r"(<!-- switches -->\n).*?(<!-- /switches -->)", re.DOTALL)


def switches_in_markdown() -> str:
    """Return the switches as a table in Markdown."""
    rows = [
        f"| `{each.name}` | {_readings(each.default, each.metadata['flipped'])} |"
        f" {each.metadata['source']} |"
        for each in fields(Switches)
    ]
    return "\n".join(["| switch | readings | section |", "|---|---|---|", *rows, ""])


def _readings(default: object, flipped: tuple[object, ...]) -> str:
    return ", ".join(f"`{each}`" for each in (default, *flipped))


def test_switches_are_documented() -> None:
    """The table holds exactly the switches; run this module to write it anew."""
    found = _MARKED.search(DOCUMENT.read_text("utf-8"))
    assert found is not None
    remedy = "run: .venv/bin/python -m tests.sandbox.test_document"
    assert found[0] == f"{found[1]}{switches_in_markdown()}{found[2]}", remedy


def test_faults_are_documented() -> None:
    """Every kind of fault stands in the document, and every place where it may strike."""
    text = DOCUMENT.read_text("utf-8")
    named = {*Kind, *get_args(Where)}
    assert {each for each in named if f"`{each}`" not in text} == set()


if __name__ == "__main__":
    DOCUMENT.write_text(
        _MARKED.sub(
            lambda found: f"{found[1]}{switches_in_markdown()}{found[2]}",
            DOCUMENT.read_text("utf-8"),
        ),
        "utf-8",
    )
