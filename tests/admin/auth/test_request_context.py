"""How a visitor likes to read, and from where they ask."""

import pytest

from tests.admin.visitor import Visitor
from tests.running import Running


@pytest.mark.parametrize(
    ("cookie", "field", "language"),
    [
        pytest.param(None, "", "en", id="nothing said"),
        pytest.param(None, "it-IT,it;q=0.9", "it", id="the browser's"),
        pytest.param("en", "it-IT", "en", id="chosen"),
        pytest.param("xx", "it-IT", "it", id="chosen nonsense"),
    ],
)
async def test_language(nobody: Visitor, cookie: str | None, field: str, language: str) -> None:
    """The chosen language goes before the browser's."""
    if cookie is not None:
        nobody.take(tdc_language=cookie)
    page = await nobody.get("/login", Accept_Language=field)
    assert f'<html lang="{language}"' in page.text
    assert page.fields["Content-Language"] == language


@pytest.mark.parametrize(("cookie", "theme"), [("dark", "dark"), ("<b>", "auto")])
async def test_theme(nobody: Visitor, cookie: str, theme: str) -> None:
    """The chosen theme is the page's, from its first octet."""
    nobody.take(tdc_theme=cookie)
    assert f'data-theme="{theme}"' in (await nobody.get("/login")).text


async def test_the_visitor_s_value_stays(nobody: Visitor) -> None:
    """A browser is given one value to tie its forms to, for scripts out of reach."""
    page = await nobody.get("/login")
    assert "HttpOnly" in page.fields["Set-Cookie"]
    assert "SameSite=Lax" in page.fields["Set-Cookie"]
    first = nobody.csrf
    assert "Set-Cookie" not in (await nobody.get("/login")).fields
    nobody.csrf = first
    assert (await nobody.send("/preferences", theme="dark")).status == 303


async def test_a_value_of_any_length_is_not_kept(nobody: Visitor) -> None:
    """A value that is not ours is replaced."""
    nobody.take(tdc_visitor="x" * 4000)
    assert "tdc_visitor" in (await nobody.get("/login")).fields["Set-Cookie"]


async def test_plain_cookies_on_loopback(connector: Running, nobody: Visitor) -> None:
    """Over plain HTTP a cookie is not marked Secure, or browsers would not keep it."""
    page = await nobody.get(connector.gateway.demo_url())
    assert "Secure" not in page.fields["Set-Cookie"]
    assert "HttpOnly" in page.fields["Set-Cookie"]
    assert "SameSite=Lax" in page.fields["Set-Cookie"]
