"""Ready lines to paste."""

import re
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.admin.web.snippets import mail, snippets

URL = "http://dl.example.com/media/en/a?x&y"
EVIL = '"><script>alert(1)</script> [x](y) & <b>'


def _by_name(content_type: str, title: str = "Title") -> dict[str, str]:
    return {str(each.name): each.text for each in snippets(URL, title, content_type)}


class _Read(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Note text."""
        self.text += data


def _read(html: str) -> _Read:
    reader = _Read()
    reader.feed(html)
    reader.close()
    return reader


def test_plain() -> None:
    """The plain link is the URL, and an e-mail has title and URL."""
    found = _by_name("OTHER")
    assert (found["Plain link"], found["E-mail"]) == (URL, f"Title\n{URL}")


@pytest.mark.parametrize(
    ("content_type", "name", "tag"),
    [
        pytest.param("IMAGE", "Picture in HTML", "img", id="image"),
        pytest.param("VIDEO", "Video in HTML", "video", id="video"),
        pytest.param("AUDIO", "Audio in HTML", "audio", id="audio"),
    ],
)
def test_embedded(content_type: str, name: str, tag: str) -> None:
    """Each type has its own element, and only that."""
    found = _by_name(content_type, EVIL)
    ((read, attributes),) = _read(found[name]).tags
    assert (read, attributes["src"]) == (tag, URL)
    assert attributes.get("alt", attributes.get("title")) == EVIL
    assert sum(each.endswith("in HTML") for each in found) == 2


def test_a_document_is_not_embedded() -> None:
    """Documents are linked to."""
    assert set(_by_name("OTHER")) == {"Plain link", "Link in HTML", "Markdown", "E-mail"}


@given(st.text())
def test_html_is_one_link(title: str) -> None:
    """Whatever a title holds, the link is one element that shows it."""
    read = _read(_by_name("OTHER", title)["Link in HTML"])
    assert [(tag, fields["href"]) for tag, fields in read.tags] == [("a", URL)]
    assert read.text == (re.sub(r"\s+", " ", title).strip() or "a?x&y")


@given(st.text(alphabet=st.characters(codec="ascii")))
def test_markdown_is_one_link(title: str) -> None:
    """Whatever a title holds, Markdown reads one link: its own characters are escaped."""
    found = _by_name("OTHER", title)["Markdown"]
    name = found.removesuffix(f"](<{URL}>)").removeprefix("[")
    assert not re.search(r"(?<!\\)(?:\\\\)*[\[\]<>`*_&]", name)
    assert "\n" not in found


def test_mail() -> None:
    """A mailto link keeps title and URL apart (RFC 6068)."""
    query = parse_qs(urlsplit(mail(URL, EVIL)).query)
    assert query == {"subject": [EVIL], "body": [URL]}
