"""Texts for people, in a language that is known later."""

import copy

import orjson

from proxy.admin.web.i18n import Language, Words
from proxy.text import Text


def test_english_as_a_string() -> None:
    """Logs, terminals and the API take it as the string that its English is."""
    text = Text("connector {slug}", slug="{media}")
    assert (text, f"{text}!", orjson.dumps(text)) == (
        "connector {media}",
        "connector {media}!",
        b'"connector {media}"',
    )
    assert copy.deepcopy(text).values == {"slug": "{media}"}


def test_joined_in_the_reader_s_language() -> None:
    """Of texts that are joined each is translated, and what is none stays as it is."""
    joined = Text.joined(", ", ["video/mp4", Text("{number} bytes", number=7), Text("ranges work")])
    assert joined == "video/mp4, 7 bytes, ranges work"
    said = Words(Language.ITALIAN).say(joined)
    assert said == "video/mp4, 7 byte, gli intervalli funzionano"
