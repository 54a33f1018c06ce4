"""The console's words in the reader's language; the English text is the key of the others.

A text is written where it is said: ``t("Save")`` in a template, ``Text("At least {n}", n=12)``
where it is said later. Translations lie in ``words_it/*.toml``; tests/admin/web/test_i18n.py finds
what is not translated.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from markupsafe import Markup

_FOLDERS = Path(__file__).parent


class Language(StrEnum):
    """The languages of the console, by what browsers call them."""

    ENGLISH = "en"
    ITALIAN = "it"


NAMES: Mapping[Language, str] = {Language.ENGLISH: "English", Language.ITALIAN: "Italiano"}


@dataclass(frozen=True, slots=True, init=False)
class Text:
    """A text to be said in a language that is not known yet.

    Attributes:
        english: The key, with ``{names}`` where values go.
        values: By their names; a Text among them is translated too.
    """

    english: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def __init__(self, english: str, /, **values: Any) -> None:
        object.__setattr__(self, "english", english)
        object.__setattr__(self, "values", values)

    def __str__(self) -> str:
        return Words(Language.ENGLISH)(self.english, **self.values)


class Words:
    """Says texts in one language."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._known = translations(language)

    def __call__(self, english: str, /, **values: Any) -> str:
        """Return a text in the language, with its values filled in.

        Where a value is markup the whole is, and all else in it is escaped.
        """
        known = self._known.get(english, english)
        if not values:
            return known
        said = {name: self.say(value) for name, value in values.items()}
        if any(isinstance(value, Markup) for value in said.values()):
            return Markup(known).format(**said)  # noqa: S704 - our own words; format escapes values
        return known.format(**said)

    def count(self, one: str, many: str, /, number: int, **values: Any) -> str:
        """Return the text for a number of things, which it may name as ``{number}``."""
        return self(one if number == 1 else many, number=self.number(number), **values)

    def say(self, value: Any) -> Any:
        """Return a Text in the language, and anything else as it is."""
        return self(value.english, **value.values) if isinstance(value, Text) else value

    def number(self, value: int) -> str:
        """Return a number with the thousands marked as the language does."""
        return f"{value:,}".replace(",", "." if self.language is Language.ITALIAN else ",")

    def time(self, moment: datetime) -> str:
        """Return a moment for reading, in UTC; a script shows it in the reader's own zone."""
        moment = moment.astimezone(UTC)
        month = _MONTHS[self.language].split()[moment.month - 1]
        return f"{moment.day} {month} {moment:%Y, %H:%M} UTC"


_MONTHS: Mapping[Language, str] = {
    Language.ENGLISH: "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
    Language.ITALIAN: "gen feb mar apr mag giu lug ago set ott nov dic",
}


@cache
def translations(language: Language) -> Mapping[str, str]:
    """Return the translations of a language by their English text; none for English."""
    found: dict[str, str] = {}
    for path in sorted(_FOLDERS.glob(f"words_{language}/*.toml")):
        found |= tomllib.loads(path.read_text("utf-8"))
    return found


def preferred(accept_language: str) -> Language:
    """Return the language that an Accept-Language field prefers; English if we have none of it.

    RFC 9110, 12.5.4.
    """
    best, weight = Language.ENGLISH, 0.0
    for part in accept_language.split(","):
        tag, _, rest = part.strip().partition(";")
        known = _language_of(tag)
        quality = _quality(rest)
        if known is not None and quality > weight:
            best, weight = known, quality
    return best


def _language_of(tag: str) -> Language | None:
    primary = tag.strip().partition("-")[0].lower()
    return Language(primary) if primary in list(Language) else None


def _quality(parameters: str) -> float:
    found = re.fullmatch(r"\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*", parameters)
    return float(found[1]) if found else (0.0 if parameters.strip() else 1.0)
