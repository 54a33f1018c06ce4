"""Folders, metadata and surveys through the API."""

import asyncio

from tests.admin.visitor import Visitor
from tests.running import Running
from tests.waiting import PATIENCE_S


async def test_folders(admin: Visitor) -> None:
    """The application's folder and those right below it come first; others by what is above."""
    page = await admin.call("GET", "/api/folders")
    names = [each["name"] for each in page.json["items"]]
    assert names[0] == "Brand portal"
    assert "Films" in names
    films = next(each for each in page.json["items"] if each["name"] == "Films")
    assert (films["path"], films["has_folders"]) == (["Brand portal"], True)
    below = await admin.call("GET", f"/api/folders?below={films['id']}&language=it")
    assert below.json["items"]
    found = await admin.call("GET", "/api/folders?search=music")
    assert [each["name"] for each in found.json["items"]] == ["Music and voices"]
    assert (await admin.call("GET", "/api/folders?below=nowhere")).status == 404


async def test_metadata(admin: Visitor) -> None:
    """The best come first, in the language that is asked for."""
    page = await admin.call("GET", "/api/metadata-definitions?language=it")
    found = page.json["items"]
    assert (found[0]["key"], found[0]["fitness"], found[0]["metadata_type"]) == (
        "sku",
        "key",
        "KEY",
    )
    assert "free_code" in {each["key"] for each in found}


async def test_survey(connector: Running, admin: Visitor) -> None:
    """A folder is counted by type and by identifier, for the types that are asked for."""
    root = connector.thron.root_folder_id
    async with asyncio.timeout(PATIENCE_S):
        page = await admin.call("GET", f"/api/survey?folder={root}")
        while not page.json["is_done"]:
            page = await admin.call("GET", f"/api/survey?folder={root}")
    found = page.json
    assert (found["is_partial"], found["problem"]) == (False, None)
    by_id = next(each for each in found["identifiers"] if each["identifier"] == "content_id")
    assert (
        by_id["have"]
        == by_id["contents"]
        == sum(each["published"] for each in found["content_types"])
    )
    images = next(each for each in found["content_types"] if each["content_type"] == "image")
    page = await admin.call("GET", f"/api/survey?folder={root}&content_types=image")
    assert page.json["identifiers"][0]["contents"] == images["published"]
    page = await admin.call(
        "GET", f"/api/survey?folder={root}&content_types=image&content_types=video"
    )
    assert page.json["identifiers"][0]["contents"] > images["published"]
    assert (await admin.call("GET", "/api/survey?folder=nowhere")).status == 404
    assert (await admin.call("GET", "/api/survey")).status == 422


async def test_they_are_nobodys_business(nobody: Visitor) -> None:
    """Without signing in nothing is told."""
    for path in ("folders", "metadata-definitions", "survey"):
        assert (await nobody.call("GET", f"/api/{path}")).status == 401
