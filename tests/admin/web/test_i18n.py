"""The console's texts: complete in every language, and said in the right one."""

import string
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po
from markupsafe import Markup

from proxy import errors
from proxy.admin.web.i18n import Language, Words, preferred
from proxy.errors import GatewayError
from proxy.text import Text
from tests.admin.nouns import OPERATIONS

PROJECT = Path(__file__).parents[3]
LOCALE = PROJECT / "proxy" / "admin" / "web" / "locale"
TEMPLATE = LOCALE / "console.pot"
OTHERS = [language for language in Language if language is not Language.ENGLISH]


def _catalogue(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, abort_invalid=True)


def _texts(catalogue: Catalog) -> dict[str | tuple[str, ...], Message]:
    """Return the messages of a catalogue by their English text; its header is none of them."""
    return {_key(message): message for message in catalogue if message.id}


def _key(message: Message) -> str | tuple[str, ...]:
    return message.id if isinstance(message.id, str) else tuple(message.id)


def test_the_template_is_up_to_date(tmp_path: Path) -> None:
    """Every text of the code and the templates is in the file that translations start from."""
    extracted = tmp_path / "console.pot"
    subprocess.run(
        [sys.executable, "-m", "babel.messages.frontend", "-q", "extract", "-o", extracted],
        cwd=PROJECT,
        check=True,
    )
    found, known = _texts(_catalogue(extracted)), _texts(_catalogue(TEMPLATE))
    assert (found.keys() - known.keys(), known.keys() - found.keys()) == (set(), set()), (
        "run `make messages`, and translate what is new"
    )


def test_what_errors_tell_people_is_translated_too() -> None:
    """The public text of every error is among those that translators get."""
    told = {
        error.public
        for error in vars(errors).values()
        if isinstance(error, type) and issubclass(error, GatewayError)
    }
    assert told <= _texts(_catalogue(TEMPLATE)).keys()


def test_what_the_api_does_is_translated_too() -> None:
    """The summary and the tag of every operation are among them."""
    shown = {text for each in OPERATIONS for text in (each.summary, each.tag)}
    assert shown <= _texts(_catalogue(TEMPLATE)).keys()


@pytest.fixture(params=OTHERS)
def catalogue(request: pytest.FixtureRequest) -> Catalog:
    return _catalogue(LOCALE / request.param / "LC_MESSAGES" / "console.po")


def test_a_catalogue_has_every_text(catalogue: Catalog) -> None:
    """Nothing is missing, and nothing is translated that is not said anywhere."""
    assert _texts(catalogue).keys() == _texts(_catalogue(TEMPLATE)).keys()
    assert not catalogue.obsolete


def test_every_text_is_translated(catalogue: Catalog) -> None:
    """Each has a translation, in every plural form, that a person has confirmed."""
    assert not {
        key: _forms(message)
        for key, message in _texts(catalogue).items()
        if message.fuzzy or not all(_forms(message)) or not _has_its_plurals(message, catalogue)
    }


def test_translations_name_the_same_values(catalogue: Catalog) -> None:
    """A translation has the places for values that the English text has."""
    assert not {
        key: said
        for key, message in _texts(catalogue).items()
        for said in _forms(message)
        if _places(said) not in [_places(english) for english in _english(message)]
    }


def _english(message: Message) -> tuple[str, ...]:
    return (message.id,) if isinstance(message.id, str) else tuple(message.id)


def _forms(message: Message) -> tuple[str, ...]:
    return (message.string,) if isinstance(message.string, str) else tuple(message.string or ("",))


def _has_its_plurals(message: Message, catalogue: Catalog) -> bool:
    return len(_forms(message)) == (catalogue.num_plurals if message.pluralizable else 1)


def _places(text: str) -> set[str]:
    return set(_names(text))


def _names(text: str) -> Iterator[str]:
    for _, name, _, _ in string.Formatter().parse(text):
        if name is not None:
            yield name


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
    assert str(Text("At most {number} characters.", number=3)) == "At most 3 characters."


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
    assert Words(Language.ITALIAN).time_of_day(moment, "short") == "22:30 UTC"
    assert Words(Language.ENGLISH).time_of_day(moment, "medium") == "22:30:00 UTC"


def test_babel_is_not_loaded_at_the_start() -> None:
    """A connector whose console nobody opens does without Babel, which takes 10 MB."""
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, proxy.app.gateway; print('babel' in sys.modules)"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert loaded.stdout.strip() == "False"
