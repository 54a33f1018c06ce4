"""The audit: everything that was changed, newest first, page by page."""

from proxy.catalogue.audit import note
from proxy.connectors.store import ConnectorStore
from tests.admin.visitor import Visitor
from tests.running import Running


async def test_newest_first(connector: Running, admin: Visitor) -> None:
    """What was done stands on top, by whom and in the words of the language."""
    await ConnectorStore(connector.gateway.context.database).remove("files", actor="cli")
    words = (await admin.get("/audit")).words
    assert words.index("connector removed") < words.index("connector created")
    assert "cli" in words
    admin.take(tdc_language="it")
    assert "connettore rimosso" in (await admin.get("/audit")).words


async def test_pages(connector: Running, admin: Visitor) -> None:
    """Older entries are on further pages, each entry on one of them."""
    database = connector.gateway.context.database
    for number in range(120):
        await note(database, actor="test", action="purged", subject=f"subject-{number:03}")
    first = await admin.get("/audit")
    seen = [first.text.count("subject-")]
    page = first
    while 'rel="next"' in page.text:
        older = page.text.partition('rel="next" href="')[2].partition('"')[0]
        page = await admin.get(older)
        seen.append(page.text.count("subject-"))
        assert 'rel="prev"' in page.text
    assert seen[0] == 50
    assert sum(seen) == 120
    assert 'rel="prev"' not in first.text


async def test_nonsense_in_the_address(admin: Visitor) -> None:
    """What is no number is the first page, and what is beyond the last is empty."""
    for before in ("x", "-1", "9" * 30, "%C2%B2"):
        assert "signed in" in (await admin.get(f"/audit?before={before}")).words
    assert "No entries yet" in (await admin.get("/audit?before=1")).words


async def test_hostile_words(connector: Running, admin: Visitor) -> None:
    """Names that came from elsewhere are text and nothing else."""
    await note(
        connector.gateway.context.database,
        actor="<img src=x onerror=alert(1)>",
        action="purged",
        subject="<script>alert(2)</script>",
        detail={"<b>": {"old": "<i>", "new": ["<u>"]}, "x": {"y": "<s>"}},
    )
    text = (await admin.get("/audit")).text
    for markup in ("<img src=x", "<script>alert", "<b>", "<i>", "<u>", "<s>"):
        assert markup not in text
