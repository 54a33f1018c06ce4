"""The console's words: complete in every language, and said in the right one."""

import string
import tomllib
from datetime import datetime, timedelta, timezone

import pytest
from markupsafe import Markup

from proxy.admin.web.i18n import Language, Text, Words, preferred, translations
from tests.admin.said import CONSOLE, texts

OTHERS = [language for language in Language if language is not Language.ENGLISH]


@pytest.mark.parametrize("language", OTHERS)
def test_every_text_is_translated(language: Language) -> None:
    """Every text of the code and the templates has its translation."""
    missing = {text: place for text, place in texts().items() if text not in translations(language)}
    assert not missing, f"translate these in proxy/admin/web/words_{language}/: {missing}"


@pytest.mark.parametrize("language", OTHERS)
def test_nothing_is_translated_in_vain(language: Language) -> None:
    """What is translated is said somewhere."""
    vain = sorted(translations(language).keys() - texts().keys())
    assert not vain, f"take these out of proxy/admin/web/words_{language}/: {vain}"


@pytest.mark.parametrize("language", OTHERS)
def test_translations_name_the_same_values(language: Language) -> None:
    """A translation has the places for values that the English text has."""
    assert not {
        english: known
        for english, known in translations(language).items()
        if _places(english) != _places(known)
    }


def _places(text: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(text)} - {None}


@pytest.mark.parametrize("language", OTHERS)
def test_a_text_is_translated_once(language: Language) -> None:
    """No two files translate one text."""
    found: list[str] = []
    for path in CONSOLE.glob(f"web/words_{language}/*.toml"):
        found += tomllib.loads(path.read_text("utf-8"))
    assert len(found) == len(set(found))


@pytest.mark.parametrize(
    ("field", "language"),
    [
        pytest.param("", Language.ENGLISH, id="not said"),
        pytest.param("it", Language.ITALIAN, id="Italian"),
        pytest.param("it-CH, en;q=0.9", Language.ITALIAN, id="of a region"),
        pytest.param("en;q=0.5, it;q=0.8", Language.ITALIAN, id="by weight"),
        pytest.param("de, fr;q=0.9", Language.ENGLISH, id="none of ours"),
        pytest.param("de, it;q=0.1", Language.ITALIAN, id="better than nothing"),
        pytest.param("it;q=0, en;q=0.1", Language.ENGLISH, id="not wanted"),
        pytest.param("it;q=x;;,,", Language.ENGLISH, id="nonsense"),
    ],
)
def test_preferred_language(field: str, language: Language) -> None:
    """Accept-Language chooses among the languages that there are."""
    assert preferred(field) is language


def test_values() -> None:
    """Values stand in their places, and a Text among them is translated too."""
    words = Words(Language.ITALIAN)
    assert words("Revoke {name}", name=Text("never")) == "Revoca mai"
    assert words("not a key at all") == "not a key at all"


def test_markup_among_the_values() -> None:
    """Where a value is markup, the whole is, and what is not markup is escaped."""
    said = Words(Language.ENGLISH)("{a} and {b}", a=Markup("<b>x</b>"), b="<i>")
    assert (said, isinstance(said, Markup)) == ("<b>x</b> and &lt;i&gt;", True)


@pytest.mark.parametrize(
    ("language", "number", "said"),
    [
        pytest.param(Language.ENGLISH, 1, "1 value", id="one"),
        pytest.param(Language.ENGLISH, 1234567, "1,234,567 values", id="many"),
        pytest.param(Language.ITALIAN, 0, "0 valori", id="none"),
        pytest.param(Language.ITALIAN, 12345, "12.345 valori", id="many in Italian"),
    ],
)
def test_numbers(language: Language, number: int, said: str) -> None:
    """Numbers of things are said as the language does."""
    assert Words(language).count("{number} value", "{number} values", number) == said


def test_times() -> None:
    """A moment is said in UTC, in the words of the language."""
    moment = datetime(2026, 5, 3, 0, 30, tzinfo=timezone(timedelta(hours=2)))
    assert Words(Language.ENGLISH).time(moment) == "2 May 2026, 22:30 UTC"
    assert Words(Language.ITALIAN).time(moment) == "2 mag 2026, 22:30 UTC"
