"""What was done, said once on the next page."""

import pytest

from proxy.admin.web.notices import COOKIE, TEXTS, Notice
from tests.admin.visitor import Visitor


@pytest.mark.parametrize("notice", list(Notice))
async def test_each_notice_is_said(admin: Visitor, notice: Notice) -> None:
    """Each has its text, and the page that says it has the browser forget it."""
    admin.take(**{COOKIE: notice.value})
    assert TEXTS[notice] in (await admin.get("/audit")).words
    assert TEXTS[notice] not in (await admin.get("/audit")).words


async def test_nothing_else_is_said(admin: Visitor) -> None:
    """A cookie with a text of its own says nothing."""
    admin.take(**{COOKIE: "You have won."})
    page = await admin.get("/audit")
    assert (page.status, "You have won." in page.words) == (200, False)
