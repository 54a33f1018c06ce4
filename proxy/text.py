"""Texts for people: English in logs, terminals and the API; in the reader's language on pages."""

from collections.abc import Iterable, Mapping
from typing import Any, Self

import orjson


class Text(str):
    """A text to be said in a language that is not known yet; as a string it is its English.

    ``make messages`` collects the literals that it is made with for the translators, so its values
    are named and not written into it.

    Attributes:
        english: The key of its translation, with ``{names}`` where values go.
        values: By their names; a Text among them is translated too.
    """

    __slots__ = ("english", "values")

    english: str
    values: Mapping[str, Any]

    def __new__(cls, english: str, /, **values: Any) -> Self:
        """Make a text."""
        self = super().__new__(cls, english.format(**values) if values else english)
        self.english = english
        self.values = values
        return self

    @classmethod
    def joined(cls, separator: str, texts: Iterable[str]) -> "Text":
        """Return several texts as one, each in the reader's language."""
        values = {f"text{number}": each for number, each in enumerate(texts)}
        return cls(separator.join(f"{{{name}}}" for name in values), **values)

    @classmethod
    def from_json(cls, document: str) -> str:
        """Return what ``to_json`` wrote; a string that it did not write comes back as it is."""
        try:
            return cls._read(orjson.loads(document))
        except (ValueError, LookupError, TypeError, AttributeError):
            return document

    def to_json(self) -> str:
        """Return the text as JSON, to be said later by whoever reads it back."""
        return orjson.dumps(_members(self), default=str).decode()

    @classmethod
    def _read(cls, members: Any) -> Self:
        values = members["values"].items()
        return cls(
            members["english"],
            **{name: cls._read(each) if isinstance(each, dict) else each for name, each in values},
        )


def _members(text: Text) -> dict[str, Any]:
    values = text.values.items()
    return {
        "english": text.english,
        "values": {
            name: _members(each) if isinstance(each, Text) else each for name, each in values
        },
    }
