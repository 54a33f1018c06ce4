"""Which contents a search asks for: pure, in the words of docs/thron.md 4.2 to 4.4."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from proxy.sandbox.content import SimulatedContent
from proxy.sandbox.envelope import invalid, many, part

Test = Callable[[SimulatedContent], bool]

_SHORTENED = ("%Y", "%Y-%m", "%Y-%m-%d")


def search_tests(criteria: Mapping[str, Any], folders: Callable[[Any], frozenset[str]]) -> Test:
    """Return the test that content/search criteria amount to.

    Args:
        criteria: Between different criteria AND, inside a list OR; unknown ones are ignored.
        folders: Gives the folder ids that one ``{"id", "cascade"}`` stands for.
    """
    tests = [
        *_listed(criteria.get("ids"), lambda c: {c.id}),
        *_listed(criteria.get("contentType"), lambda c: {c.content_type}),
        *_listed(criteria.get("sourceExtensions"), lambda c: {c.version.extension}),
        *_listed(criteria.get("lang"), lambda c: set(c.titles)),
        *_linked(part(criteria, "linkedCategories"), folders),
        *_imetadata(part(criteria, "imetadata")),
        *_dates(criteria),
        *_words(criteria),
    ]
    return lambda content: all(test(content) for test in tests)


def properties_tests(
    criteria: Mapping[str, Any], folders: Callable[[Any], frozenset[str]], ids: frozenset[str]
) -> Test:
    """Return the test that content/findByProperties criteria amount to.

    Args:
        criteria: As docs/thron.md 4.4 has them.
        folders: Gives the folder ids that one folder id or prettyId stands for.
        ids: What ``contentIds`` came to, each an id, a prettyId or an externalId.
    """
    key_values = [
        (str(one.get("key")), one.get("classificationId"), str(one.get("value")))
        for one in many(part(criteria, "imetadataKeyOp").get("imetadata"))
    ]
    tests: list[Test] = [
        *([lambda content: content.id in ids] if criteria.get("contentIds") else []),
        *_listed(criteria.get("contentType"), lambda c: {c.content_type}),
        *linked_category_op(part(criteria, "linkedCategoryOp"), folders),
        *_legacy(many(criteria.get("metadatas"))),
        *([lambda content: all(_has(content, *one) for one in key_values)] if key_values else []),
    ]
    return lambda content: all(test(content) for test in tests)


def linked_category_op(
    criteria: Mapping[str, Any], folders: Callable[[Any], frozenset[str]]
) -> Iterable[Test]:
    """Yield the test of a ``linkedCategoryOp``; a folder prefixed with ``!_`` means NOT."""
    named = [str(one) for one in many(criteria.get("linkedCategoryIds"))]
    cascade = bool(criteria.get("cascade"))
    wanted = [folders({"id": one, "cascade": cascade}) for one in named if one[:2] != "!_"]
    barred = [folders({"id": one[2:], "cascade": cascade}) for one in named if one[:2] == "!_"]
    if wanted:
        yield lambda content: any(not one.isdisjoint(content.folder_ids) for one in wanted)
    if barred:
        yield lambda content: all(one.isdisjoint(content.folder_ids) for one in barred)


def moment(value: Any) -> datetime:
    """Return the time that a request names: ISO, shortened ISO, or epoch milliseconds.

    Raises:
        Refused: It is none of these.
    """
    text = str(value)
    if re.fullmatch(r"[0-9]{5,}", text):
        return datetime.fromtimestamp(int(text) / 1000, UTC)
    for shape in _SHORTENED:
        try:
            return datetime.strptime(text, shape).replace(tzinfo=UTC)
        except ValueError:
            continue
    try:
        read = datetime.fromisoformat(text)
    except ValueError as exc:
        raise invalid(f"{text!r} is no date") from exc
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def pattern(expression: str) -> re.Pattern[str]:
    r"""Compile a Java regular expression, with its ``\Q...\E`` quoting, ignoring case.

    Raises:
        Refused: It is no regular expression.
    """
    parts = re.split(r"\\Q(.*?)(?:\\E|$)", expression, flags=re.DOTALL)
    translated = "".join(re.escape(p) if n % 2 else p for n, p in enumerate(parts))
    try:
        return re.compile(translated, re.IGNORECASE)
    except re.error as exc:
        raise invalid("not a regular expression") from exc


def _listed(wanted: Any, values: Callable[[SimulatedContent], set[str]]) -> Iterable[Test]:
    names = frozenset(str(one) for one in many(wanted))
    if names:
        yield lambda content: not names.isdisjoint(values(content))


def _linked(
    criteria: Mapping[str, Any], folders: Callable[[Any], frozenset[str]]
) -> Iterable[Test]:
    any_of = [folders(one) for one in many(criteria.get("haveAtLeastOne"))]
    all_of = [folders(one) for one in many(criteria.get("haveAll"))]
    none_of = [folders(one) for one in many(criteria.get("haveNot"))]
    if any_of:
        yield lambda content: any(not one.isdisjoint(content.folder_ids) for one in any_of)
    if all_of:
        yield lambda content: all(not one.isdisjoint(content.folder_ids) for one in all_of)
    if none_of:
        yield lambda content: all(one.isdisjoint(content.folder_ids) for one in none_of)


def _imetadata(criteria: Mapping[str, Any]) -> Iterable[Test]:
    any_of = [_metadatum(one) for one in many(criteria.get("haveAtLeastOne"))]
    all_of = [_metadatum(one) for one in many(criteria.get("haveAll"))]
    if any_of:
        yield lambda content: any(_has(content, *one) for one in any_of)
    if all_of:
        yield lambda content: all(_has(content, *one) for one in all_of)


def _metadatum(one: Mapping[str, Any]) -> tuple[str, str | None, str]:
    return str(one.get("key")), one.get("classificationId"), str(one.get("value"))


def _has(content: SimulatedContent, key: str, classification_id: str | None, value: str) -> bool:
    # Exact and case-sensitive (docs/thron.md 4.2).
    return any(
        (held_key, held_value) == (key, value) and classification_id in {None, "", classification}
        for classification, held_key, _, held_value in content.imetadata
    )


def _dates(criteria: Mapping[str, Any]) -> Iterable[Test]:
    for name, attribute in (("lastUpdate", "last_update"), ("creationDate", "creation_date")):
        span = part(criteria, name)
        since = moment(span["from"]) if span.get("from") else datetime.min.replace(tzinfo=UTC)
        until = moment(span["to"]) if span.get("to") else datetime.max.replace(tzinfo=UTC)
        if span:
            yield _dated(attribute, since, until)


def _dated(attribute: str, since: datetime, until: datetime) -> Test:
    return lambda content: since <= getattr(content, attribute) <= until


def _words(criteria: Mapping[str, Any]) -> Iterable[Test]:
    title = criteria.get("title")
    lemma = part(criteria, "lemma").get("text")
    if isinstance(title, str) and title:
        yield lambda content: _says(title, content.titles.values())
    if isinstance(lemma, str) and lemma:
        yield lambda content: _says(
            lemma,
            (
                *content.titles.values(),
                *content.descriptions.values(),
                *(value for *_, value in content.imetadata),
            ),
        )


def _says(words: str, texts: Iterable[str]) -> bool:
    return any(words.lower() in text.lower() for text in texts)


def _legacy(criteria: list[Any]) -> Iterable[Test]:
    # Several criteria are OR unless one is named #AND_OPERATOR# (docs/thron.md 4.4).
    combine = all if any(one.get("name") == "#AND_OPERATOR#" for one in criteria) else any
    wanted = [
        (str(one.get("name")), pattern(str(one.get("value", ""))))
        for one in criteria
        if one.get("name") != "#AND_OPERATOR#"
    ]
    if wanted:
        yield lambda content: combine(_matches(content, name, value) for name, value in wanted)


def _matches(content: SimulatedContent, name: str, value: re.Pattern[str]) -> bool:
    held = [text for key, _, text in content.legacy_metadatas if key == name]
    return any(value.search(text) for text in held)
