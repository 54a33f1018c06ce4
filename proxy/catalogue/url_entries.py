"""The lines of a content in the table of a connector: its addresses, or the lack of one; pure."""

import hashlib
import unicodedata
from dataclasses import dataclass

from proxy.connectors.identifiers import claims, strategy
from proxy.connectors.model import Connector
from proxy.thron.content import Content

# An address is at most 1024 octets; what is none is shown, so its beginning is enough.
_LONGEST_SHOWN = 200
_LONGEST_KEY = 100
_LONGEST_SOUGHT = 600  # of four octets each it fits into an index of PostgreSQL


@dataclass(frozen=True, slots=True, order=True)
class UrlEntry:
    """One line of the table for one content.

    Attributes:
        language: Lower case, with Identifier.PRETTY_ID; else empty.
        value: The identifier's value; empty where the content has none.
        is_addressable: Whether it can stand in a public URL.
        is_shortened: Whether the language is ``en`` where THRON has ``en_US``.
    """

    language: str
    value: str
    is_addressable: bool
    is_shortened: bool = False


def entries(connector: Connector, content: Content) -> tuple[UrlEntry, ...]:
    """Return the lines of a content, at least one: without any identifier an empty one."""
    found = {
        (each.language or "", each.value): UrlEntry(
            each.language or "",
            each.value,
            is_addressable=True,
            is_shortened=each.is_shortened,
        )
        for each in claims(connector, content)
    }
    by = strategy(connector)  # the identifiers as THRON has them, addresses or not
    for given_language, given in by.values(connector, content):
        language, value = given_language.lower(), by.compared(given)
        if value and (language, value) not in found:
            shown = clean(language)[:_LONGEST_SHOWN], clean(value)[:_LONGEST_SHOWN]
            found.setdefault(shown, UrlEntry(*shown, is_addressable=False))
    return tuple(found.values()) or (UrlEntry("", "", is_addressable=False),)


def catalogue_fingerprint(connector: Connector) -> str:
    """Return a digest that two connectors share where they have the same contents and addresses."""
    types = ",".join(sorted(connector.content_types))
    facts = [connector.folder_id, connector.subfolders, types, address_fingerprint(connector)]
    return _digest(*facts, *([] if connector.only_published else ["unpublished too"]))


def address_fingerprint(connector: Connector) -> str:
    """Return a digest that two connectors share where they name a content by the same addresses."""
    return _digest(
        connector.identifier,
        connector.metadata,
        connector.classification_id,
        connector.host is not None,
    )


def title(content: Content, language: str) -> str:
    """Return the title in a language, else the first there is, else nothing."""
    by_language = {each.language.lower(): each.text for each in reversed(content.titles)}
    first = content.titles[0].text if content.titles else ""
    return clean(by_language.get(language, first))


def sort_key(text: str) -> str:
    """Return what a text is sorted by: without case and accents, and cut."""
    return folded(text)[:_LONGEST_KEY]


def search_text(*texts: str | None) -> str:
    """Return what some texts are found by; together they are cut."""
    return "\n".join(folded(text) for text in texts if text)[:_LONGEST_SOUGHT]


def folded(text: str) -> str:
    """Return a text without case and accents: ``Perché`` and ``PERCHE`` are the same."""
    if text.isascii():  # most are, and nothing in ASCII comes apart
        return clean(text).lower()
    apart = unicodedata.normalize("NFKD", text)
    return clean("".join(each for each in apart if not unicodedata.combining(each)).casefold())


def clean(text: str) -> str:
    """Return a text as every database takes it: no NUL, no lone surrogates."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _digest(*facts: object) -> str:
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:32]
