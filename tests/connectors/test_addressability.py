"""Which values can stand in a public address (docs/thron.md, 3.1)."""

import pytest

from proxy.connectors.addressability import (
    LONGEST_SEGMENT,
    Addressability,
    addressability,
    is_id,
    is_language,
)


@pytest.mark.parametrize(
    ("value", "becomes"),
    [
        pytest.param("AB-12", Addressability.FINE, id="plain"),
        pytest.param("caffè lungo", Addressability.FINE, id="space and accent"),
        pytest.param("...", Addressability.FINE, id="three dots are no dot segment"),
        pytest.param("a/b", Addressability.FRAGILE, id="slash"),
        pytest.param("a\\b", Addressability.FRAGILE, id="backslash"),
        pytest.param("100%", Addressability.FRAGILE, id="percent"),
        pytest.param("a?b", Addressability.FRAGILE, id="question mark"),
        pytest.param("a#b", Addressability.FRAGILE, id="hash"),
        pytest.param("", Addressability.NONE, id="empty"),
        pytest.param(".", Addressability.NONE, id="dot"),
        pytest.param("..", Addressability.NONE, id="two dots"),
        pytest.param("a\nb", Addressability.NONE, id="line break"),
        pytest.param("a\x00", Addressability.NONE, id="null"),
        pytest.param("a\x85", Addressability.NONE, id="C1 control"),
        pytest.param("\ud800", Addressability.NONE, id="lone surrogate"),
        pytest.param("è" * (LONGEST_SEGMENT // 2), Addressability.FINE, id="longest"),
        pytest.param("è" * (LONGEST_SEGMENT // 2) + "x", Addressability.NONE, id="too long"),
    ],
)
def test_addressability(value: str, becomes: Addressability) -> None:
    """A value is fine, fragile behind fronts that decode, or no address at all."""
    assert addressability(value) is becomes


@pytest.mark.parametrize(
    ("value", "answer"),
    [
        pytest.param("94bd53b8-9297-40ad-b190-b97d0abcb520", True, id="content id"),
        pytest.param("H20921A00024M2017S94_X", True, id="prettyId in upper case"),
        pytest.param("x" * 150, True, id="longest"),
        pytest.param("x" * 151, False, id="too long"),
        pytest.param("", False, id="empty"),
        pytest.param("a.b", False, id="dot"),
        pytest.param("caffè", False, id="accent"),
        pytest.param("abc\n", False, id="line break at the end"),
    ],
)
def test_is_id(value: str, *, answer: bool) -> None:
    """Only letters, digits, hyphens and underscores make an id, at most 150 of them."""
    assert is_id(value) is answer


@pytest.mark.parametrize(
    ("value", "answer"),
    [
        pytest.param("en", True, id="two letters"),
        pytest.param("FIL", True, id="three letters"),
        pytest.param("pt-BR", True, id="region"),
        pytest.param("zh_Hant_TW", True, id="script and region"),
        pytest.param("e", False, id="one letter"),
        pytest.param("engl", False, id="four letters"),
        pytest.param("en-", False, id="empty subtag"),
        pytest.param("en\n", False, id="line break at the end"),
        pytest.param("ėn", False, id="no ASCII"),
        pytest.param("", False, id="empty"),
    ],
)
def test_is_language(value: str, *, answer: bool) -> None:
    """A language is two or three letters, with subtags after hyphens or underscores."""
    assert is_language(value) is answer
