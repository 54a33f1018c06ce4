"""The TOML document of connectors, both ways."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.connectors.document import export, parse
from proxy.connectors.model import Connector, DeliveryMode, Disposition, Identifier
from proxy.errors import ConfigurationError
from proxy.thron.content import ContentType

SAMPLE = """
# What the web team asked for.
[[connector]]
slug = "brochures"
folder = "5f0c"
content_types = ["all"]
identifier = "pretty_id"

[[connector]]
slug = "films"
folder = "films"
content_types = ["video"]
identifier = "metadata"
metadata = "sku"
host = "films.example.com"
"""


def test_parse() -> None:
    """Connectors are read in the document's order."""
    assert parse(SAMPLE) == (
        Connector(slug="brochures", folder="5f0c", identifier=Identifier.PRETTY_ID),
        Connector(
            slug="films",
            folder="films",
            content_types=frozenset({ContentType.VIDEO}),
            identifier=Identifier.METADATA,
            metadata="sku",
            host="films.example.com",
        ),
    )


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("# later\n", id="a comment"),
        pytest.param("\ufeff", id="a byte order mark"),
        pytest.param("connector = []\n", id="an empty array"),
    ],
)
def test_no_connectors(text: str) -> None:
    """A document without connectors is one."""
    assert parse(text) == ()


def test_windows_text() -> None:
    """An editor that ends lines its own way, and begins with a mark, does no harm."""
    assert parse("\ufeff" + SAMPLE.replace("\n", "\r\n")) == parse(SAMPLE)


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        pytest.param("slug = \n", ["not TOML: Invalid value (at line 1, column 8)"], id="syntax"),
        pytest.param("a = 1\na = 2\n", ["line 2"], id="a key twice"),
        pytest.param(
            SAMPLE.replace("[[connector]]", "[[connectors]]"),
            ["connectors: there is no such table or key; write every connector as [[connector]]"],
            id="another name",
        ),
        pytest.param(
            '[connector]\nslug = "-"\nfolder = "f"\nidentifier = "content_id"\n',
            ["two brackets", 'connector 1, slug: "-" is reserved'],
            id="one bracket",
        ),
        pytest.param("connector = 1\n", ["two brackets"], id="no table"),
        pytest.param("connector = [1]\n", ["two brackets"], id="an array of no tables"),
        pytest.param(
            SAMPLE.replace('"films"', '"brochures"').replace("folder =", "foldr ="),
            [
                'connector 1 "brochures", foldr: there is no such key; did you mean "folder"?',
                'connector 1 "brochures", folder: is missing',
                'connector 2 "brochures", foldr:',
                'connector 2 "brochures", folder: is missing',
                'connectors 1 and 2, slug: all have "brochures"',
            ],
            id="several",
        ),
        pytest.param(
            SAMPLE + '[[connector]]\nslug="x"\nfolder="f"\nidentifier="content_id"\n'
            'host="Films.Example.COM."\n',
            ['connectors 2 and 3, host: all have "films.example.com"'],
            id="one host for two, in any case",
        ),
        pytest.param(
            '[[connector]]\nslug = "A b"\nfolder = 1979-05-27\nidentifier = "content_id"\n',
            ["connector 1, slug:", "connector 1, folder: must be a string, not a date or time"],
            id="a slug that cannot name it",
        ),
    ],
)
def test_problems(text: str, problems: list[str]) -> None:
    """Every problem is told at once, with its place and its fix."""
    with pytest.raises(ConfigurationError) as caught:
        parse(text)
    assert len(caught.value.problems) == len(problems)
    for told, problem in zip(caught.value.problems, problems, strict=True):
        assert problem in told


def _by_metadata(connector: Connector, key: str) -> Connector:
    return connector.model_copy(update={"identifier": Identifier.METADATA, "metadata": key})


CONNECTORS = st.builds(
    Connector,
    slug=st.from_regex(r"[a-z0-9][a-z0-9-]{0,62}", fullmatch=True),
    folder=st.from_regex(r"[A-Za-z0-9_-]{1,150}", fullmatch=True),
    identifier=st.sampled_from([Identifier.CONTENT_ID, Identifier.PRETTY_ID]),
    enabled=st.booleans(),
    subfolders=st.booleans(),
    content_types=st.frozensets(st.sampled_from(ContentType), min_size=1),
    force_https=st.booleans(),
    delivery=st.sampled_from(DeliveryMode),
    disposition=st.sampled_from(Disposition),
    max_age_s=st.integers(0, 2**31 - 1),
    robots=st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E)).map(str.strip),
)
KEYS = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=50).filter(
    str.strip
)


@given(st.lists(CONNECTORS | st.builds(_by_metadata, CONNECTORS, KEYS), max_size=4))
def test_round_trip(connectors: list[Connector]) -> None:
    """What is exported is read back as it was, hosts and awkward words too."""
    distinct = [
        each.model_copy(
            update={"slug": f"c{place}", "host": f"h{place}.example.com" if place % 2 else None}
        )
        for place, each in enumerate(connectors)
    ]
    assert parse(export(distinct)) == tuple(distinct)


def test_export_of_what_is_resolved() -> None:
    """A folder is exported as the operator wrote it, without what THRON made of it."""
    (connector, _) = parse(SAMPLE)
    assert export(
        [connector.model_copy(update={"folder_id": "5f0c-uuid", "classification_id": "c"})]
    ) == export([connector])
