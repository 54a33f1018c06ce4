"""The fields of a connector's forms."""

import pytest
from multidict import MultiDict

from proxy.admin.web import forms
from proxy.admin.web.connector_fields import AllFields, fields_of
from proxy.connectors.model import Connector, DeliveryMode, Disposition, Identifier
from proxy.thron.content import ContentType

GOOD = {
    "folder": "f-1",
    "types": "video",
    "by": "pretty_id",
    "slug": "brochures",
    "max_age_s": "60",
}

CONNECTORS = [
    pytest.param(
        Connector(slug="a", folder="f", folder_id="f", identifier=Identifier.PRETTY_ID), id="plain"
    ),
    pytest.param(
        Connector(
            slug="b",
            folder="f",
            folder_id="f",
            identifier=Identifier.METADATA,
            metadata="a:b",
            enabled=False,
            subfolders=False,
            content_types=frozenset({ContentType.OTHER}),
            force_https=True,
            delivery=DeliveryMode.PUBLISHED,
            disposition=Disposition.INLINE,
            max_age_s=0,
            robots="noindex",
            host="media.example.com",
        ),
        id="all different",
    ),
]


@pytest.mark.parametrize("connector", CONNECTORS)
def test_there_and_back(connector: Connector) -> None:
    """The fields of a connector, as a page shows and sends them, make the same connector."""
    shown = forms.filled(fields_of(connector)).typed
    sent = MultiDict((name, value) for name, values in shown.items() for value in values)
    form = forms.read(sent, AllFields)
    assert form.value is not None
    made = form.value.connector()
    assert made.model_copy(update={"folder_id": "f"}) == connector


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param("slug", "Brochures", id="upper case"),
        pytest.param("slug", "-x", id="hyphen first"),
        pytest.param("slug", "new", id="a page of the console"),
        pytest.param("slug", "robots.txt", id="reserved"),
        pytest.param("folder", "!_x", id="not an id"),
        pytest.param("host", "http://x/", id="not a host"),
        pytest.param("robots", "no\nindex", id="two lines"),
        pytest.param("max_age_s", "-1", id="before now"),
        pytest.param("max_age_s", "soon", id="no number"),
        pytest.param("by", "colour", id="no identifier"),
        pytest.param("types", "playlist", id="never served"),
        pytest.param("delivery", "pigeon", id="no way to deliver"),
        pytest.param("key", "\x01", id="no key"),
    ],
)
def test_problems_stand_beside_their_fields(field: str, value: str) -> None:
    """What cannot be is told beside its field, and nothing typed is lost."""
    form = forms.read(MultiDict({**GOOD, field: value}), AllFields)
    assert form.value is None
    assert (list(form.problems), form.text(field)) == ([field], value)


def test_all_problems_at_once() -> None:
    """Everything that is wrong is told."""
    form = forms.read(MultiDict({"by": "x", "slug": "X", "max_age_s": "x"}), AllFields)
    assert set(form.problems) == {"folder", "types", "by", "slug", "max_age_s"}
