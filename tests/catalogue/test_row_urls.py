"""The URLs of the summary table's lines."""

import pytest

from proxy.catalogue.collisions import AddressStatus
from proxy.catalogue.row_urls import RowUrls
from proxy.catalogue.url_rows import UrlRow
from proxy.connectors.model import Connector
from tests.catalogue.entering import NAMES, NOON, SKUS

PLAIN, SECURE = "http://dl.example.com", "https://dl.example.com"

LINE = UrlRow(
    number=1,
    content_id="id-1",
    content_type="OTHER",
    title="Title",
    language="en",
    value="name",
    is_addressable=True,
    status=AddressStatus.OK,
    serves=True,
    since=NOON,
    updated=NOON,
    file_name="a file.pdf",
)


@pytest.mark.parametrize(
    ("connector", "line", "url"),
    [
        pytest.param(NAMES, LINE, "http://dl.example.com/names/en/name", id="prettyID"),
        pytest.param(
            SKUS,
            LINE._replace(language=None, value="a/b ü"),
            "http://dl.example.com/skus/a%2Fb%20%C3%BC",
            id="metadata",
        ),
        pytest.param(
            NAMES.model_copy(update={"force_https": True}),
            LINE,
            "https://dl.example.com/names/en/name",
            id="HTTPS",
        ),
        pytest.param(
            NAMES.model_copy(update={"host": "media.example.com"}),
            LINE,
            "http://media.example.com/en/name",
            id="host",
        ),
        pytest.param(NAMES, LINE._replace(value=None), None, id="no identifier"),
        pytest.param(NAMES, LINE._replace(is_addressable=False), None, id="not addressable"),
        pytest.param(NAMES, LINE._replace(language=None), None, id="of another identifier"),
    ],
)
def test_url(connector: Connector, line: UrlRow, url: str | None) -> None:
    """A line that can be addressed has a URL, whether it leads to its content or not."""
    assert RowUrls(connector, PLAIN, SECURE).of(line) == url


def test_file_name() -> None:
    """On request URLs end with the file name."""
    named = RowUrls(NAMES, PLAIN, SECURE, is_named=True)
    assert named.of(LINE) == "http://dl.example.com/names/en/name/a%20file.pdf"
    assert named.of(LINE._replace(file_name=None)) == "http://dl.example.com/names/en/name"


def test_root() -> None:
    """Every URL begins with the root."""
    urls = RowUrls(NAMES.model_copy(update={"host": "media.example.com"}), PLAIN, SECURE)
    assert urls.root == "http://media.example.com/"
