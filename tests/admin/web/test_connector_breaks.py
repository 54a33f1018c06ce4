"""The whole list of links that a change would break."""

import csv
import io
from urllib.parse import urlencode

from proxy.admin.web import forms
from proxy.admin.web.connector_fields import fields_of
from tests.admin.listed import listed
from tests.admin.visitor import Visitor
from tests.running import Running


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
    base = connector.gateway.parts.settings.public_base
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
    assert "/en/dawn-on-the-pass" in page.text


async def test_a_removal(connector: Running, admin: Visitor) -> None:
    """Of a removal all links are listed, page by page, and none takes their place."""
    await listed(connector, "media")
    page = await admin.get("/connectors/media/breaks?removal=on")
    assert "The connector would be removed." in page.words
    beyond = await admin.get("/connectors/media/breaks?removal=on&page=9")
    assert (beyond.status, "No link would stop working" in beyond.words) == (200, True)
    assert (await admin.get("/connectors/media/breaks")).status == 400
    assert (await admin.get("/connectors/none/breaks?removal=on")).status == 404
