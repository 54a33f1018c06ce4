"""The API's table: what comes in is checked, and what is wrong is a problem as RFC 9457 has it."""

import io
from typing import Any

import pytest

from tests.admin.nouns import OPERATIONS
from tests.admin.visitor import Visitor


@pytest.mark.parametrize(
    ("content", "status", "problems"),
    [
        pytest.param({"name": ""}, 422, {"name": "Fill this in."}, id="blank"),
        pytest.param({}, 422, {"name": "Fill this in."}, id="missing"),
        pytest.param({"name": "a", "admin": True}, 422, {"admin": "Unknown field."}, id="unknown"),
        pytest.param(
            {"name": "x" * 101, "can_change": "perhaps"},
            422,
            {"name": "At most 100 characters.", "can_change": "Choose one of these."},
            id="all at once",
        ),
        pytest.param([], 422, None, id="no object"),
    ],
)
async def test_content(
    admin: Visitor, content: Any, status: int, problems: dict[str, str] | None
) -> None:
    """Every value that cannot be taken is named."""
    page = await admin.call("POST", "/api/tokens", content)
    assert page.status == status
    assert page.fields["Content-Type"] == "application/problem+json"
    if problems is not None:
        found = {each["field"]: each["detail"] for each in page.json["problems"]}
        assert found == problems


async def test_no_json(admin: Visitor) -> None:
    """What is no JSON is a bad request, and another media type is not read at all."""
    fields = {"X-CSRF-Token": admin.csrf, "Content-Type": "application/json"}
    page = await admin.ask("POST", "/api/tokens", fields=fields, data=b"{")
    assert page.status == 400
    fields["Content-Type"] = "text/plain"
    page = await admin.ask("POST", "/api/tokens", fields=fields, data=b'{"name": "a"}')
    assert page.status == 415


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=x", "before=0", "limit=1&limit=2", "x=1"]
)
async def test_query(admin: Visitor, query: str) -> None:
    """A query is checked too."""
    assert (await admin.call("GET", f"/api/audit?{query}")).status == 422


async def test_too_much(admin: Visitor) -> None:
    """More than a mebibyte is no call."""
    fields = {"X-CSRF-Token": admin.csrf, "Content-Type": "application/json"}
    content = io.BytesIO(b'{"name": "' + b"x" * 2_000_000 + b'"}')
    page = await admin.ask("POST", "/api/tokens", fields=fields, data=content)
    assert page.status == 413


async def test_nothing_is_stored_by_caches(admin: Visitor) -> None:
    """Answers of the API are nobody else's."""
    assert (await admin.call("GET", "/api/tokens")).fields["Cache-Control"] == "no-store"
    assert (await admin.call("GET", "/api/nothing")).fields["Cache-Control"] == "no-store"


def test_names() -> None:
    """Each operation has a name and a route of its own."""
    assert len({each.name for each in OPERATIONS}) == len(OPERATIONS)
    assert len({(each.method, each.path) for each in OPERATIONS}) == len(OPERATIONS)
