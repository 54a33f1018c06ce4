"""What the connector says to clients, machines and operators is what it said before."""

import asyncio
import difflib

import pytest

from tests.recorded.recording import DATA, ROOT, recordings

NAMES = sorted(each.name for each in DATA.iterdir())


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return asyncio.run(recordings(ROOT, tmp_path_factory.mktemp("state")))


def test_every_recording_is_compared(found: dict[str, str]) -> None:
    """Nothing is recorded, or kept, without the other."""
    assert sorted(found) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_as_recorded(found: dict[str, str], name: str) -> None:
    """Every answer is as it was, byte for byte.

    A change that is meant is recorded by ``python -m tests.recorded``, and named in the README.
    """
    kept = (DATA / name).read_text("utf-8")
    if found[name] != kept:
        lines = difflib.unified_diff(_lines(kept), _lines(found[name]), "recorded", "now", n=4)
        pytest.fail("\n".join(lines), pytrace=False)


def _lines(text: str) -> list[str]:
    return text.replace("},{", "},\n{").split("\n")
