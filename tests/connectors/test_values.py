"""A connector as it is written: every key, every slip, every fix."""

from typing import Any

import pytest

from proxy.connectors import values
from proxy.connectors.model import (
    ALL_CONTENT_TYPES,
    KEYS,
    Connector,
    DeliveryMode,
    Disposition,
    Identifier,
    Problem,
    read,
    written,
)
from proxy.thron.content import ContentType

LEAST = {"slug": "files", "folder": "f-1", "identifier": "content_id"}
WHOLE: dict[str, Any] = {
    "slug": "skus",
    "enabled": False,
    "folder": "brochures",
    "subfolders": False,
    "content_types": ["image", "document"],
    "identifier": "metadata",
    "metadata": "sku",
    "force_https": True,
    "delivery": "published",
    "disposition": "inline",
    "only_published": True,
    "max_age_s": 0,
    "cdn_max_age_s": 86_400,
    "robots": "noindex, nofollow",
    "host": "media.example.com",
}


def test_defaults() -> None:
    """Slug, folder and identifier are enough."""
    assert read(LEAST) == Connector(slug="files", folder="f-1", identifier=Identifier.CONTENT_ID)


def test_every_key() -> None:
    """Every key has its place in the connector, and is written back as it was."""
    assert set(WHOLE) == set(KEYS)
    connector = read(WHOLE)
    assert connector == Connector(
        slug="skus",
        enabled=False,
        folder="brochures",
        subfolders=False,
        content_types=frozenset({ContentType.IMAGE, ContentType.OTHER}),
        identifier=Identifier.METADATA,
        metadata="sku",
        force_https=True,
        delivery=DeliveryMode.PUBLISHED,
        disposition=Disposition.INLINE,
        max_age_s=0,
        cdn_max_age_s=86_400,
        robots="noindex, nofollow",
        host="media.example.com",
    )
    assert isinstance(connector, Connector)
    assert written(connector) == WHOLE


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        pytest.param("slug", "Spring Films", ["cannot begin", '"spring-films"'], id="slug"),
        pytest.param("slug", "-a", ["no hyphen first", '"a"'], id="slug with a hyphen first"),
        pytest.param("slug", "x" * 64, ["at most 63"], id="slug too long"),
        pytest.param("slug", "a\n", ["\\x0a"], id="slug with a line break"),
        pytest.param("slug", "--A b--", ['such as "a-b"'], id="slug with hyphens around"),
        pytest.param("slug", "X" * 63 + "-y", [f'"{"x" * 63}"'], id="slug cut short"),
        pytest.param("slug", "y" * 62 + " z", [f'"{"y" * 62}"'], id="slug cut before a hyphen"),
        pytest.param("slug", "???", ["cannot begin"], id="slug without anything of use"),
        pytest.param("slug", "-", ["reserved"], id="reserved hyphen"),
        pytest.param("slug", "robots.txt", ["reserved"], id="reserved robots.txt"),
        pytest.param("slug", 7, ["string, not a number", "quotes"], id="slug of another type"),
        pytest.param("folder", "", ["no id of a THRON folder"], id="empty folder"),
        pytest.param("folder", "!_x", ["no id of a THRON folder"], id="negated folder"),
        pytest.param("folder", "a/b", ["no id of a THRON folder"], id="path as folder"),
        pytest.param("identifier", "prettyid", ['did you mean "pretty_id"?'], id="identifier"),
        pytest.param("identifier", "x", ["content_id, pretty_id, metadata"], id="no identifier"),
        pytest.param("delivery", "orignal", ['did you mean "original"?'], id="delivery"),
        pytest.param("disposition", "download", ["choose from attachment, inline"], id="disp"),
        pytest.param("enabled", "true", ["true or false", "without quotes"], id="quoted boolean"),
        pytest.param("subfolders", 1, ["true or false, not a number"], id="number as boolean"),
        pytest.param("force_https", [], ["true or false, not an array"], id="array as boolean"),
        pytest.param("content_types", "video", ["array, not a string"], id="no array"),
        pytest.param("content_types", [], ["nothing would be served"], id="no types"),
        pytest.param("content_types", ["all", "video"], ['"all" stands alone'], id="all and more"),
        pytest.param("content_types", ["vidoe"], ['did you mean "video"?'], id="misspelt type"),
        pytest.param("content_types", ["other"], ['documents are "document"'], id="THRON's word"),
        pytest.param("content_types", ["Documents"], ['documents are "document"'], id="plural"),
        pytest.param("content_types", ["file"], ['documents are "document"'], id="file"),
        pytest.param("content_types", ["PDF"], ['documents are "document"'], id="PDF"),
        pytest.param("content_types", ["a", "b"], ['. "b"'], id="two unknown types"),
        pytest.param("content_types", ["playlist"], ["choose from video"], id="never served"),
        pytest.param("content_types", [3, {}], ["a number", "a table"], id="types of no type"),
        pytest.param("max_age_s", -1, ["not a lifetime", "0"], id="negative lifetime"),
        pytest.param("max_age_s", 2**31, ["not a lifetime", "2147483647"], id="endless lifetime"),
        pytest.param("max_age_s", True, ["seconds, not a boolean"], id="boolean lifetime"),
        pytest.param("max_age_s", 1.5, ["whole number", "a fraction"], id="fraction of a second"),
        pytest.param("robots", "a\r\nSet-Cookie: b", ["\\x0d\\x0a"], id="header injection"),
        pytest.param("robots", "caffè", ["ASCII"], id="robots beyond ASCII"),
        pytest.param("robots", None, ["must be a string"], id="robots of no type"),
        pytest.param("host", "https://m.example.com/x", ['"m.example.com"'], id="URL as host"),
        pytest.param("host", "m.example.com:8080", ['"m.example.com"'], id="host with a port"),
        pytest.param("host", "caffè.example", ["xn--caff-8oa.example"], id="host beyond ASCII"),
        pytest.param("host", "*.example.com", ["media.example.com"], id="wildcard"),
        pytest.param("host", "10.0.0.1", ["media.example.com"], id="address as host"),
        pytest.param("host", "", ["not a host name"], id="empty host"),
        pytest.param("host", "a..b", ["not a host name"], id="empty label"),
        pytest.param("host", f"{'a' * 64}.example", ["not a host name"], id="long label"),
        pytest.param("host", ".".join(["abc"] * 64), ["not a host name"], id="long host"),
    ],
)
def test_problem(key: str, value: object, words: list[str]) -> None:
    """A value that cannot stand is told with its key and the fix, in one sentence or two."""
    problems = read({**LEAST, key: value})
    assert isinstance(problems, tuple)
    (problem,) = problems
    assert problem.key == key
    assert all(word in problem.text for word in words)
    assert problem.text[-1] in ".?"
    assert problem.text.isprintable()


@pytest.mark.parametrize(
    ("value", "words"),
    [
        pytest.param("", ["no key of a metadata"], id="empty"),
        pytest.param("a\nb", ["no key of a metadata"], id="line break"),
        pytest.param("x" * 151, ["no key of a metadata", "..."], id="too long"),
        pytest.param(["sku"], ["must be a string, not an array"], id="array"),
    ],
)
def test_metadata_problem(value: object, words: list[str]) -> None:
    """The key of a metadata must be one that THRON could have."""
    problems = read({**LEAST, "identifier": "metadata", "metadata": value})
    assert isinstance(problems, tuple)
    (problem,) = problems
    assert problem.key == "metadata"
    assert all(word in problem.text for word in words)


def test_metadata_and_identifier() -> None:
    """A metadata goes with its identifier, and only with it."""
    missing = read({**LEAST, "identifier": "metadata"})
    superfluous = read({**LEAST, "metadata": "sku"})
    assert isinstance(missing, tuple)
    assert isinstance(superfluous, tuple)
    assert [each.key for each in (*missing, *superfluous)] == ["metadata", "metadata"]
    assert missing[0].text.startswith("is missing")
    assert superfluous[0].text.startswith("is of no use")


def test_unpublished_contents_have_no_rendition() -> None:
    """All that is linked can be served as originals, and as nothing else."""
    found = read({**LEAST, "only_published": False})
    assert isinstance(found, Connector)
    assert not found.only_published
    (problem,) = problems = read({**LEAST, "only_published": False, "delivery": "published"})
    assert problems
    assert isinstance(problem, Problem)
    assert problem.key == "only_published"
    assert 'delivery = "original"' in problem.text


def test_all_problems_at_once() -> None:
    """Nothing that is wrong hides something else."""
    problems = read({"slug": "-", "enabld": True, "zzz": 1, "robots": 1})
    assert isinstance(problems, tuple)
    assert {each.key for each in problems} == {
        "slug",
        "enabld",
        "zzz",
        "robots",
        "folder",
        "identifier",
    }
    assert Problem("enabld", 'there is no such key; did you mean "enabled"?') in problems


def test_what_is_taken_as_it_is_meant() -> None:
    """A host in any case, a type named twice, every type by its name."""
    connector = read(
        {
            **LEAST,
            "host": "Media.Example.com.",
            "content_types": ["video", "image", "audio", "document", "video"],
        }
    )
    assert isinstance(connector, Connector)
    assert connector.host == "media.example.com"
    assert connector.content_types == ALL_CONTENT_TYPES
    assert written(connector)["content_types"] == ["all"]


def test_order_of_problems() -> None:
    """What is unknown is told first, then what is missing, then what cannot be."""
    found = read({"slug": "Bad Slug", "identifier": "content_id", "x": 1})
    assert isinstance(found, tuple)
    assert [each.key for each in found] == ["x", "folder", "slug"]


def test_each_missing_key_has_its_own_hint() -> None:
    """What is missing is named with how to write it."""
    found = read({})
    assert isinstance(found, tuple)
    assert [(each.key, each.text) for each in found] == [
        ("slug", 'is missing; name the connector, such as slug = "brochures".'),
        ("folder", "is missing; give the id or the prettyId of the THRON folder."),
        ("identifier", "is missing; choose from content_id, pretty_id, metadata."),
    ]


@pytest.mark.parametrize(
    ("values", "text"),
    [
        pytest.param({"slug": "s" * 64}, "use at most 63 lower-case letters", id="slug"),
        pytest.param(
            {"robots": "n" * 401}, "is too long; write at most 400 characters.", id="robots"
        ),
    ],
)
def test_what_is_too_long(values: dict[str, str], text: str) -> None:
    """A value that is too long is told with the limit."""
    found = read({**LEAST, **values})
    assert isinstance(found, tuple)
    assert text in found[0].text


@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param("max_age_s", 300.0, id="a number of JSON"),
        pytest.param("max_age_s", 2**31 - 1, id="the longest lifetime"),
        pytest.param("host", ".".join(["abcdefghi"] * 25) + ".abc", id="the longest host"),
        pytest.param("slug", "x" * 63, id="the longest slug"),
    ],
)
def test_the_last_that_fits(key: str, value: object) -> None:
    """Limits belong to what is possible."""
    connector = read({**LEAST, key: value})
    assert isinstance(connector, Connector)
    assert getattr(connector, key) == value


def test_no_hint_where_nothing_is_left() -> None:
    """A slug without a letter or digit is like no other one."""
    problems = read({**LEAST, "slug": "???"})
    assert isinstance(problems, tuple)
    assert "such as" not in problems[0].text


@pytest.mark.parametrize(
    ("word", "shown"),
    [("x" * 60, "x" * 60), ("x" * 61, "x" * 57 + "..."), ("a\tb", "a\\x09b")],
)
def test_shown(word: str, shown: str) -> None:
    """Up to sixty characters stand whole, longer ones are cut to that."""
    assert values.shown(word) == f'"{shown}"'
