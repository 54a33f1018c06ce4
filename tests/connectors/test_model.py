"""The rules of a connector: what it serves, under which addresses, and for whom they are."""

import pytest

from proxy.connectors.model import (
    Connector,
    Connectors,
    DeliveryMode,
    Identifier,
    folder_criteria,
    is_servable,
    is_unfinished,
)
from proxy.thron.content import Content, ContentType
from proxy.thron.messages import SearchCriteria

BY_ID = Connector(slug="a", folder="f", identifier=Identifier.CONTENT_ID)
VIDEOS = Connector(
    slug="v",
    folder="f",
    identifier=Identifier.CONTENT_ID,
    content_types=frozenset({ContentType.VIDEO}),
)


@pytest.mark.parametrize(
    ("connector", "content_type", "answer"),
    [
        pytest.param(BY_ID, "VIDEO", True, id="video"),
        pytest.param(BY_ID, "OTHER", True, id="document"),
        pytest.param(BY_ID, "image", True, id="any case"),
        pytest.param(BY_ID, "PLAYLIST", False, id="playlist"),
        pytest.param(BY_ID, "URL", False, id="link"),
        pytest.param(BY_ID, "PAGELET", False, id="pagelet"),
        pytest.param(BY_ID, "LIVEEVENT", False, id="live event"),
        pytest.param(BY_ID, "PROGRAMS", False, id="programs"),
        pytest.param(BY_ID, "", False, id="no type"),
        pytest.param(VIDEOS, "VIDEO", True, id="of the types"),
        pytest.param(VIDEOS, "IMAGE", False, id="not of the types"),
    ],
)
def test_types(connector: Connector, content_type: str, *, answer: bool) -> None:
    """A connector serves its own types, and never more than the four."""
    content = Content("x", content_type, status="PUBLISHED")
    assert is_servable(connector, content) is answer


def test_what_is_not_published() -> None:
    """It is served where the connector says so, and is of its types all the same."""
    draft = Content("x", "VIDEO", status="DRAFT")
    everything = VIDEOS.model_copy(update={"only_published": False})
    assert (is_servable(VIDEOS, draft), is_servable(everything, draft)) == (False, True)
    assert not is_servable(everything, Content("x", "IMAGE", status="PUBLISHED"))


def test_what_was_published() -> None:
    """It stays so while a new version of it is on its way."""
    renewed = Content("x", "VIDEO", status="PUBLISH_IN_PROGRESS")
    found = [is_servable(VIDEOS, renewed, was_published=was) for was in (False, True)]
    assert found == [False, True]
    assert not is_servable(VIDEOS, Content("x", "VIDEO", status="DRAFT"), was_published=True)


@pytest.mark.parametrize(
    ("delivery", "status", "channels", "answer"),
    [
        pytest.param(DeliveryMode.PUBLISHED, "READY", (), True, id="nothing public yet"),
        pytest.param(DeliveryMode.PUBLISHED, "READY", ("WEB",), False, id="something is"),
        pytest.param(DeliveryMode.PUBLISHED, "DRAFT", (), False, id="nothing will be"),
        pytest.param(DeliveryMode.ORIGINAL, "READY", (), False, id="the original is there"),
    ],
)
def test_unfinished(
    delivery: DeliveryMode, status: str, channels: tuple[str, ...], *, answer: bool
) -> None:
    """A rendition that THRON is at work on is worth waiting for."""
    content = Content("x", "VIDEO", status=status, channels=channels)
    assert is_unfinished(BY_ID.model_copy(update={"delivery": delivery}), content) is answer


@pytest.mark.parametrize(
    ("host", "found"),
    [
        pytest.param("media.example.com", True, id="as written"),
        pytest.param("Media.Example.COM", True, id="any case"),
        pytest.param("media.example.com:8443", True, id="with a port"),
        pytest.param("media.example.com.", True, id="with the root's dot"),
        pytest.param("media.example.com.:80", True, id="dot and port"),
        pytest.param("example.com", False, id="another host"),
        pytest.param("", False, id="empty"),
        pytest.param("[::1]:8080", False, id="IPv6 literal"),
    ],
)
def test_of_host(host: str, *, found: bool) -> None:
    """A Host field names the connector whose own host it is."""
    hosted = Connector(
        slug="m", folder="f", identifier=Identifier.CONTENT_ID, host="media.example.com"
    )
    connectors = Connectors(1, (BY_ID, hosted))
    assert connectors.of_host(host) is (hosted if found else None)
    assert connectors.of_slug("a") is BY_ID
    assert connectors.of_slug("A") is None


def test_what_is_searched_for() -> None:
    """The contents of the connector's folder, of its types, as far below as it reaches."""
    connector = Connector(
        slug="films",
        folder="films",
        folder_id="f-1",
        identifier=Identifier.CONTENT_ID,
        content_types=frozenset({ContentType.VIDEO}),
        subfolders=False,
    )
    assert folder_criteria(connector) == SearchCriteria(
        content_types=frozenset({ContentType.VIDEO}), folder_id="f-1", cascade=False
    )
