"""The whole list of links that a change would break."""

import csv
import html
import io
import re
import time
from urllib.parse import urlencode

from proxy.admin.web import forms
from proxy.admin.web.connector_fields import fields_of
from tests.admin.visitor import Visitor
from tests.listed import listed
from tests.running import Running

_HOSTS = r"127\.0\.0\.1:\d+", r"media\.example\.com(?::\d+)?"


def change(connector: Running, **changed: str) -> str:
    """Return the query of a change of ``media``."""
    media = connector.gateway.watch.connectors.by_slug["media"]
    typed = {**forms.filled(fields_of(media)).typed, **{k: (v,) for k, v in changed.items()}}
    return urlencode([(name, value) for name, values in typed.items() for value in values])


async def test_old_and_new(connector: Running, admin: Visitor) -> None:
    """Every old link stands in the CSV, with the one that takes its place where it is known."""
    await listed(connector, "media")
    page = await admin.get(f"/connectors/media/breaks.csv?{change(connector, by='content_id')}")
    assert page.fields["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(page.text.removeprefix("\ufeff"))))
    base = connector.gateway.context.settings.public_base
    film = connector.thron.tenant.find("dawn-on-the-pass").id
    links = {row["old_url"]: row["new_url"] for row in rows}
    assert links[f"{base}/media/en/dawn-on-the-pass"] == f"{base}/media/{film}"
    media = connector.gateway.watch.connectors.by_slug["media"]
    tally = await connector.gateway.contents.tally(media)
    assert len(rows) == tally.by_status["ok"] + tally.by_status["former"]  # type: ignore[index] # a StrEnum
    assert {row["reason"] for row in rows} == {"identifier"}


async def test_another_host(connector: Running, admin: Visitor) -> None:
    """On another host each link keeps its end."""
    await listed(connector, "media")
    query = change(connector, host="media.example.com")
    page = await admin.get(f"/connectors/media/breaks?{query}")
    assert (page.status, "media.example.com" in page.text) == (200, True)
    old, new = (re.findall(rf"<code>http://{host}([^<]*)</code>", page.text) for host in _HOSTS)
    assert [each.removeprefix("/media") for each in old] == new
    assert len(new) == 25


async def test_a_removal(connector: Running, admin: Visitor) -> None:
    """Of a removal all links are listed, page by page, and none takes their place."""
    await listed(connector, "media")
    page = await admin.get("/connectors/media/breaks?removal=on")
    assert "The connector would be removed." in page.words
    assert "25 of" in page.words
    # The connector keeps its tabs.
    assert '<a href="/connectors/media/links"' in page.text
    export = await admin.get("/connectors/media/breaks.csv?removal=on")
    expected = [row["old_url"] for row in csv.DictReader(io.StringIO(export.text[1:]))]
    found: list[str] = []
    path: str | None = "/connectors/media/breaks?removal=on"
    while path is not None:
        page = await admin.get(path)
        found += re.findall(r"<code>(http[^<]*)</code></td>", page.text)
        link = re.search(r'href="([^"]*)"[^>]*>\s*(?:<[^>]*>\s*)*Next', page.text)
        path = html.unescape(link[1]) if link else None
    assert found == expected
    beyond = await admin.get("/connectors/media/breaks?removal=on&page=9")
    assert beyond.status == 200
    last_page = re.findall(r"<code>(http[^<]*)</code></td>", beyond.text)
    assert last_page == expected[(len(expected) - 1) // 25 * 25 :]
    assert (await admin.get("/connectors/media/breaks")).status == 400
    assert (await admin.get("/connectors/none/breaks?removal=on")).status == 404


async def test_hostile_titles(connector: Running, admin: Visitor) -> None:
    """A title that is long, a formula or turned round harms neither pages nor lists of links."""
    tenant = connector.thron.tenant
    turned = "\u202egnp.exe" + "x" * 2000
    film, track = (tenant.find(name).id for name in ("strada-sl-film", "aurora-jingle"))
    tenant.change(film, now=time.time(), titles={"EN": turned, "IT": turned})
    formula = '=HYPERLINK("http://evil.example")'
    tenant.change(track, now=time.time(), titles={"EN": formula, "IT": formula})
    await listed(connector, "media")
    page = await admin.get(f"/connectors/media/contents/{film}")
    (title,) = re.findall(r"<title>([^<]*)</title>", page.text)
    assert "\u202e" not in title
    assert len(title) < 120
    assert f"<bdi>{turned[:300]}</bdi></h1>" in page.text
    lists = "/connectors/media/breaks.csv?removal=on", "/api/connectors/media/urls/export"
    for path in lists:
        cells = {
            cell for row in csv.reader(io.StringIO((await admin.get(path)).text)) for cell in row
        }
        assert f"'{formula}" in cells
        assert formula not in cells
    for number in range(1, 12):
        page = await admin.get(f"/connectors/media/breaks?removal=on&page={number}")
        assert "x" * 301 not in page.text
        # What turns text round ends with the cell.
        assert all(
            page.text[: each.start()].endswith(">") for each in re.finditer("\u202e", page.text)
        )
