"""The API's document, for machines and for people."""

from tests.admin.nouns import OPERATIONS
from tests.admin.visitor import Visitor
from tests.running import Running


async def test_for_people(admin: Visitor) -> None:
    """The page has every operation, and a line to try that names this console."""
    page = await admin.get("/api")
    for each in OPERATIONS:
        assert f"<code>{each.path}</code>" in page.text
        assert each.summary in page.words
    assert f"{admin.base}/api/connection" in page.text


async def test_for_machines(connector: Running, admin: Visitor, nobody: Visitor) -> None:
    """The document is JSON, for a session or a token."""
    assert (await admin.get("/api/openapi.json")).json["openapi"].startswith("3.1")
    made = await connector.gateway.console.tokens.make("m", can_change=False, actor="test")
    page = await nobody.call("GET", "/api/openapi.json", token=made.secret)
    assert page.json["paths"].keys() == {each.path for each in OPERATIONS}
