"""Where one can go, and where a form may lead back to."""

import pytest

from proxy.admin.web.navigation import NAVIGATION, came_from, local


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


@pytest.mark.parametrize(
    ("referer", "leads_to"),
    [
        pytest.param("http://console:9090/audit?before=3", "/audit?before=3", id="a page of ours"),
        pytest.param("http://console:9090/connectors#x", "/connectors", id="without its fragment"),
        pytest.param("http://evil.example/audit", "/otherwise", id="another site"),
        pytest.param("http://console:9090/login?next=/", "/otherwise", id="the sign-in page"),
        pytest.param("http://console:9090/connectors/a/edit", "/otherwise", id="a form"),
        pytest.param("http://[", "/otherwise", id="no URL"),
        pytest.param("", "/otherwise", id="none"),
    ],
)
def test_came_from(referer: str, leads_to: str) -> None:
    """A form's way back is the page of ours that its link was followed from."""
    assert came_from(referer, host="console:9090", otherwise="/otherwise") == leads_to
