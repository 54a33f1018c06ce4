"""The summary table by the API."""

import csv
import io
import json

import pytest

from tests.admin.visitor import Visitor
from tests.listed import listed
from tests.running import Running

PATH = "/api/connectors/media/urls"


@pytest.fixture
async def filled(connector: Running) -> Running:
    """Fill the catalogue of ``media`` and ``products``."""
    await listed(connector, "media", "products")
    return connector


async def test_page(filled: Running, admin: Visitor) -> None:
    """A page tells its lines, and how many there are."""
    page = (await admin.call("GET", f"{PATH}?q=strada-sl-film&language=en")).json
    (line,) = page["items"]
    content = filled.thron.tenant.find("strada-sl-film")
    assert (page["total"], page["page"], page["size"]) == (1, 1, 50)
    base = filled.gateway.context.settings.public_base
    assert line["url"] == f"{base}/media/en/strada-sl-film"
    assert (line["content_id"], line["status"], line["serves"]) == (content.id, "ok", True)


async def test_the_same_as_the_page(filled: Running, admin: Visitor) -> None:  # noqa: ARG001 - filled first
    """Search, filter, sort and paging are those of the page."""
    query = "type=IMAGE&type=VIDEO&status=ok&sort=identifier&order=desc&size=3"
    pages = [(await admin.call("GET", f"{PATH}?{query}&page={page}")).json for page in (1, 2)]
    found = [each["identifier"] for page in pages for each in page["items"]]
    assert found == sorted(found, reverse=True)
    assert len(found) == 6
    assert {each["content_type"] for page in pages for each in page["items"]} <= {"IMAGE", "VIDEO"}


async def test_counts(filled: Running, admin: Visitor) -> None:  # noqa: ARG001 - filled first
    """The counts are those of the table."""
    counts = (await admin.call("GET", f"{PATH}/count")).json
    total = (await admin.call("GET", f"{PATH}?size=1")).json["total"]
    assert counts["lines"] == total == sum(counts["by_status"].values())


async def test_collisions(filled: Running, admin: Visitor) -> None:  # noqa: ARG001 - filled first
    """Contested addresses are told, the content that has one first."""
    (found,) = (await admin.call("GET", "/api/connectors/products/collisions")).json["items"]
    assert found["value"] == "VA-SHARED"
    assert [each["serves"] for each in found["items"]] == [True, False]


async def test_export_csv(filled: Running, admin: Visitor) -> None:  # noqa: ARG001 - filled first
    """CSV has every line that is shown, none of them a formula, by a name to save it under."""
    answer = await admin.call("GET", f"{PATH}/export?bom=on")
    assert answer.fields["Content-Disposition"] == 'attachment; filename="media.csv"'
    records = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"), newline="")))
    total = (await admin.call("GET", f"{PATH}?size=1")).json["total"]
    assert len(records) == total + 1
    assert not [cell for each in records for cell in each if cell[:1] in {"=", "+", "-", "@"}]
    assert any(cell.startswith("'=HYPERLINK") for each in records for cell in each)


async def test_export_json(filled: Running, admin: Visitor) -> None:  # noqa: ARG001 - filled first
    """JSON has the lines that the same query lists, each value as it is."""
    query = "q=hyperlink&names=on"
    whole = json.loads((await admin.call("GET", f"{PATH}/export?format=json&{query}")).text)
    page = (await admin.call("GET", f"{PATH}?{query}")).json
    assert [each["url"] for each in whole] == [each["url"] for each in page["items"]]
    assert whole[0]["title"].startswith("=HYPERLINK")


async def test_export_text(filled: Running, admin: Visitor) -> None:
    """Text has one URL a line, and each of them works."""
    answer = await admin.call("GET", f"{PATH}/export?format=txt&type=IMAGE")
    urls = answer.text.splitlines()
    assert len(urls) > 2
    for url in urls:
        assert (await filled.ask("HEAD", url)).status == 200


async def test_export_of_chosen_lines(filled: Running, admin: Visitor) -> None:  # noqa: ARG001 - filled first
    """An export may be of some lines by their numbers."""
    items = (await admin.call("GET", f"{PATH}?size=5")).json["items"]
    chosen = "&".join(f"number={each['number']}" for each in items[1:3])
    answer = await admin.call("GET", f"{PATH}/export?format=json&{chosen}")
    assert [each["content_id"] for each in answer.json] == [
        each["content_id"] for each in items[1:3]
    ]
    one = await admin.call("GET", f"{PATH}/export?format=json&number={items[0]['number']}")
    assert len(one.json) == 1


async def test_export_is_compressed(filled: Running, admin: Visitor) -> None:  # noqa: ARG001 - filled first
    """An export is packed for who takes it so, and streamed without a length."""
    answer = await admin.get(f"{PATH}/export", Accept_Encoding="gzip")
    assert "Content-Length" not in answer.fields


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/connectors/none/urls", 404),
        ("/api/connectors/none/urls/count", 404),
        ("/api/connectors/none/urls/export", 404),
        ("/api/connectors/none/collisions", 404),
        (f"{PATH}?page=0", 422),
        (f"{PATH}?size=501", 422),
        (f"{PATH}?status=fine", 422),
        (f"{PATH}?colour=red", 422),
        (f"{PATH}/export?format=xlsx", 422),
    ],
)
async def test_refused(admin: Visitor, path: str, status: int) -> None:
    """What cannot be answered is a problem."""
    answer = await admin.call("GET", path)
    assert answer.status == status
    assert answer.fields["Content-Type"].startswith("application/problem+json")


async def test_nobody(nobody: Visitor) -> None:
    """Nobody reads it without signing in."""
    for path in (PATH, f"{PATH}/export", f"{PATH}/count"):
        assert (await nobody.call("GET", path)).status == 401
