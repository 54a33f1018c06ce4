"""The switches, one for each unknown."""

from dataclasses import asdict, fields
from typing import Any

import pytest

from proxy.sandbox.server import Sandbox
from proxy.sandbox.switches import Switches
from tests.sandbox.conftest import Caller
from tests.sandbox.small import MANUAL


def test_every_switch_has_a_source() -> None:
    """Each names the section that leaves the matter open."""
    assert all(switch.metadata["source"] for switch in fields(Switches))


def test_all_flipped() -> None:
    """Flipping all changes every switch that has another reading."""
    usual, flipped = asdict(Switches()), asdict(Switches.all_flipped())
    changed = {name for name in usual if usual[name] != flipped[name]}
    assert changed == {name for name, _ in Switches.flips()}


@pytest.mark.parametrize(
    ("name", "other"),
    [pytest.param(name, other, id=f"{name}={other}") for name, other in Switches.flips()],
)
async def test_flipped_one_by_one(caller: Caller, thron: Sandbox, name: str, other: Any) -> None:
    """With any switch flipped every service answers in a defined way."""
    setattr(thron.switches, name, other)
    source = "/api/xadmin/resources/content/downloadSource?clientId=sandbox&xcontentId="
    answers = [
        await caller.login(),
        await caller.search({}, "locales", "prettyIds", "imetadata", "linkedCategoryIds"),
        await caller.get(f"/api/xcontents/resources/content/detail?contentId={MANUAL}"),
        await caller.plain(caller.delivery("document", MANUAL, "WEB", "x")),
        await caller.get(source + MANUAL, Range="bytes=0-1"),
    ]
    assert all(answer.status < 500 for answer in answers)
    assert answers[3].status == thron.switches.redirect_status
