"""Who may be given content that an origin has coded, as RFC 9110, 8.4 and 12.5.3 have it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from proxy.semantics.codings import codings, is_acceptable


@pytest.mark.parametrize(
    ("value", "found"),
    [
        pytest.param(None, (), id="none"),
        pytest.param("", (), id="empty"),
        pytest.param("identity", (), id="identity is none"),
        pytest.param("gzip", ("gzip",), id="one"),
        pytest.param("GZip", ("gzip",), id="in capitals"),
        pytest.param("x-gzip", ("gzip",), id="by its other name"),
        pytest.param("deflate, gzip", ("deflate", "gzip"), id="two, in order"),
        pytest.param(", br,, identity ,", ("br",), id="empty members"),
        pytest.param("gz;ip", None, id="no coding"),
        pytest.param("gzip br", None, id="no list"),
    ],
)
def test_codings(value: str | None, found: tuple[str, ...] | None) -> None:
    """Content-Encoding lists what was applied; what cannot be read is not taken for nothing."""
    assert codings(CIMultiDict({} if value is None else {"Content-Encoding": value})) == found


@pytest.mark.parametrize(
    ("coding", "accepted", "may"),
    [
        pytest.param("", None, True, id="not coded"),
        pytest.param("identity", "identity", True, id="identity"),
        pytest.param("gzip", "gzip", True, id="named"),
        pytest.param("gzip", "deflate, GZIP;q=0.5, br", True, id="named with a weight"),
        pytest.param("x-gzip", "gzip", True, id="by its other name"),
        pytest.param("gzip", "x-gzip", True, id="accepted by its other name"),
        pytest.param("gzip", "*", True, id="any"),
        pytest.param("gzip", "*;q=0.1", True, id="any, reluctantly"),
        pytest.param("gzip", "br, *;q=0", False, id="no other"),
        pytest.param("gzip", "gzip;q=0, *", False, id="any but this"),
        pytest.param("gzip", "gzip;q=0.000", False, id="a weight of nothing"),
        pytest.param("gzip", "gzip ; q=1", True, id="blanks"),
        pytest.param("gzip", "gzip;q=2", False, id="no weight"),
        pytest.param("gzip", "gzip;level=9", False, id="no parameter that is known"),
        pytest.param("gzip", "identity", False, id="identity alone"),
        pytest.param("gzip", "", False, id="an empty field is identity alone"),
        pytest.param("gzip", None, False, id="nothing said: it would be saved as it comes"),
        pytest.param("br", "gzip, deflate", False, id="another"),
        pytest.param("deflate, gzip", "gzip, deflate", True, id="both"),
        pytest.param("deflate, gzip", "gzip", False, id="one of two"),
        pytest.param("gz;ip", "*", False, id="nobody knows what"),
    ],
)
@pytest.mark.parametrize(("status", "tag"), [(200, None), (200, 'W/"1"'), (206, '"1"')])
def test_may_be_given(
    coding: str, accepted: str | None, status: int, tag: str | None, *, may: bool
) -> None:
    """A client that can decode all of it, by its own word."""
    fields = CIMultiDict({"Content-Encoding": coding}) if coding else CIMultiDict[str]()
    if tag is not None:
        fields["ETag"] = tag
    assert is_acceptable(fields, status=status, accept_encoding=accepted) == may


@pytest.mark.parametrize("tag", [None, 'W/"1"', "1"])
@pytest.mark.parametrize(("coding", "may"), [("gzip", False), ("identity", True)])
def test_a_part_of_coded_content(coding: str, tag: str | None, *, may: bool) -> None:
    """Without a strong entity-tag it fits no other part, whoever could decode the whole."""
    fields = CIMultiDict({"Content-Encoding": coding})
    if tag is not None:
        fields["ETag"] = tag
    assert is_acceptable(fields, status=206, accept_encoding="gzip, identity") == may


@given(value=st.text() | st.text(alphabet='gzip,;q=0.1* "\t'))
def test_no_field_raises(value: str) -> None:
    """Whatever comes is read or passed over."""
    fields = CIMultiDict({"Content-Encoding": value})
    is_acceptable(fields, status=200, accept_encoding=value)
