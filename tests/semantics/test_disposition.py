"""Content-Disposition, as RFC 6266 and RFC 8187 have it."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.semantics.disposition import (
    ascii_file_name,
    content_disposition,
    file_name,
    safe_file_name,
)
from proxy.semantics.field_lines import is_writable


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param(None, "inline", id="no name"),
        pytest.param("a.pdf", 'inline; filename="a.pdf"', id="plain"),
        pytest.param("a b;c,d.pdf", 'inline; filename="a b;c,d.pdf"', id="blanks and separators"),
        pytest.param(
            "città.pdf",
            "inline; filename=\"citta.pdf\"; filename*=UTF-8''citt%C3%A0.pdf",
            id="accent",
        ),
        pytest.param(
            "€ rates.pdf",
            "inline; filename=\"_ rates.pdf\"; filename*=UTF-8''%E2%82%AC%20rates.pdf",
            id="example of RFC 6266",
        ),
        pytest.param(
            'a"b.pdf', "inline; filename=\"a_b.pdf\"; filename*=UTF-8''a%22b.pdf", id="quote"
        ),
        pytest.param(
            "50%20.pdf",
            "inline; filename=\"50_20.pdf\"; filename*=UTF-8''50%2520.pdf",
            id="percent is not an escape",
        ),
        pytest.param(
            "€ a+b!.pdf",
            "inline; filename=\"_ a+b!.pdf\"; filename*=UTF-8''%E2%82%AC%20a+b!.pdf",
            id="what RFC 8187 lets stand",
        ),
        pytest.param("a\\b/c.pdf", 'inline; filename="a_b_c.pdf"', id="separators of paths"),
        pytest.param(
            "a\r\nSet-Cookie: x=y", 'inline; filename="a Set-Cookie: x=y"', id="line break"
        ),
        pytest.param("caf\udce9.pdf", 'inline; filename="caf_.pdf"', id="lone surrogate"),
        pytest.param("", 'inline; filename="download"', id="empty"),
    ],
)
def test_content_disposition(name: str | None, value: str) -> None:
    """A name is written in ASCII, and besides in UTF-8 where ASCII cannot hold it."""
    assert content_disposition("inline", name) == value


@pytest.mark.parametrize(
    ("value", "name"),
    [
        pytest.param(None, None, id="no field"),
        pytest.param("inline", None, id="no name"),
        pytest.param('attachment; filename="a.pdf"', "a.pdf", id="quoted"),
        pytest.param("attachment; filename=a.pdf", "a.pdf", id="token"),
        pytest.param("attachment; filename=a b.pdf ; x=y", "a b.pdf", id="unquoted blank"),
        pytest.param('ATTACHMENT;FileName="a.pdf"', "a.pdf", id="capitals"),
        pytest.param('attachment; filename = "a.pdf"', "a.pdf", id="blanks around equals"),
        pytest.param('attachment; filename="a;b.pdf"', "a;b.pdf", id="semicolon inside"),
        pytest.param('attachment; filename="a\\"b.pdf"', 'a"b.pdf', id="escaped quote"),
        pytest.param(
            "attachment; filename=\"EURO.pdf\"; filename*=UTF-8''%e2%82%ac.pdf",
            "€.pdf",
            id="extended form preferred",
        ),
        pytest.param(
            "attachment; filename*=UTF-8''%e2%82%ac.pdf; filename=\"EURO.pdf\"",
            "€.pdf",
            id="extended form first",
        ),
        pytest.param(
            "attachment; filename*=iso-8859-1'en'%A3%20rates.pdf", "£ rates.pdf", id="Latin-1"
        ),
        pytest.param(
            "attachment; filename*=UTF-8''%ff.pdf; filename=b.pdf", "b.pdf", id="no UTF-8 after all"
        ),
        pytest.param(
            "attachment; filename*=koi8-r''%c1.pdf; filename=b.pdf", "b.pdf", id="another charset"
        ),
        pytest.param('attachment; filename="città.pdf"', "città.pdf", id="raw UTF-8"),
        pytest.param('attachment; filename="caf\udce9.pdf"', "café.pdf", id="raw Latin-1"),
        pytest.param('attachment; filename="../../a.pdf"', "a.pdf", id="path upwards"),
        pytest.param('attachment; filename="C:\\\\x\\\\a.pdf"', "a.pdf", id="path of Windows"),
        pytest.param('attachment; filename="dir/"', None, id="only a path"),
        pytest.param('attachment; filename=""', None, id="empty"),
        pytest.param("attachment; foo; filename=a.pdf", "a.pdf", id="parameter without value"),
        pytest.param("attachment; filename=a.pdf; filename=b.pdf", "a.pdf", id="twice"),
        pytest.param("attachment; x=1; filename=a.pdf; y=2", "a.pdf", id="among others"),
        pytest.param("attachment;;filename=a.pdf", "a.pdf", id="empty parameter"),
        pytest.param(";filename=a.pdf", "a.pdf", id="no type"),
        pytest.param(
            'attachment; x="; filename=evil.exe"; filename=a.pdf', "a.pdf", id="quoted parameter"
        ),
        pytest.param('attachment; filename="a\udc80.pdf"', "a.pdf", id="first octet of Latin-1"),
        pytest.param('attachment; filename="\udcff.pdf"', "ÿ.pdf", id="last octet of Latin-1"),
        pytest.param('attachment; filename="a.pdf', None, id="open quote"),
        pytest.param("; ;;;=;", None, id="nonsense"),
        pytest.param('attachment; filename="' + "a" * 5000 + '"', None, id="overlong field"),
        pytest.param(
            'inline;filename="tesla-dojo-technology.pdf"',
            "tesla-dojo-technology.pdf",
            id="as THRON's CDN says it",
        ),
    ],
)
def test_file_name(value: str | None, name: str | None) -> None:
    """An origin's field gives a safe name, or none."""
    assert file_name(value) == name


@given(kind=st.sampled_from(["attachment", "inline"]), name=st.text(st.characters()))
def test_any_name_comes_back(kind: str, name: str) -> None:
    """Any name at all makes a one-line ASCII field that gives the safe name back."""
    value = content_disposition(kind, name)
    assert is_writable(value)
    assert value.isascii()
    assert file_name(value) == safe_file_name(name)


@given(value=st.text(st.characters()) | st.text(alphabet="; filename*='\"\\%e2/a").map(";".__add__))
def test_any_field_gives_a_safe_name_or_none(value: str) -> None:
    """No field raises or gives a name that is not safe."""
    name = file_name(value)
    assert name is None or safe_file_name(name) == name


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        pytest.param("brochure.pdf", "brochure.pdf", id="plain"),
        pytest.param("Città di Castello.pdf", "Città di Castello.pdf", id="accents and blanks"),
        pytest.param("Citta\u0300.pdf", "Città.pdf", id="composed"),
        pytest.param("目录.pdf", "目录.pdf", id="Chinese"),
        pytest.param('a "b" c.pdf', 'a "b" c.pdf', id="quotes"),
        pytest.param("XMAX.pdX", "XMAX.pdX", id="capitals"),
        pytest.param("../../etc/passwd", "_.._etc_passwd", id="path upwards"),
        pytest.param("C:\\Windows\\evil.exe", "C:_Windows_evil.exe", id="backslashes"),
        pytest.param("a\r\nSet-Cookie: b.pdf", "a Set-Cookie: b.pdf", id="line break"),
        pytest.param("a\x00b\x1b\x7f.pdf", "ab.pdf", id="controls"),
        pytest.param("a\tb\u2028c\u00a0d.pdf", "a b c d.pdf", id="white space"),
        pytest.param("invoice\u202efdp.exe", "invoicefdp.exe", id="bidi override"),
        pytest.param("\u2066a\u2069\ufeff.pdf", "a.pdf", id="isolates and byte order mark"),
        pytest.param(".htaccess", "htaccess", id="leading dot"),
        pytest.param("...a..b...", "a..b", id="dots at both ends"),
        pytest.param(" a.pdf ", "a.pdf", id="blanks at both ends"),
        pytest.param("caf\udce9.pdf", "caf_.pdf", id="lone surrogate"),
        pytest.param("con.txt", "_con.txt", id="device of Windows"),
        pytest.param("NUL", "_NUL", id="device without extension"),
        pytest.param("console.txt", "console.txt", id="no device"),
        pytest.param("", "download", id="nothing"),
        pytest.param("..", "download", id="only dots"),
        pytest.param("\u202e\x00", "download", id="nothing left"),
        pytest.param("a" * 300 + ".pdf", "a" * 196 + ".pdf", id="overlong, extension kept"),
        pytest.param("è" * 150 + ".pdf", "è" * 98 + ".pdf", id="overlong in octets"),
        pytest.param("a." + "b" * 300 + ".pdf", "a." + "b" * 194 + ".pdf", id="overlong, two dots"),
        pytest.param(
            "a" * 300 + "." + "e" * 16, "a" * 183 + "." + "e" * 16, id="longest extension"
        ),
        pytest.param("a" * 300, "a" * 200, id="overlong without extension"),
        pytest.param("a." + "b" * 300, "a." + "b" * 198, id="overlong extension is none"),
    ],
)
def test_safe_file_name(name: str, safe: str) -> None:
    """A name keeps what is harmless."""
    assert safe_file_name(name) == safe


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        pytest.param("brochure.pdf", "brochure.pdf", id="plain"),
        pytest.param("Città è.pdf", "Citta e.pdf", id="accents dropped"),
        pytest.param("straße.pdf", "stra_e.pdf", id="letter without a base"),
        pytest.param("目录.pdf", "__.pdf", id="Chinese"),
        pytest.param('a "b" 100%.pdf', "a _b_ 100_.pdf", id="quotes and percent"),
        pytest.param("ﬁle.pdf", "file.pdf", id="ligature"),
        pytest.param("a\u2100.pdf", "aa_c.pdf", id="slash out of one sign"),
        pytest.param("\uff23\uff2f\uff2e.txt", "_CON.txt", id="device in wide letters"),
        pytest.param("\u2026a.pdf", "a.pdf", id="dots out of one sign"),
    ],
)
def test_ascii_file_name(name: str, plain: str) -> None:
    """The fallback is ASCII, and as readable as can be."""
    assert ascii_file_name(name) == plain


names = st.one_of(
    st.text(st.characters()),
    st.text(alphabet='ab. /\\"%\u0300\u202e\n\udce9è', max_size=300),
    st.text(min_size=50, max_size=90).map(lambda text: text * 5 + ".pdf"),
)


@given(name=names)
def test_safe_names_are_safe(name: str) -> None:
    """No name climbs, hides, breaks a line or is too long; and a safe name stays as it is."""
    safe = safe_file_name(name)
    assert safe_file_name(safe) == safe
    assert 0 < len(safe.encode()) <= 200
    assert not safe.startswith((".", " "))
    assert not safe.endswith((".", " "))
    assert not set(safe) & set("/\\\u202e")
    assert all(
        unicodedata.category(character) not in {"Cc", "Cs", "Zl", "Zp"} for character in safe
    )
    assert unicodedata.is_normalized("NFC", safe)


@given(name=names)
def test_ascii_names_are_safe_too(name: str) -> None:
    """The fallback is a safe name of printable ASCII that needs no escape."""
    plain = ascii_file_name(name)
    assert plain.isascii()
    assert plain.isprintable()
    assert not set(plain) & set('"\\%/')
    assert safe_file_name(plain) == plain
