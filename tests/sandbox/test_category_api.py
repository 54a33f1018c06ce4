"""Folders, as docs/thron.md 5 has them."""

import pytest

from tests.sandbox.conftest import Caller
from tests.sandbox.small import ARCHIVE, MANUALS, OUTSIDE, ROOT, TOP

GET = "/api/xcontents/resources/category/getCategory?clientId=sandbox"
FIND = "/api/xcontents/resources/category/findByProperties2"


@pytest.mark.parametrize("key", [ROOT, "products"])
async def test_get_category(caller: Caller, key: str) -> None:
    """A folder is named by id or prettyId; without cascade nothing hangs below it."""
    category = (await caller.get(f"{GET}&categoryId={key}")).json["category"]
    assert category["id"] == ROOT
    assert category["locales"][1] == {"locale": "IT", "name": "Prodotti"}
    assert category["prettyIds"] == [{"id": "products", "locale": "EN"}]
    assert category["ancestorIds"] == [TOP]
    assert category["upCategoryId"] == TOP
    assert "linkedCategories" not in category


async def test_cascade(caller: Caller) -> None:
    """With cascade the tree hangs in linkedCategories, level by level."""
    category = (await caller.get(f"{GET}&categoryId={ROOT}&cascade=true")).json["category"]
    below = category["linkedCategories"][0]
    assert below["id"] == MANUALS
    assert below["linkedCategories"][0]["id"] == ARCHIVE
    assert below["linkedCategories"][0]["ancestorIds"] == [TOP, ROOT, MANUALS]


@pytest.mark.parametrize("key", [OUTSIDE, TOP, "nothing"])
async def test_invisible(caller: Caller, key: str) -> None:
    """What is not below the application's root does not exist for it."""
    answer = await caller.get(f"{GET}&categoryId={key}")
    assert (answer.status, answer.json["resultCode"]) == (418, "CATEGORY_NOT_EXISTS")


async def test_find(caller: Caller) -> None:
    """Folders are listed with their counts, below an ancestor, by offset."""
    body = {
        "client": {"clientId": "sandbox"},
        "properties": {"childOf": ROOT},
        "categoryFieldOption": {
            "returnNumberOfContents": True,
            "returnNumberOfSubCategories": True,
            "returnTotalResults": True,
        },
        "numberOfResult": 50,
    }
    answer = (await caller.post(FIND, body)).json
    found = {one["category"]["id"]: one for one in answer["categories"]}
    assert set(found) == {MANUALS, ARCHIVE}
    assert found[MANUALS]["numberOfContents"] == 1
    assert found[MANUALS]["numberOfSubCategories"] == 1
    assert answer["totalResults"] == 2
    second = (await caller.post(FIND, {**body, "offset": 1})).json
    assert len(second["categories"]) == 1


async def test_find_by_text(caller: Caller) -> None:
    """Folders are found by a part of their name; those outside are not."""
    body = {"client": {"clientId": "sandbox"}, "properties": {"textSearch": "PROD"}}
    found = (await caller.post(FIND, body)).json["categories"]
    assert [one["category"]["id"] for one in found] == [ROOT]
