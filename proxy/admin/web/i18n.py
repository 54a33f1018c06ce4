"""The console's texts, numbers and times in the reader's language.

A text is written in English where it is said: ``t("Save")`` in a template, ``Text("At least {n}",
n=12)`` where it is said later. ``make messages`` collects them for the translators, whose
catalogues are gettext's: ``locale/it/LC_MESSAGES/console.po``.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

from markupsafe import Markup

from proxy.text import Text

_CATALOGUES = Path(__file__).parent / "locale"


class Language(StrEnum):
    """The languages of the console, by what browsers call them."""

    ENGLISH = "en"
    ITALIAN = "it"


NAMES: Mapping[Language, str] = {Language.ENGLISH: "English", Language.ITALIAN: "Italiano"}


class Words:
    """Says texts, numbers and times in one language."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self.locale = _LOCALES[language]
        self._translations = translations(language)

    def __call__(self, english: str, /, **values: Any) -> str:
        """Return a text in the language, with its values filled in.

        Where a value is markup the whole is, and all else in it is escaped.
        """
        return self._filled(self._translations.gettext(english), values)

    def count(self, one: str, many: str, /, number: int, **values: Any) -> str:
        """Return the text for a number of things, which it may name as ``{number}``."""
        text = self._translations.ngettext(one, many, number)
        return self._filled(text, values | {"number": self.number(number)})

    def say(self, value: Any) -> Any:
        """Return a Text in the language, and anything else as it is."""
        return self(value.english, **value.values) if isinstance(value, Text) else value

    def number(self, value: int) -> str:
        """Return a whole number with its thousands marked."""
        from babel.numbers import format_decimal

        return format_decimal(value, locale=self.locale)

    def time(self, moment: datetime) -> str:
        """Return a moment for reading, in UTC; a script shows it in the reader's own zone."""
        from babel.dates import format_date, format_time, get_datetime_format

        moment = moment.astimezone(UTC)
        date = format_date(moment, "medium", locale=self.locale)
        time = format_time(moment, "short", locale=self.locale)
        return f"{str(get_datetime_format(locale=self.locale)).format(time, date)} UTC"

    def day(self, moment: datetime) -> str:
        """Return the day of a moment in UTC; a script shows it in the reader's own zone."""
        from babel.dates import format_date

        return format_date(moment.astimezone(UTC), "medium", locale=self.locale)

    def ago(self, age: timedelta) -> str:
        """Return how long ago something was, such as ``3 minutes ago``."""
        from babel.dates import format_timedelta

        return format_timedelta(-age, add_direction=True, locale=self.locale)

    def time_of_day(self, moment: datetime, length: Literal["short", "medium"]) -> str:
        """Return the time of a moment of today in UTC; ``medium`` with its seconds."""
        from babel.dates import format_time

        return f"{format_time(moment.astimezone(UTC), length, locale=self.locale)} UTC"

    def _filled(self, text: str, values: Mapping[str, Any]) -> str:
        if not values:
            return text
        said = {name: self.say(value) for name, value in values.items()}
        if any(isinstance(value, Markup) for value in said.values()):
            return Markup(text).format(**said)  # noqa: S704 - our own words; format escapes values
        return text.format(**said)


# Of English the British kind: its dates and times read the same way all over Europe.
_LOCALES: Mapping[Language, str] = {Language.ENGLISH: "en_GB", Language.ITALIAN: "it_IT"}


@cache
def translations(language: Language) -> NullTranslations:
    """Return the catalogue of a language; of English an empty one, for its texts are the keys."""
    if language is Language.ENGLISH:
        return NullTranslations()
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    # Read as its translators write it: that takes 50 ms, once, and no build has to compile it.
    with (_CATALOGUES / language / "LC_MESSAGES" / "console.po").open("rb") as file:
        catalogue = read_po(file, locale=language)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return GNUTranslations(compiled)


def preferred(accept_language: str) -> Language:
    """Return the language that an Accept-Language field prefers; English if we have none of it.

    RFC 9110, 12.5.4.
    """
    best, weight = Language.ENGLISH, 0.0
    for part in accept_language.split(","):
        tag, _, rest = part.strip().partition(";")
        primary = tag.strip().partition("-")[0].lower()
        given = re.fullmatch(r"\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*", rest)
        quality = float(given[1]) if given else (0.0 if rest.strip() else 1.0)
        if primary in list(Language) and quality > weight:
            best, weight = Language(primary), quality
    return best
