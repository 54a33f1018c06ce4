"""The set-up of connectors, walked through by a visitor of the console."""

import html
import re
from urllib.parse import urlencode

from proxy.connectors.folder_statistics import FolderScope
from tests.admin.visitor import Page
from tests.running import Running
from tests.waiting import PATIENCE_S


def given(folder_id: str, **more: str) -> dict[str, str]:
    """Return what the steps before the last one ask for."""
    usual = {"folder": folder_id, "subfolders": "yes", "types": "image", "by": "pretty_id"}
    return {**usual, "https": "no", **more}


def path(step: str, values: dict[str, str], **more: str) -> str:
    """Return the address of a step with some values."""
    return f"/connectors/new/{step}?{urlencode({**values, **more})}".replace("new/folder", "new")


def last(values: dict[str, str], **more: str) -> dict[str, str]:
    """Return what the last step asks for too."""
    usual = {"slug": "brochures", "delivery": "original", "disposition": "inline"}
    return {**values, **usual, "max_age_s": "300", "go": "save", **more}


def number_to_confirm(page: Page) -> str:
    """Return the number that a page asks to be typed."""
    found = re.search(r"Type ([\d,.]+) to confirm", page.words)
    assert found is not None, page.words
    return found[1]


def fields(page: Page) -> dict[str, str]:
    """Return what a page's form carries along, hidden."""
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text)
    return {name: html.unescape(value) for name, value in found if name != "csrf"}


async def counted(connector: Running, folder_id: str) -> None:
    """Count a folder beforehand: for what a busy machine counts a page waits only some seconds."""
    scope = FolderScope(folder_id)
    await connector.tenant.statistics.settled(scope, at_most_s=PATIENCE_S)
