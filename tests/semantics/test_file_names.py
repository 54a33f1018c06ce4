"""File names that nobody is harmed by."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.semantics.file_names import ascii_file_name, safe_file_name


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        pytest.param("brochure.pdf", "brochure.pdf", id="plain"),
        pytest.param("Città di Castello.pdf", "Città di Castello.pdf", id="accents and blanks"),
        pytest.param("Citta\u0300.pdf", "Città.pdf", id="composed"),
        pytest.param("目录.pdf", "目录.pdf", id="Chinese"),
        pytest.param('a "b" c.pdf', 'a "b" c.pdf', id="quotes"),
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
