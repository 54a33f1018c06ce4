"""Language and theme are kept, and lead back."""

import pytest

from tests.admin.visitor import Visitor


async def test_kept(nobody: Visitor) -> None:
    """A choice is kept by the browser, and the page it was made on comes back."""
    await nobody.get("/login?next=/audit")
    page = await nobody.send("/preferences", language="it", back="/login?next=/audit")
    assert (page.status, page.fields["Location"]) == (303, "/login?next=/audit")
    await nobody.send("/preferences", theme="dark", back="/login")
    page = await nobody.get("/login")
    assert '<html lang="it" data-theme="dark">' in page.text


@pytest.mark.parametrize("typed", [{"language": "xx"}, {"theme": "neon"}, {"back": "x" * 5000}])
async def test_nonsense(nobody: Visitor, typed: dict[str, str]) -> None:
    """What is no choice is refused."""
    await nobody.get("/login")
    assert (await nobody.send("/preferences", **typed)).status == 400


async def test_it_leads_nowhere_else(nobody: Visitor) -> None:
    """A choice leads back to pages of the console only."""
    await nobody.get("/login")
    page = await nobody.send("/preferences", theme="dark", back="https://evil.example/")
    assert page.fields["Location"] == "/"
