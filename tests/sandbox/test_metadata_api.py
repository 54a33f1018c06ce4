"""Definitions of custom metadata, as docs/thron.md 6 has them."""

from tests.sandbox.conftest import Caller
from tests.sandbox.small import PRODUCT

X = "/api/xintelligence/resources"


async def test_classifications(caller: Caller) -> None:
    """Classifications are listed, the active ones alone if asked for."""
    answer = await caller.post(f"{X}/classification/list/sandbox", {})
    assert [one["id"] for one in answer.json["items"]] == [PRODUCT, "c2"]
    assert answer.json["items"][0]["names"][1] == {"lang": "IT", "label": "Prodotto"}
    body = {"criteria": {"active": True}, "limit": 50, "offset": 0}
    answer = await caller.post(f"{X}/classification/list/sandbox", body)
    assert answer.json["totalResults"] == 1
    assert (await caller.get(f"{X}/classification/listGet/sandbox")).json["totalResults"] == 2


async def test_definitions(caller: Caller) -> None:
    """Definitions of a classification are listed by POST and by listGet."""
    path = f"sandbox/{PRODUCT}"
    answer = await caller.post(f"{X}/imetadatadefinition/list/{path}", {})
    assert [one["key"] for one in answer.json["items"]] == ["sku", "note", "gone"]
    assert answer.json["items"][0] == {
        "id": "d1",
        "key": "sku",
        "metadataType": "KEY",
        "names": [{"lang": "EN", "label": "SKU"}],
        "visible": True,
        "removed": False,
        "constraints": {"applicableTo": ["CONTENT"]},
        "inferred": False,
    }
    body = {"criteria": {"metadataType": ["KEY"], "removed": False}}
    answer = await caller.post(f"{X}/imetadatadefinition/list/{path}", body)
    assert answer.json["totalResults"] == 1
    answer = await caller.get(f"{X}/imetadatadefinition/listGet/{path}?text=not&offset=0&limit=5")
    assert [one["key"] for one in answer.json["items"]] == ["note"]


async def test_unknown_classification(caller: Caller) -> None:
    """A classification that does not exist is a business error."""
    answer = await caller.post(f"{X}/imetadatadefinition/list/sandbox/no", {})
    assert (answer.status, answer.json["resultCode"]) == (418, "CLASSIFICATION_NOT_FOUND")


async def test_loose_definitions(caller: Caller) -> None:
    """Definitions without a classification have a service of their own."""
    answer = await caller.post(f"{X}/metadatadefinition/list/sandbox", {})
    assert [one["key"] for one in answer.json["items"]] == ["loose"]


async def test_legacy_metadata(caller: Caller) -> None:
    """The tenant's properties name the legacy metadata."""
    path = "/api/xcontents/resources/client/detailClient?clientId=sandbox"
    answer = await caller.get(path)
    listed = answer.json["client"]["properties"]["customMetadatas"]
    assert [one["name"] for one in listed] == ["line", "sku"]
