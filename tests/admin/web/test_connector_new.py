"""A new connector in five steps."""

import html
import re
from pathlib import Path

import pytest

from proxy.connectors.model import Disposition, Identifier
from proxy.sandbox.server import Fault, Kind, Sandbox
from proxy.thron.content import ContentType
from tests.admin.set_up import counted, given, last, number_to_confirm, path
from tests.admin.visitor import Visitor, visitor
from tests.catalogue.audited import audited
from tests.running import Running, running
from tests.waiting import until

AWKWARD = "<img src=x onerror=alert(1)>\"'&"


@pytest.fixture
def root(thron: Sandbox) -> str:
    return thron.root_folder_id


async def test_from_a_folder_to_a_connector(connector: Running, admin: Visitor, root: str) -> None:
    """Five steps lead to a connector that serves, as was chosen, and the audit tells of it."""
    await counted(connector, root)
    page = await admin.get("/connectors/new")
    assert "Brand portal" in page.words
    page = await admin.get(f"/connectors/new?folder={root}&subfolders=yes&go=types")
    assert page.status == 303
    page = await admin.get(page.fields["Location"])
    assert "Which contents of Brand portal?" in page.words
    page = await admin.get(path("types", {"folder": root, "types": "image"}, go="identifier"))
    page = await admin.get(page.fields["Location"])
    assert "Article code" in page.words
    chosen = given(root)
    page = await admin.get(path("identifier", chosen, go="https"))
    page = await admin.get(page.fields["Location"])
    assert "cannot force it" in page.words
    page = await admin.get(path("https", chosen, go="review"))
    page = await admin.get(page.fields["Location"])
    assert 'value="brand-portal"' in page.text
    typed = last(chosen, confirm=number_to_confirm(page))
    page = await admin.send("/connectors/new", **typed)
    assert (page.status, page.fields["Location"]) == (303, "/connectors/brochures")
    made = connector.gateway.watch.connectors.of_slug("brochures")
    assert made is not None
    assert (made.folder_id, made.identifier) == (root, Identifier.PRETTY_ID)
    assert made.content_types == frozenset({ContentType.IMAGE})
    assert made.disposition is Disposition.INLINE
    entry = (await audited(connector.gateway.context.database, newest=1))[0]
    assert (entry.actor, entry.action, entry.subject) == (
        "admin",
        "connector created",
        "brochures",
    )


async def test_an_example_works(connector: Running, admin: Visitor, root: str) -> None:
    """What the review shows as an example is served once the connector is there."""
    await counted(connector, root)
    page = await admin.get(path("review", given(root, by="metadata:sku")))
    await admin.send(
        "/connectors/new",
        **last(given(root, by="metadata:sku"), confirm=number_to_confirm(page)),
    )
    rest = page.text.partition('<ul class="examples">')[2].partition("</code>")[0]
    example = "/brochures" + html.unescape(rest.rpartition("</span>")[2])
    assert (await connector.get(example)).status == 200


async def test_the_number_has_to_be_typed(connector: Running, admin: Visitor, root: str) -> None:
    """Without the number, or with another, nothing is saved and nothing typed is lost."""
    for number in ("", "1000000"):
        page = await admin.send(
            "/connectors/new", **last(given(root), robots="noindex", confirm=number)
        )
        assert page.status == 422
        assert "the number of contents that become public" in page.words
        assert 'value="noindex"' in page.text
    assert connector.gateway.watch.connectors.of_slug("brochures") is None


@pytest.mark.parametrize(
    ("step", "change", "said"),
    [
        pytest.param("folder", {"folder": ""}, "Choose a folder", id="no folder"),
        pytest.param(
            "folder", {"folder": "nowhere"}, "cannot see this folder", id="unknown folder"
        ),
        pytest.param("types", {"types": ""}, "Choose", id="no type"),
        pytest.param("identifier", {"by": ""}, "Choose one of these", id="no identifier"),
        pytest.param("identifier", {"by": "other"}, "Enter the key", id="no key"),
        pytest.param("https", {"https": "yes"}, "This needs HTTPS first", id="HTTPS"),
    ],
)
async def test_problems_keep_one_on_the_step(
    admin: Visitor, root: str, step: str, change: dict[str, str], said: str
) -> None:
    """A step that is not filled in well is shown again, with what is wrong."""
    order = ["folder", "types", "identifier", "https", "review"]
    page = await admin.get(path(step, given(root, **change), go=order[order.index(step) + 1]))
    assert (page.status, said in page.words) == (422, True)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param({"slug": "files"}, "There is already a connector with this name", id="taken"),
        pytest.param({"slug": "No good"}, "Use lower-case letters", id="no slug"),
        pytest.param({"host": "https://x"}, "Enter a host name", id="no host"),
        pytest.param({"max_age_s": "x"}, "Enter a whole number", id="no number"),
        pytest.param(
            {"only_published": "no", "delivery": "published"},
            "Contents that are not published have no renditions.",
            id="renditions of drafts",
        ),
    ],
)
async def test_problems_of_the_last_step(
    connector: Running, admin: Visitor, root: str, change: dict[str, str], said: str
) -> None:
    """They stand beside their fields, and nothing is saved."""
    await counted(connector, root)
    before = connector.gateway.watch.connectors
    page = await admin.get(path("review", given(root)))
    typed = last(given(root), confirm=number_to_confirm(page), **change)
    page = await admin.send("/connectors/new", **typed)
    assert (page.status, said in page.words) == (422, True)
    assert connector.gateway.watch.connectors == before


async def test_steps_cannot_be_skipped(admin: Visitor, root: str) -> None:
    """Who asks for a step too early is led to the first that is not done."""
    page = await admin.get(f"/connectors/new/review?folder={root}")
    assert (page.status, page.fields["Location"]) == (
        303,
        f"/connectors/new/types?folder={root}",
    )


async def test_back_keeps_everything(admin: Visitor, root: str) -> None:
    """A step back and on again shows what was chosen."""
    page = await admin.get(path("https", given(root), go="types"))
    assert page.status == 303
    back = await admin.get(page.fields["Location"])
    assert 'value="image" checked' in back.text
    assert 'name="by" value="pretty_id"' in back.text


async def test_folders_open_and_are_found(admin: Visitor) -> None:
    """A folder opens where it is pressed, and a search shows the way to what it finds."""
    page = await admin.get("/connectors/new")
    toggle = page.text.partition('name="toggle" value="')[2].partition('"')[0]
    page = await admin.get(f"/connectors/new?toggle={toggle}")
    opened = await admin.get(page.fields["Location"])
    assert 'aria-expanded="true"' in opened.text
    page = await admin.get(f"/connectors/new?open={toggle}&toggle={toggle}")
    assert page.fields["Location"] == "/connectors/new"
    found = await admin.get("/connectors/new?q=MUSIC")
    assert "Music and voices" in found.words
    assert "Films" not in found.words
    assert "No folder has this name." in (await admin.get("/connectors/new?q=zzz")).words


async def test_a_thousand_folders(tmp_path: Path) -> None:
    """With 1,000 folders the page stays light, and the last of them is found."""
    library = tmp_path / "library"
    for number in range(1000):
        (library / f"Folder {number:04}").mkdir(parents=True)
        (library / f"Folder {number:04}" / "a.txt").write_text("a")
    async with (
        Sandbox(library=library) as thron,
        running(thron, tmp_path) as whole,
        visitor(whole.gateway) as admin,
    ):
        await admin.enter(whole.gateway.demo_url())
        page = await admin.get("/connectors/new")
        assert len(page.text) < 150_000
        assert "1,000 folders" in page.words
        found = await admin.get("/connectors/new?q=folder+0999")
        assert "Folder 0999" in found.words


async def test_the_delivery_that_works_is_proposed(
    connector: Running, admin: Visitor, root: str
) -> None:
    """The last step begins with the mode that delivered a few contents, and says why."""
    connector.thron.tenant.app.may_share = False
    chosen = path("review", given(root))

    async def is_proposed() -> bool:  # a page does not wait for long
        return "Recommended, after a test" in (await admin.get(chosen)).words

    await until(is_proposed)
    page = await admin.get(chosen)
    assert "Published renditions (original fails" in page.words
    assert re.search(r'name="delivery" value="published"[^>]* checked', page.text)


async def test_an_outage_is_told(connector: Running, admin: Visitor, root: str) -> None:
    """While THRON cannot be asked the page says so, and keeps what was entered."""
    refusal = Fault(Kind.STATUS, "api", times=None, status=503)
    connector.thron.faults.add(refusal)
    page = await admin.get(path("types", given(root)))
    assert (page.status, "THRON cannot be reached" in page.words) == (503, True)
    assert f"folder={root}" in page.text
    connector.thron.faults.clear()
    assert (await admin.get(path("types", given(root)))).status == 200


async def test_before_thron_is_connected(thron: Sandbox, tmp_path: Path) -> None:
    """Without credentials the page leads to them."""
    nothing = {"client_id": None, "app_id": None, "app_key": None}
    async with running(thron, tmp_path, **nothing) as bare, visitor(bare.gateway) as admin:
        await admin.enter(bare.gateway.demo_url())
        page = await admin.get("/connectors/new")
        assert "THRON is not connected yet" in page.words
        assert 'href="/connection"' in page.text
        assert "First connect THRON." in (await admin.get("/connectors")).words


async def test_a_folder_that_cannot_be_counted(
    connector: Running, admin: Visitor, root: str
) -> None:
    """The figures are told to be of a part, with the reason."""
    broken = Fault(Kind.STATUS, "api", times=None, status=500, target="/content/search")
    connector.thron.faults.add(broken)

    async def is_told() -> bool:  # after it has been tried again
        page = await admin.get(path("types", given(root)))
        assert page.status == 200
        return "could not be counted completely" in page.words

    await until(is_told)
    connector.thron.faults.clear()
    page = await admin.get(path("types", given(root), go="recount"))
    assert "could not be counted" not in page.words


async def test_names_from_thron_are_text(tmp_path: Path) -> None:
    """Names of folders and files that look like markup are shown, never run."""
    library = tmp_path / "library"
    name = "<img src=x onerror=alert(1)>"
    (library / name).mkdir(parents=True)
    (library / name / "<b>bold.txt").write_text("a")
    async with (
        Sandbox(library=library) as thron,
        running(thron, tmp_path) as whole,
        visitor(whole.gateway) as admin,
    ):
        await admin.enter(whole.gateway.demo_url())
        folder = next(each for each in thron.tenant.folders.values() if name in each.names.values())
        chosen = given(folder.id, types="document", by="content_id")
        for page in (
            await admin.get("/connectors/new"),
            await admin.get(path("types", chosen)),
            await admin.get(path("review", chosen)),
        ):
            assert page.status == 200
            assert "onerror=alert(1)" in page.words
            assert "<img" not in page.text
            assert "<b>" not in page.text


@pytest.mark.parametrize("field", ["folder", "q", "open", "types", "by", "key", "slug", "host"])
async def test_what_is_typed_is_text(admin: Visitor, root: str, field: str) -> None:
    """What somebody puts into the page's address is never markup in the page."""
    for step in ("folder", "types", "identifier", "https", "review"):
        page = await admin.get(path(step, given(root), **{field: AWKWARD}))
        assert "<img" not in page.text
        assert page.status in {200, 303, 422}


async def test_it_is_nobodys_business(nobody: Visitor, root: str) -> None:
    """Without signing in no step is shown, and nothing is made."""
    page = await nobody.get(path("types", given(root)))
    assert (page.status, page.fields["Location"].split("?")[0]) == (303, "/login")
    assert (await nobody.send("/connectors/new", **last(given(root)))).status == 303
