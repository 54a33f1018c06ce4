"""Ready lines to paste a URL somewhere; pure."""

import re
from dataclasses import dataclass
from html import escape
from urllib.parse import quote

from proxy.text import Text

# What Markdown would read as its own within a link's text (CommonMark 0.31, 2.4 and 6.3; the last
# two in GitHub's tables and strikethrough), and what it hands on as HTML.
_MARKDOWN = re.compile(r"([\\`*_\[\]<>&|~])")
# What may end a link's target or a parameter early.
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Snippet:
    """Something to paste.

    Attributes:
        name: What it is for; a Text.
        text: As it is to be pasted.
    """

    name: str
    text: str


def snippets(url: str, title: str, content_type: str) -> tuple[Snippet, ...]:
    """Return the lines for one URL, those for its type first.

    Args:
        url: Public; ASCII, as ``paths.public_url`` makes it.
        title: Of the content, in the URL's language; may hold anything.
        content_type: As THRON has it.
    """
    name = _SPACES.sub(" ", title).strip() or url.rpartition("/")[2]
    escaped = _MARKDOWN.sub(r"\\\1", name)
    return (
        Snippet(Text("Plain link"), url),
        Snippet(Text("Link in HTML"), f'<a href="{escape(url)}">{escape(name)}</a>'),
        *_embedded(escape(url), escape(name), content_type.upper()),
        Snippet(Text("Markdown"), f"[{escaped}](<{url}>)"),
        Snippet(Text("E-mail"), f"{name}\n{url}"),
    )


def mail(url: str, title: str) -> str:
    """Return the link that begins an e-mail with a URL in it (RFC 6068)."""
    subject = quote(_SPACES.sub(" ", title).strip(), safe="")
    return f"mailto:?subject={subject}&body={quote(url, safe='')}"


def _embedded(url: str, name: str, content_type: str) -> tuple[Snippet, ...]:
    match content_type:
        case "IMAGE":
            return (Snippet(Text("Picture in HTML"), f'<img src="{url}" alt="{name}">'),)
        case "VIDEO":
            video = f'<video src="{url}" title="{name}" controls preload="metadata"></video>'
            return (Snippet(Text("Video in HTML"), video),)
        case "AUDIO":
            audio = f'<audio src="{url}" title="{name}" controls preload="metadata"></audio>'
            return (Snippet(Text("Audio in HTML"), audio),)
        case _:
            return ()
