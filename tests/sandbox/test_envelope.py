"""The conventions of the REST services, as docs/thron.md 1.2 to 1.4 have them."""

from datetime import UTC, datetime

import pytest

from proxy.sandbox.envelope import date, many
from tests.sandbox.conftest import Caller
from tests.sandbox.small import MANUAL, ROOT

CATEGORY = "/api/xcontents/resources/category/getCategory?clientId=sandbox&categoryId="


async def test_usual_fields(caller: Caller) -> None:
    """Answers are JSON, not to be stored, and vary by Accept and token."""
    answer = await caller.get(CATEGORY + ROOT)
    assert answer.media_type == "application/json"
    assert answer.fields["Cache-Control"] == "no-cache, no-store, no-transform"
    assert answer.fields["Vary"] == "Accept-Encoding,Accept,X-TOKENID"
    assert answer.fields["X-ORIGIN-HOST"]
    assert (answer.json["resultCode"], answer.json["ssoCode"]) == ("OK", "OK")
    assert "errorDescription" not in answer.json


async def test_jsonp(caller: Caller) -> None:
    """With callback the answer is a script; errors then come as 200 with a field."""
    answer = await caller.get(f"{CATEGORY}{ROOT}&callback=show")
    assert answer.media_type == "application/x-javascript"
    assert answer.body.startswith(b"show({")
    answer = await caller.plain(f"{CATEGORY}{ROOT}&callback=show")
    assert (answer.status, answer.fields["X-ERRORCODE"]) == (200, "403")


async def test_errors_with_a_status_are_text(caller: Caller) -> None:
    """What is raised with status and message has a text/plain body."""
    for answer in (
        await caller.plain(CATEGORY + ROOT),
        await caller.get("/api/xcontents/resources/content/detail?clientId=sandbox"),
        await caller.get("/api/xcontents/resources/no/such/service"),
    ):
        assert (answer.status in {400, 403, 404}, answer.media_type) == (True, "text/plain")


async def test_business_errors(caller: Caller) -> None:
    """A business exception is 418 with the ordinary envelope, not to be cached."""
    answer = await caller.get(f"{CATEGORY}no")
    assert (answer.status, answer.json["resultCode"]) == (418, "CATEGORY_NOT_EXISTS")
    assert "no-cache" in answer.fields["Cache-Control"]


async def test_token_field_in_any_case(caller: Caller) -> None:
    """The token's field has no case."""
    for name in ("X-TOKENID", "x-tokenid", "X-TokenId"):
        answer = await caller.ask("GET", CATEGORY + ROOT, headers={name: caller.token})
        assert answer.status == 200


async def test_unknown_arguments_are_ignored(caller: Caller) -> None:
    """Unknown properties of a body are ignored."""
    answer = await caller.search({"ids": MANUAL}, clientId="sandbox", what={"ever": 1})
    assert len(answer.json["items"]) == 1


@pytest.mark.parametrize(
    ("moment", "printed"),
    [
        (datetime(2024, 2, 11, 17, 48, 36, 17_000, tzinfo=UTC), "2024-02-11T17:48:36.017Z"),
        (datetime(2024, 1, 1, tzinfo=UTC), "2024-01-01T00:00:00.000Z"),
    ],
)
def test_date(moment: datetime, printed: str) -> None:
    """Times are printed with milliseconds, in UTC."""
    assert date(moment) == printed


@pytest.mark.parametrize(("value", "items"), [(None, []), ("a", ["a"]), (["a"], ["a"]), ([], [])])
def test_many(value: object, items: list[object]) -> None:
    """A single value is accepted for a list."""
    assert many(value) == items
