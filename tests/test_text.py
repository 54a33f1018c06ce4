"""Texts for people, in a language that is known later."""

import copy

import orjson
import pytest

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


def test_kept_and_said_later() -> None:
    """A text that was written down is the same one, with all that it is made of."""
    kept = Text.joined("; ", ["{as it is}", Text("{number} bytes", number=7)])
    read = Text.from_json(kept.to_json())
    assert (read, type(read)) == ("{as it is}; 7 bytes", Text)
    assert Words(Language.ITALIAN).say(read) == "{as it is}; 7 byte"


@pytest.mark.parametrize(
    "kept",
    [
        "The listing broke off: THRON answered 503",
        "7",
        "[]",
        '{"resultCode": "OK"}',
        '{"english": "{number} bytes", "values": {"other": 1}}',
        '{"english": "{number} bytes", "values": 1}',
    ],
)
def test_what_is_no_kept_text_stays_as_it_is(kept: str) -> None:
    """Earlier releases wrote the plain English."""
    assert (Text.from_json(kept), type(Text.from_json(kept))) == (kept, str)
