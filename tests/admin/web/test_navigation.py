"""Where one can go, and where a form may lead back to."""

import pytest

from proxy.admin.web.navigation import NAVIGATION, local


@pytest.mark.parametrize(
    ("path", "goes_to"),
    [
        pytest.param("/audit?before=3", "/audit?before=3", id="a page of ours"),
        pytest.param("https://evil.example/", "/", id="another site"),
        pytest.param("//evil.example/", "/", id="another host"),
        pytest.param("/\\evil.example/", "/", id="as browsers read it"),
        pytest.param("javascript:alert(1)", "/", id="a script"),
        pytest.param("/x\r\nSet-Cookie: a=b", "/", id="a header"),
        pytest.param("/\t/evil.example", "/", id="a tab that browsers take out"),
        pytest.param("", "/", id="nowhere"),
    ],
)
def test_local(path: str, goes_to: str) -> None:
    """Forms lead to pages of this console only."""
    assert local(path) == goes_to


@pytest.mark.parametrize("path", ["/connectors", "/connectors/new"])
def test_here(path: str) -> None:
    """One entry of the navigation is where one is, on the pages below it too."""
    assert [each.path for each in NAVIGATION if each.holds(path)] == ["/connectors"]
