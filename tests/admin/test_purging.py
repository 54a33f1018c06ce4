"""What people ask to be forgotten, as an order."""

import pytest

from proxy.admin.purging import By, NotPurgeable, PurgeRequest, purge_of
from proxy.catalogue.purges import Purge, PurgeKind
from proxy.connectors.model import Connector, Connectors, Identifier

BASE = "https://dl.example.com"
ID = "b68d7e9f-7488-4ff1-bdfe-3af6768a631f"
KNOWN = Connectors(
    1,
    (
        Connector(slug="files", folder="f", identifier=Identifier.CONTENT_ID),
        Connector(slug="media", folder="f", identifier=Identifier.PRETTY_ID),
    ),
)


@pytest.mark.parametrize(
    ("by", "value", "purge"),
    [
        pytest.param(
            By.URL,
            f" {BASE}/media/EN/film/any%20name.mp4?download ",
            Purge(PurgeKind.ADDRESS, "media/en/film"),
            id="URL",
        ),
        pytest.param(By.URL, f"/files/{ID}", Purge(PurgeKind.ADDRESS, f"files//{ID}"), id="path"),
        pytest.param(By.CONTENT, ID, Purge(PurgeKind.CONTENT, ID), id="content"),
        pytest.param(By.CONNECTOR, "media", Purge(PurgeKind.CONNECTOR, "media"), id="connector"),
        pytest.param(By.ALL, "ignored", Purge(PurgeKind.ALL), id="all"),
    ],
)
def test_orders(by: By, value: str, purge: Purge) -> None:
    """An order names what is remembered under the same name."""
    assert purge_of(PurgeRequest(by=by, value=value), base=BASE, connectors=KNOWN) == purge


@pytest.mark.parametrize(
    ("by", "value"),
    [
        pytest.param(By.URL, "", id="no URL"),
        pytest.param(By.URL, f"{BASE}/nothing/here", id="URL of no connector"),
        pytest.param(By.URL, "http://[", id="no URL at all"),
        pytest.param(By.CONTENT, "a b", id="no content id"),
        pytest.param(By.CONNECTOR, "gone", id="no such connector"),
    ],
)
def test_not_purgeable(by: By, value: str) -> None:
    """What names nothing is told, rather than done in vain."""
    with pytest.raises(NotPurgeable):
        purge_of(PurgeRequest(by=by, value=value), base=BASE, connectors=KNOWN)
