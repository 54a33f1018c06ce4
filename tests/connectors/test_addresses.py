"""Public addresses, both ways (RFC 3986, 3.3; RFC 9112, 3.2)."""

import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from proxy.connectors.addressability import LONGEST_SEGMENT, is_language
from proxy.connectors.addresses import (
    LONGEST_PATH,
    Address,
    Part,
    disposition_override,
    illustrative,
    parse,
    parse_url,
    public_url,
)
from proxy.connectors.identifiers import is_addressable
from proxy.connectors.model import Connector, Connectors, Disposition, Identifier
from proxy.errors import MalformedPath, UnknownAddress

BASE = "https://dl.example.com"
FILES = Connector(slug="files", folder="f", identifier=Identifier.CONTENT_ID)
NAMES = Connector(slug="names", folder="f", identifier=Identifier.PRETTY_ID)
SKUS = Connector(slug="skus", folder="f", identifier=Identifier.METADATA, metadata="sku")
HOST_FILES = FILES.model_copy(update={"slug": "h-files", "host": "files.example.com"})
HOST_NAMES = NAMES.model_copy(update={"slug": "h-names", "host": "names.example.com"})
HOST_SKUS = SKUS.model_copy(update={"slug": "h-skus", "host": "skus.example.com"})
OFF = FILES.model_copy(update={"slug": "off", "enabled": False})
HOST_OFF = FILES.model_copy(update={"slug": "h-off", "enabled": False, "host": "off.example.com"})
ALL = Connectors(1, (FILES, NAMES, SKUS, HOST_FILES, HOST_NAMES, HOST_SKUS, OFF, HOST_OFF))


@pytest.mark.parametrize(
    ("target", "address", "file_name"),
    [
        pytest.param("/files/c-1", Address("files", None, "c-1"), None, id="content id"),
        pytest.param("/files/c-1/", Address("files", None, "c-1"), None, id="trailing slash"),
        pytest.param("/files/c-1/a.pdf", Address("files", None, "c-1"), "a.pdf", id="file name"),
        pytest.param(
            "/files/c-1/%C3%A0%2Fb%20%22.pdf",
            Address("files", None, "c-1"),
            'à/b ".pdf',
            id="file name of any characters",
        ),
        pytest.param("/files/c-1?download", Address("files", None, "c-1"), None, id="query"),
        pytest.param("/files/c-1?a=/../%", Address("files", None, "c-1"), None, id="any query"),
        pytest.param("/files/%63-1", Address("files", None, "c-1"), None, id="needless encoding"),
        pytest.param("/names/en/Film", Address("names", "en", "Film"), None, id="prettyId"),
        pytest.param("/names/EN/Film/x.mp4", Address("names", "en", "Film"), "x.mp4", id="upper"),
        pytest.param("/names/pt_BR/f", Address("names", "pt_br", "f"), None, id="region"),
        pytest.param("/skus/AB%2F12", Address("skus", None, "AB/12"), None, id="slash in value"),
        pytest.param("/skus/AB%2f12/x", Address("skus", None, "AB/12"), "x", id="lower-case hex"),
        pytest.param("/skus/..%2F..", Address("skus", None, "../.."), None, id="dots in a value"),
        pytest.param("/skus/...", Address("skus", None, "..."), None, id="three dots"),
        pytest.param("/skus/%252e", Address("skus", None, "%2e"), None, id="decoded once"),
        pytest.param("/skus/a+b", Address("skus", None, "a+b"), None, id="plus is a plus"),
        pytest.param("/skus/a;b=c", Address("skus", None, "a;b=c"), None, id="no parameters"),
        pytest.param("/skus/caffe%CC%80", Address("skus", None, "caff\u00e8"), None, id="NFC"),
        pytest.param("/skus/caff\u00e8", Address("skus", None, "caff\u00e8"), None, id="raw UTF-8"),
        pytest.param("/skus/robots.txt", Address("skus", None, "robots.txt"), None, id="not first"),
        pytest.param(
            "http://other.example/files/c-1?x",
            Address("files", None, "c-1"),
            None,
            id="absolute-form",
        ),
    ],
)
def test_parse(target: str, address: Address, file_name: str | None) -> None:
    """A request target names a connector, an address in it, and maybe a file name."""
    path = parse(target, host="dl.example.com", connectors=ALL)
    assert (path.address, path.file_name) == (address, file_name)
    assert path.connector.slug == address.connector


@pytest.mark.parametrize(
    "target",
    [
        pytest.param("", id="empty"),
        pytest.param("*", id="asterisk-form"),
        pytest.param("files/c-1", id="no slash first"),
        pytest.param("dl.example.com:443", id="authority-form"),
        pytest.param("ftp://dl.example.com/files/c-1", id="another scheme"),
        pytest.param("http:///files/c-1", id="no authority"),
        pytest.param("/files/../files/c-1", id="dot segments"),
        pytest.param("/files/./c-1", id="dot segment"),
        pytest.param("/files/c-1/..", id="dot segments last"),
        pytest.param("/files/%2e%2e/c-1", id="encoded dot segments"),
        pytest.param("/files/.%2E/c-1", id="half encoded dot segments"),
        pytest.param("/files/%2E/c-1", id="encoded dot segment"),
        pytest.param("/unknown/..", id="before any look-up"),
        pytest.param("/files/c%00", id="null"),
        pytest.param("/files/c-1/a%0D%0Ab", id="line break"),
        pytest.param("/files/c-1/%7F", id="delete"),
        pytest.param("/files/c-1/%C2%85", id="C1 control"),
        pytest.param("/files/c-1/a b", id="raw space"),
        pytest.param("/files/c-1/a\tb", id="raw tab"),
        pytest.param("/files/c-1#x", id="fragment"),
        pytest.param("/files/%", id="lone percent"),
        pytest.param("/files/%4", id="cut percent"),
        pytest.param("/files/%zz", id="no hex"),
        pytest.param("/files/%u0041", id="no such encoding"),
        pytest.param("/skus/%FF", id="no UTF-8"),
        pytest.param("/skus/%C3", id="cut UTF-8"),
        pytest.param("/skus/%C0%AF", id="overlong UTF-8"),
        pytest.param("/skus/%ED%A0%80", id="encoded surrogate"),
        pytest.param("/skus/\udcff", id="raw octet that is no UTF-8"),
        pytest.param("/skus/\ud800", id="lone surrogate"),
        pytest.param("/skus/" + "x" * (LONGEST_SEGMENT + 1), id="segment too long"),
        pytest.param("/skus" + "/x" * (LONGEST_PATH // 2), id="path too long"),
    ],
)
def test_malformed(target: str) -> None:
    """What no address can look like is refused before any look-up."""
    with pytest.raises(MalformedPath):
        parse(target, host=None, connectors=Connectors(0, ()))


@pytest.mark.parametrize(
    "target",
    [
        pytest.param("/", id="root"),
        pytest.param("/x" * (LONGEST_PATH // 2), id="just not too long"),
        pytest.param("//files/c-1", id="empty first segment"),
        pytest.param("http://dl.example.com", id="absolute-form of the root"),
        pytest.param("/nothing/c-1", id="no such connector"),
        pytest.param("/FILES/c-1", id="slugs are lower case"),
        pytest.param("/files", id="no content"),
        pytest.param("/files/", id="no content after the slash"),
        pytest.param("/files//", id="empty content"),
        pytest.param("/files//x", id="empty content with a file name"),
        pytest.param("/files/c-1/x/", id="slash after the file name"),
        pytest.param("/files/c-1/x/y", id="too many segments"),
        pytest.param("/files/c.1", id="no content id"),
        pytest.param("/files/" + "x" * 151, id="no content id, too long"),
        pytest.param("/files/a%2Fb", id="no content id, slash"),
        pytest.param("/names", id="no language"),
        pytest.param("/names/en", id="no prettyId"),
        pytest.param("/names/en/", id="no prettyId after the slash"),
        pytest.param("/names/engl/x", id="no such language"),
        pytest.param("/names/e%2Fn/x", id="slash in the language"),
        pytest.param("/names/en/a.b", id="no prettyId, dot"),
        pytest.param("/names/en/x/y/z", id="too many segments after a prettyId"),
        pytest.param("/skus", id="no value"),
        pytest.param("/off/c-1", id="disabled"),
        pytest.param("/h-files/c-1", id="has a host of its own"),
        pytest.param("/-/livez", id="the gateway's"),
        pytest.param("/robots.txt", id="robots.txt"),
        pytest.param("/favicon.ico", id="favicon.ico"),
        pytest.param("/.well-known/security.txt", id="well-known"),
        pytest.param("/%2Dx", id="encoded hyphen"),
    ],
)
def test_unknown(target: str) -> None:
    """What is well formed but no enabled connector's address is unknown."""
    with pytest.raises(UnknownAddress):
        parse(target, host="dl.example.com", connectors=ALL)


@pytest.mark.parametrize(
    ("host", "target", "address"),
    [
        pytest.param("files.example.com", "/c-1", Address("h-files", None, "c-1"), id="no slug"),
        pytest.param(
            "Files.Example.com:8080", "/c-1/x", Address("h-files", None, "c-1"), id="port"
        ),
        pytest.param("names.example.com", "/IT/f", Address("h-names", "it", "f"), id="language"),
        pytest.param(
            "skus.example.com", "/files", Address("h-skus", None, "files"), id="not a slug"
        ),
        pytest.param(
            "dl.example.com",
            "http://files.example.com/c-1",
            Address("h-files", None, "c-1"),
            id="absolute-form goes before Host",
        ),
        pytest.param(
            None, "http://user@files.example.com:80/c-1", Address("h-files", None, "c-1"), id="user"
        ),
    ],
)
def test_host(host: str | None, target: str, address: Address) -> None:
    """On its own host a connector answers without slug."""
    assert parse(target, host=host, connectors=ALL).address == address


@pytest.mark.parametrize(
    ("host", "target"),
    [
        pytest.param("names.example.com", "/files/c-1", id="another connector's slug"),
        pytest.param("files.example.com", "/h-files/c-1/x", id="its own slug"),
        pytest.param("off.example.com", "/c-1", id="disabled"),
        pytest.param("off.example.com", "/files/c-1", id="disabled, and a slug"),
        pytest.param("skus.example.com", "/robots.txt", id="robots.txt"),
        pytest.param("skus.example.com", "/-/livez", id="the gateway's"),
        pytest.param("files.example.com", "/", id="root"),
        pytest.param("dl.example.com", "/c-1", id="another host"),
        pytest.param(None, "/c-1", id="no host"),
    ],
)
def test_unknown_on_host(host: str | None, target: str) -> None:
    """On a connector's own host nothing else is looked up."""
    with pytest.raises(UnknownAddress):
        parse(target, host=host, connectors=ALL)


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        pytest.param("", None, id="nothing"),
        pytest.param("download", Disposition.ATTACHMENT, id="download"),
        pytest.param("inline", Disposition.INLINE, id="inline"),
        pytest.param("download=", Disposition.ATTACHMENT, id="empty value"),
        pytest.param("inline=1", Disposition.INLINE, id="any value"),
        pytest.param("inline&download", Disposition.INLINE, id="the first counts"),
        pytest.param("utm=x&download", Disposition.ATTACHMENT, id="among others"),
        pytest.param("downloads", None, id="another name"),
        pytest.param("x=download", None, id="a value is no name"),
        pytest.param("Download", None, id="another case"),
        pytest.param("&&=", None, id="nothing but separators"),
    ],
)
def test_disposition_override(query: str, asked: Disposition | None) -> None:
    """Two parameters override the disposition, and no other is read."""
    assert disposition_override(query) is asked


@pytest.mark.parametrize(
    ("connector", "base", "language", "value", "file_name", "url"),
    [
        pytest.param(FILES, BASE, None, "c-1", None, f"{BASE}/files/c-1", id="content id"),
        pytest.param(
            FILES, f"{BASE}/", None, "c-1", "a b.pdf", f"{BASE}/files/c-1/a%20b.pdf", id="name"
        ),
        pytest.param(FILES, BASE, "en", "c-1", None, f"{BASE}/files/c-1", id="language ignored"),
        pytest.param(FILES, BASE, None, "c-1", "..", f"{BASE}/files/c-1", id="dots are no name"),
        pytest.param(
            FILES, BASE, None, "c-1", "a/b\r\n.pdf", f"{BASE}/files/c-1/a_b.pdf", id="tidied"
        ),
        pytest.param(NAMES, BASE, "EN", "Film", None, f"{BASE}/names/en/Film", id="prettyId"),
        pytest.param(SKUS, BASE, None, "a/è%", None, f"{BASE}/skus/a%2F%C3%A8%25", id="metadata"),
        pytest.param(SKUS, BASE, None, "e\u0300", None, f"{BASE}/skus/%C3%A8", id="NFC"),
        pytest.param(HOST_FILES, BASE, None, "c", None, "https://files.example.com/c", id="host"),
        pytest.param(
            HOST_FILES,
            "http://127.0.0.1:8080/x",
            None,
            "c",
            None,
            "http://files.example.com:8080/c",
            id="host keeps the port",
        ),
        pytest.param(
            HOST_FILES,
            "http://[::1]:81",
            None,
            "c",
            None,
            "http://files.example.com:81/c",
            id="IPv6",
        ),
    ],
)
def test_public_url(
    connector: Connector,
    base: str,
    language: str | None,
    value: str,
    file_name: str | None,
    url: str,
) -> None:
    """An address is written with everything encoded but the unreserved characters."""
    assert public_url(base, connector, language=language, value=value, file_name=file_name) == url


@pytest.mark.parametrize(
    ("connector", "language", "value"),
    [
        pytest.param(FILES, None, "a/b", id="no content id"),
        pytest.param(NAMES, None, "film", id="prettyId without language"),
        pytest.param(NAMES, "english", "film", id="no language"),
        pytest.param(SKUS, None, "", id="empty"),
        pytest.param(SKUS, None, "..", id="dot segment"),
        pytest.param(SKUS, None, "a\0", id="control character"),
        pytest.param(HOST_SKUS, None, "robots.txt", id="reserved on a host"),
    ],
)
def test_not_addressable(connector: Connector, language: str | None, value: str) -> None:
    """What is not addressable has no URL."""
    with pytest.raises(ValueError, match=r"addressable|under its language"):
        public_url(BASE, connector, language=language, value=value)


@pytest.mark.parametrize(
    ("url", "base", "address"),
    [
        pytest.param(f"{BASE}/files/c-1", BASE, Address("files", None, "c-1"), id="whole"),
        pytest.param(" /files/c-1 ", BASE, Address("files", None, "c-1"), id="path, with blanks"),
        pytest.param(f"{BASE}/files/c-1#p", BASE, Address("files", None, "c-1"), id="fragment"),
        pytest.param("/skus/c%231#p", BASE, Address("skus", None, "c#1"), id="number sign"),
        pytest.param(
            f"{BASE}/dl/files/c-1",
            f"{BASE}/dl/",
            Address("files", None, "c-1"),
            id="path of a front",
        ),
        pytest.param(
            "https://files.example.com/c-1",
            f"{BASE}/dl",
            Address("h-files", None, "c-1"),
            id="host of its own",
        ),
        pytest.param(
            "http://other.example/files/c-1", BASE, Address("files", None, "c-1"), id="any host"
        ),
    ],
)
def test_parse_url(url: str, base: str, address: Address) -> None:
    """A URL is understood as an operator copies it, with a path that a front takes away."""
    assert parse_url(url, base=base, connectors=ALL).address == address


def test_base_of_a_host() -> None:
    """A base that is no URL has no scheme to lend to a connector's own host."""
    with pytest.raises(ValueError, match="no http or https URL"):
        public_url("dl.example.com", HOST_FILES, language=None, value="c")


@pytest.mark.parametrize(
    ("connector", "parts"),
    [
        pytest.param(
            FILES,
            (
                Part(f"{BASE}/files/"),
                Part("{content ID}", "content"),
                Part("/"),
                Part("{file name}", "file_name"),
            ),
            id="content id",
        ),
        pytest.param(
            HOST_NAMES,
            (
                Part("https://names.example.com/"),
                Part("{language}", "language"),
                Part("/"),
                Part("{prettyID}", "content"),
                Part("/"),
                Part("{file name}", "file_name"),
            ),
            id="prettyId on a host",
        ),
        pytest.param(
            SKUS,
            (
                Part(f"{BASE}/skus/"),
                Part("{sku}", "content"),
                Part("/"),
                Part("{file name}", "file_name"),
            ),
            id="metadata",
        ),
    ],
)
def test_illustrative(connector: Connector, parts: tuple[Part, ...]) -> None:
    """The pattern of a connector's addresses marks what varies."""
    assert illustrative(BASE, connector) == parts


IDS = st.from_regex(r"[A-Za-z0-9_-]{1,150}", fullmatch=True)
LANGUAGES = st.from_regex(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8}){0,3}", fullmatch=True)
NASTY = st.text(
    alphabet=st.one_of(
        st.characters(),
        st.sampled_from(
            "/\\%?#.;+&=\"'<> \u0300\u0301\u1100\u1161\ud800\u202e\u2028\ufeff\U0001f468"
        ),
    ),
    max_size=40,
)
FILE_NAMES = st.none() | NASTY


def _round_trip(
    connector: Connector, value: str, *, language: str | None, file_name: str | None
) -> Address:
    url = public_url(BASE, connector, language=language, value=value, file_name=file_name)
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    assert (scheme, url.isascii()) == ("https", True)
    absolute = parse(url, host=None, connectors=ALL)
    assert parse(slash + path, host=host, connectors=ALL) == absolute
    assert absolute.connector == connector
    return absolute.address


@given(st.sampled_from([FILES, HOST_FILES]), IDS, FILE_NAMES)
def test_content_id_round_trip(connector: Connector, value: str, file_name: str | None) -> None:
    """The URL of a content id leads back to it, whatever the file name."""
    assume(is_addressable(connector, value))
    address = _round_trip(connector, value, language=None, file_name=file_name)
    assert address == Address(connector.slug, None, value)


@given(st.sampled_from([NAMES, HOST_NAMES]), LANGUAGES, IDS, FILE_NAMES)
def test_pretty_id_round_trip(
    connector: Connector, language: str, value: str, file_name: str | None
) -> None:
    """The URL of a prettyId leads back to it and its language."""
    assert is_language(language)
    address = _round_trip(connector, value, language=language, file_name=file_name)
    assert address == Address(connector.slug, language.lower(), value)


@given(st.sampled_from([SKUS, HOST_SKUS]), NASTY, FILE_NAMES)
def test_metadata_round_trip(connector: Connector, value: str, file_name: str | None) -> None:
    """The URL of a metadata value leads back to the value in NFC, or there is none."""
    if is_addressable(connector, value):
        address = _round_trip(connector, value, language=None, file_name=file_name)
        assert address == Address(connector.slug, None, unicodedata.normalize("NFC", value))
    else:
        with pytest.raises(ValueError, match="addressable"):
            public_url(BASE, connector, language=None, value=value, file_name=file_name)


@given(IDS | NASTY)
def test_longest_address(value: str) -> None:
    """The longest address that there can be is still a path that is read."""
    longest = (value or "x") * LONGEST_SEGMENT
    for cut in range(LONGEST_SEGMENT, 0, -1):
        if is_addressable(HOST_SKUS, longest[:cut]):
            name = "\U0001f468" * LONGEST_SEGMENT
            _round_trip(HOST_SKUS, longest[:cut], language=None, file_name=name)
            break


@given(
    st.text(alphabet=st.sampled_from("/.%2eEfF0Cac\\?#\x00 \udcffè-_"), max_size=30)
    | st.text(max_size=60),
    st.none() | st.text(max_size=20),
)
def test_any_target(rest: str, host: str | None) -> None:
    """Whatever is asked, there is an address or one of the two errors."""
    for target in (rest, f"/{rest}", f"/files/{rest}", f"/names/en/{rest}", f"/skus/{rest}"):
        try:
            path = parse(target, host=host, connectors=ALL)
        except (MalformedPath, UnknownAddress):
            continue
        assert is_addressable(path.connector, path.address.value)


_slugs = st.from_regex(r"[a-z0-9][a-z0-9-]{0,62}", fullmatch=True)
_languages = st.none() | st.from_regex(r"[a-z]{2,3}(-[a-z0-9]{2,4})?", fullmatch=True)
_addresses = st.builds(Address, _slugs, _languages, st.text(min_size=1))


@given(_addresses, _addresses)
def test_each_address_has_a_key_of_its_own(one: Address, other: Address) -> None:
    """Two addresses have one key only if they are one."""
    assert (one.cache_key == other.cache_key) == (one == other)


def test_slashes_of_a_value_make_no_other_key() -> None:
    """A value that looks like a language and a value stays a value."""
    assert Address("skus", None, "en/x").cache_key != Address("skus", "en", "x").cache_key
