"""The summary table of a connector."""

import html
import re

import pytest

from proxy.sandbox.faults import Fault, Kind
from tests.admin.visitor import Page, Visitor
from tests.listed import listed
from tests.running import Running, by_id, by_name, by_sku
from tests.waiting import until


@pytest.fixture
async def filled(connector: Running) -> Running:
    """Fill the catalogue of ``media`` and ``products``."""
    await listed(connector, "media", "products")
    return connector


def _titles(page: Page) -> list[str]:
    found = re.findall(r'class="c-title"><a [^>]*><bdi>([^<]*)</bdi>', page.text)
    return [html.unescape(each) for each in found]


def _total(page: Page) -> int:
    found = re.search(r"of ([\d,]+)</p>", page.text)
    return int(found[1].replace(",", "")) if found else 0


async def test_lines(filled: Running, admin: Visitor) -> None:
    """Every line has its content, its URL ready to copy and to open, and how it stands."""
    page = await admin.get("/connectors/media?q=strada-sl-film&language=en")
    assert page.status == 200
    base = f"{filled.gateway.context.settings.public_base}/media/"
    assert f'<bdi dir="ltr">{base}</bdi></code>' in page.text
    url = f"{base}en/strada-sl-film/aurora-strada-film.mp4"
    assert f'data-copy="{url}"' in page.text
    assert f'href="{url}"' in page.text
    content = filled.thron.tenant.find("strada-sl-film")
    assert f'src="/connectors/media/contents/{content.id}/thumbnail"' in page.text
    assert "Video" in page.words
    assert "Ready" in page.words


async def test_urls_work(filled: Running, admin: Visitor) -> None:
    """The URLs of a page are those that the public listener answers."""
    page = await admin.get("/connectors/products?status=ok")
    for url in re.findall(r'data-copy="([^"]*)"', page.text):
        answer = await filled.ask("HEAD", html.unescape(url))
        # One content of the library is refused to the application, and so is its source file.
        assert answer.status == 200 or "VA-TERMS" in url


async def test_a_listing_that_broke_off_in_the_reader_s_language(
    filled: Running, admin: Visitor
) -> None:
    """Each page that tells of it does in Italian, and the API in English."""
    filled.thron.faults.add(Fault(Kind.STATUS, "api", None, target="/search/", status=400))
    await listed(filled, "media")
    for path in ("/connectors/media", "/connectors", "/"):

        async def is_told(path: str = path) -> bool:
            words = (await admin.get(path, Accept_Language="it")).words
            assert "broke off" not in words
            return "La lettura si è interrotta: THRON ha risposto 400" in words

        await until(is_told)  # the overview reads anew now and then
    told = (await admin.call("GET", "/api/overview")).json
    problems = [each["problem"] for each in told["syncs"] if each["connector"] == "media"]
    assert problems == ["The listing broke off: THRON answered 400"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("q=STRADA-SL-FILM&language=en", 1, id="any case"),
        pytest.param("q=no+such+thing", 0, id="nothing"),
        pytest.param("q=%25", 0, id="percent is no wildcard"),
    ],
)
async def test_search(filled: Running, admin: Visitor, query: str, expected: int) -> None:  # noqa: ARG001 - filled first
    """A search narrows the lines."""
    page = await admin.get(f"/connectors/media?{query}")
    assert _total(page) == expected
    if not expected:
        assert "Nothing matches" in page.words
        assert 'href="/connectors/media">Clear filters' in page.text


async def test_filters_add_up(filled: Running, admin: Visitor) -> None:  # noqa: ARG001 - filled first
    """Type, language and status narrow together, and each choice tells how many there are."""
    page = await admin.get("/connectors/media")
    choices = re.search(r'<select id="status".*?</select>', page.text, re.DOTALL)
    assert choices is not None
    said = {
        html.unescape(name): int(number)
        for name, number in re.findall(r">([^<>]+) \((\d+)\)</option>", choices[0])
    }
    assert said["All statuses"] == sum(said.values()) - said["All statuses"]
    only = await admin.get("/connectors/media?status=no_identifier")
    assert _total(only) == said["No identifier"]
    videos = await admin.get("/connectors/media?type=VIDEO")
    english = await admin.get("/connectors/media?type=VIDEO&language=en")
    assert 0 < _total(english) < _total(videos) < said["All statuses"]


async def test_sort(filled: Running, admin: Visitor) -> None:  # noqa: ARG001 - filled first
    """The head of a column sorts by it, a second time the other way round."""
    up = await admin.get("/connectors/media?type=IMAGE")
    assert 'aria-sort="ascending"' in up.text
    assert "type=IMAGE&amp;order=desc" in up.text
    down = await admin.get("/connectors/media?type=IMAGE&order=desc")
    assert _titles(down) == _titles(up)[::-1]
    assert len(_titles(up)) > 2


async def test_pages(filled: Running, admin: Visitor) -> None:  # noqa: ARG001 - filled first
    """Pages follow each other without gap or repetition, and the last one ends."""
    first = await admin.get("/connectors/media?size=25")
    second = await admin.get("/connectors/media?size=25&page=2")
    assert "size=25&amp;page=2" in first.text.replace("page=2&amp;size=25", "size=25&amp;page=2")
    told = [re.findall(r'role="status">(\d+).(\d+) of', each.text) for each in (first, second)]
    assert told == [[("1", "25")], [("26", "50")]]
    assert not set(re.findall(r'data-copy="[^"]*"', first.text)) & set(
        re.findall(r'data-copy="[^"]*"', second.text)
    )
    beyond = await admin.get("/connectors/media?page=900")
    assert (beyond.status, "The list ends before this page" in beyond.words) == (200, True)


async def test_collisions(filled: Running, admin: Visitor) -> None:
    """A warning tells who has a contested address, and who does not."""
    page = await admin.get("/connectors/products")
    assert "VA-SHARED leads to Shared sku, older , not to Shared sku, younger" in page.words
    only = await admin.get("/connectors/products?status=collision")
    assert _titles(only) == ["Shared sku, older", "Shared sku, younger"]
    urls = re.findall(r'data-copy="([^"]*)"', only.text)
    assert len(urls) == 1
    older = filled.thron.tenant.find("Shared sku, older")
    answer = await filled.get(urls[0])
    assert answer.body == filled.thron.tenant.bytes_of(older.id)


async def test_why_a_content_is_hidden(filled: Running, admin: Visitor) -> None:  # noqa: ARG001 - filled first
    """The table says it in two words, and the content's page in a sentence."""
    page = await admin.get("/connectors/media?status=unpublished")
    assert "Draft" in page.words
    assert "In preparation" in page.words
    found = re.search(r'href="(/connectors/media/[^"]+)"><bdi>Strada SL 2025, draft', page.text)
    assert found is not None
    assert "Hidden: it is a draft in THRON." in (await admin.get(found[1])).words


async def test_names(filled: Running, admin: Visitor) -> None:
    """URLs end with the file name unless that is not wanted, and work both ways."""
    for query, end in (("", "/press-kit/press-kit.zip"), ("&names=off", "/en/press-kit")):
        page = await admin.get(f"/connectors/media?q=press-kit&language=en{query}")
        (url,) = re.findall(r'data-copy="([^"]*)"', page.text)
        assert url.endswith(end)
        assert (await filled.ask("HEAD", url)).status == 200


async def test_the_view_is_kept(filled: Running, admin: Visitor) -> None:  # noqa: ARG001 - filled first
    """Columns, rows a page and file names are as they were chosen, for every connector."""
    page = await admin.get("/connectors/media")
    assert 'class="c-size"' in page.text
    assert 'class="c-identifier"' not in page.text
    chosen = [("csrf", admin.csrf), ("columns", "identifier"), ("columns", "status")]
    chosen += [("size", "100"), ("back", "/connectors/media?q=press-kit")]
    fields = {"Sec-Fetch-Site": "same-origin"}
    kept = await admin.ask("POST", "/preferences/table", data=chosen, fields=fields)
    assert (kept.status, kept.fields["Location"]) == (303, "/connectors/media?q=press-kit")
    for slug in ("media", "products"):
        page = await admin.get(f"/connectors/{slug}")
        assert 'class="c-size"' not in page.text
        assert 'class="c-identifier"' in page.text
        assert len(_titles(page)) > 50
        assert not re.search(r'data-copy="[^"]*\.pdf"', page.text)
    page = await admin.get("/connectors/media?q=press-kit&names=on&size=50")
    assert '/press-kit.zip"' in page.text
    assert "names=on" in page.text


@pytest.mark.parametrize(
    "typed", [{"size": "7"}, {"columns": "colour"}, {"size": "50", "back": "x" * 5000}]
)
async def test_no_such_view(admin: Visitor, typed: dict[str, str]) -> None:
    """What is no choice is refused."""
    await admin.get("/connectors/media")
    assert (await admin.send("/preferences/table", **typed)).status == 400


async def test_what_is_known_of_the_file(filled: Running, admin: Visitor) -> None:
    """Size, type and date stand there once the link was used; before, a dash and no guess."""

    async def shown() -> list[str]:
        page = await admin.get("/connectors/media?q=press-kit&language=en")
        cells = re.findall(r'<td class="c-(?:size|media_type|modified)".*?</td>', page.text)
        return [html.unescape(re.sub(r"<[^>]*>", "", each)) for each in cells]

    assert await shown() == ["—", "—", "—"]
    assert (await filled.get("/media/en/press-kit")).status == 200

    async def is_known() -> bool:
        return "—" not in await shown()

    await until(is_known)
    size, media_type, modified = await shown()
    assert re.fullmatch(r"[\d.]+ kB", size)
    assert media_type == "application/zip"
    assert re.fullmatch(r"\d+ \w+ \d{4}", modified)


async def test_read_now(filled: Running, admin: Visitor) -> None:
    """The folder is read at the press of a button, and the page tells how it goes."""
    page = await admin.get("/connectors/media?type=IMAGE")
    assert "Folder read" in page.words
    # The sync takes it up within a second, and is to be seen at it.
    filled.thron.faults.add(Fault(Kind.STALL, "api", times=None, target="/content/search"))
    asked = await admin.send("/connectors/media/read", back="/connectors/media?type=IMAGE")
    assert (asked.status, asked.fields["Location"]) == (303, "/connectors/media?type=IMAGE")
    state = await filled.gateway.sync.state("media")
    assert state.is_asked or state.running is not None
    page = await admin.get("/connectors/media?type=IMAGE")
    assert "Reading the folder" in page.words
    assert "data-live" in page.text
    filled.thron.faults.clear()
    assert (await admin.send("/connectors/none/read")).status == 404


async def test_problems_are_one_line(filled: Running, admin: Visitor) -> None:  # noqa: ARG001 - filled first
    """What needs somebody's attention is counted, and each count leads to its rows."""
    page = await admin.get("/connectors/products")
    assert "2 rows share their address" in page.words
    for status, number in re.findall(r'\?status=(\w+)">(\d+) ', page.text):
        assert _total(await admin.get(f"/connectors/products?status={status}")) == int(number)


async def test_an_export_of_chosen_rows(filled: Running, admin: Visitor) -> None:  # noqa: ARG001 - filled first
    """The chosen rows alone are exported, with links as the page shows them."""
    page = await admin.get("/connectors/media?type=IMAGE")
    numbers = re.findall(r'name="number" value="(\d+)" form="picked"', page.text)
    assert len(numbers) == len(_titles(page)) > 3
    names = re.search(r'<input type="hidden" name="names" value="(\w+)">', page.text)
    assert names is not None
    picked = "&".join(f"number={each}" for each in numbers[1:3])
    path = "/api/connectors/media/urls/export"
    saved = await admin.get(f"{path}?names={names[1]}&{picked}&format=json")
    assert {each["title"] for each in saved.json} == set(_titles(page)[1:3])
    assert all(each["url"].endswith(each["file_name"]) for each in saved.json)


async def test_nothing_of_thron_is_markup(filled: Running, admin: Visitor) -> None:  # noqa: ARG001 - filled first
    """Titles, identifiers and file names with markup are shown as text."""
    for slug in ("media", "products"):
        for page in (1, 2):
            shown = await admin.get(f"/connectors/{slug}?page={page}")
            assert "<script>alert" not in shown.text
            assert "onerror=" not in re.sub(r"&\w+;|&#\d+;", "", shown.text)
    evil = await admin.get("/connectors/products?q=alert")
    assert "&lt;script&gt;alert" in evil.text


async def test_what_is_asked_for_is_no_markup(filled: Running, admin: Visitor) -> None:  # noqa: ARG001 - filled first
    """A search with markup comes back as text."""
    page = await admin.get("/connectors/media?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
    assert "<script>alert" not in page.text
    assert 'value="&#34;&gt;&lt;script&gt;' in page.text


async def test_light(filled: Running, admin: Visitor) -> None:  # noqa: ARG001 - filled first
    """A full page is below 150 kB."""
    page = await admin.get("/connectors/media?size=50")
    assert len(_titles(page)) == 50
    assert len(page.text.encode()) < 150_000


async def test_before_the_first_listing(connector: Running, admin: Visitor) -> None:
    """Before anything was read the page says so, and watches for it."""
    page = await admin.get("/connectors/files")
    assert "No contents yet" in page.words
    assert 'data-live="1000"' in page.text
    await listed(connector, "files")
    assert "No contents yet" not in (await admin.get("/connectors/files")).words


async def test_disabled(connector: Running, admin: Visitor) -> None:
    """Of a disabled connector it is said that nothing works."""
    await connector.apply(by_id(connector.thron, enabled=False))
    assert "none of its URLs works" in (await admin.get("/connectors/files")).words


async def test_of_its_own_host(connector: Running, admin: Visitor) -> None:
    """URLs of a connector with a host of its own, and with HTTPS forced, say so."""
    await connector.apply(by_name(connector.thron, host="media.example.com", force_https=True))
    await listed(connector, "media")
    page = await admin.get("/connectors/media?q=strada-sl-film&language=en")
    (url,) = re.findall(r'data-copy="([^"]*)"', page.text)
    assert re.fullmatch(
        r"https://media\.example\.com(:\d+)?/en/strada-sl-film/aurora-strada-film\.mp4", url
    )


async def test_another_shape(filled: Running, admin: Visitor) -> None:
    """What was listed for another identifier is not shown."""
    await filled.apply(by_sku(filled.thron, slug="media"))
    assert "strada-sl-film" not in (await admin.get("/connectors/media")).text


async def test_unknown(admin: Visitor) -> None:
    """There is no page of a connector that there is not."""
    assert (await admin.get("/connectors/none")).status == 404


@pytest.mark.parametrize(
    "path",
    [
        "/connectors/media",
        "/connectors/media/links",
        "/connectors/media/contents/x",
        "/connectors/media/contents/x/thumbnail",
        "/connectors/media/contents/x/qr.svg",
    ],
)
async def test_nobody(nobody: Visitor, path: str) -> None:
    """Nobody sees any of it without signing in."""
    page = await nobody.get(path)
    assert (page.status, page.fields["Location"].startswith("/login")) == (303, True)


async def test_italian(filled: Running, admin: Visitor) -> None:  # noqa: ARG001 - filled first
    """The page speaks Italian."""
    page = await admin.get("/connectors/media", Accept_Language="it")
    assert "Tutti i tipi" in page.words
    assert "Senza identificatore" in page.words
