"""Thumbnails, fetched where browsers may not ask."""

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from proxy.admin.web import thumbnails
from proxy.thron.content import Content
from tests.running import Running


def _content(connector: Running, title: str) -> Content:
    found = connector.thron.tenant.find(title)
    return Content(found.id, found.content_type, None, None, (), (), (), None, (), "PUBLISHED")


async def test_picture(connector: Running) -> None:
    """A content with a thumbnail gives it, of a type that cannot hold scripts."""
    picture = await thumbnails.fetched(connector.tenant, _content(connector, "logo"))
    assert picture is not None
    assert picture.media_type in {"image/png", "image/jpeg"}
    assert len(picture.octets) > 1000


async def test_none(connector: Running) -> None:
    """A single pixel, an unknown content or a THRON that is down give none."""
    dot = _content(connector, "press-kit")
    assert await thumbnails.fetched(connector.tenant, dot) is None
    unknown = replace(dot, id="00000000-0000-4000-8000-000000000000")
    assert await thumbnails.fetched(connector.tenant, unknown) is None


@pytest.mark.parametrize("content_type", ["VIDEO", "IMAGE", "AUDIO", "OTHER", '"><script>'])
def test_icon(content_type: str) -> None:
    """Each type has a picture that stands for it, and no type can add to it."""
    tree = ET.fromstring(thumbnails.icon(content_type))  # noqa: S314 - our own
    assert {each.tag.rpartition("}")[2] for each in tree.iter()} <= {
        "svg",
        "title",
        "path",
        "rect",
        "circle",
    }
