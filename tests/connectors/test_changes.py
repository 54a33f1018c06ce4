"""What a change of connectors does, and which public URLs it breaks."""

from typing import Any

import pytest

from proxy.connectors.changes import Changes, breaks, compare, conflicts, differences
from proxy.connectors.model import Connector, DeliveryMode, Disposition, Identifier
from proxy.thron.content import ContentType

OLD = Connector(
    slug="skus",
    folder="brochures",
    folder_id="f-1",
    identifier=Identifier.METADATA,
    metadata="sku",
    classification_id="c-1",
)


@pytest.mark.parametrize(
    ("change", "reasons"),
    [
        pytest.param({}, [], id="nothing"),
        pytest.param({"enabled": False}, ["disabled"], id="disabled"),
        pytest.param({"host": "m.example.com"}, ["common one to m.example.com"], id="host"),
        pytest.param(
            {"identifier": Identifier.CONTENT_ID, "metadata": None},
            ["metadata to content_id"],
            id="identifier",
        ),
        pytest.param({"metadata": "ean"}, ["sku to ean"], id="metadata"),
        pytest.param({"classification_id": "c-2"}, ["metadata would change"], id="classification"),
        pytest.param({"folder": "new", "folder_id": "f-2"}, ["brochures to new"], id="folder"),
        pytest.param({"folder": "f-1"}, [], id="the same folder by its id"),
        pytest.param({"subfolders": False}, ["folders below"], id="without subfolders"),
        pytest.param({"only_published": False}, [], id="drafts too"),
        pytest.param(
            {"content_types": frozenset({ContentType.IMAGE, ContentType.AUDIO})},
            ["videos, documents"],
            id="fewer types",
        ),
        pytest.param(
            {
                "force_https": True,
                "delivery": DeliveryMode.PUBLISHED,
                "disposition": Disposition.INLINE,
                "max_age_s": 1,
                "robots": "noindex",
            },
            [],
            id="what leaves addresses alone",
        ),
        pytest.param(
            {"host": "m.example.com", "metadata": "ean", "subfolders": False},
            ["host", "metadata", "folders below"],
            id="several",
        ),
    ],
)
def test_breaks(change: dict[str, Any], reasons: list[str]) -> None:
    """Each way of losing URLs is told in a sentence."""
    told = breaks(OLD, OLD.model_copy(update=change))
    assert len(told) == len(reasons)
    assert all(reason in sentence for reason, sentence in zip(reasons, told, strict=True))


def test_leaving_out_what_is_not_published() -> None:
    """It breaks the URLs of drafts."""
    (told,) = breaks(OLD.model_copy(update={"only_published": False}), OLD)
    assert "does not publish" in told


def test_wider_breaks_nothing() -> None:
    """More types, subfolders, and enabling break nothing."""
    narrow = OLD.model_copy(
        update={"content_types": frozenset({ContentType.IMAGE}), "subfolders": False}
    )
    assert breaks(narrow, OLD) == ()
    assert (
        breaks(
            OLD.model_copy(update={"enabled": False}), OLD.model_copy(update={"metadata": "ean"})
        )
        == ()
    )


def test_unresolved_folders() -> None:
    """Folders that are not resolved yet are compared as they were written."""
    old = OLD.model_copy(update={"folder_id": ""})
    assert breaks(old, old.model_copy(update={"folder": "other"}))
    assert not breaks(old, old)


def test_compare() -> None:
    """A connector is new, different, or as it was."""
    new, changed, same = (
        OLD.model_copy(update={"slug": slug}) for slug in ("new", "changed", "same")
    )
    known = {
        each.slug: each for each in (changed, same, OLD.model_copy(update={"slug": "left-alone"}))
    }
    wanted = [new, changed.model_copy(update={"max_age_s": 1}), same]
    assert compare(known, wanted) == Changes(("new",), ("changed",), ("same",))


def test_conflicts() -> None:
    """One slug or one host for two connectors is a problem, also with those that stay."""
    one = OLD.model_copy(update={"slug": "one", "host": "m.example.com"})
    two = OLD.model_copy(update={"slug": "two", "host": "m.example.com"})
    assert conflicts({}, [one]) == ()
    assert conflicts({"one": one}, [one.model_copy(update={"host": None}), two]) == ()
    assert [each.text for each in conflicts({}, [one.model_copy(update={"host": None})] * 2)] == [
        "connector one: this slug is there twice.",
    ]
    (problem,) = conflicts({"one": one}, [two])
    assert problem.text.startswith("host m.example.com: one and two want it")


def test_differences() -> None:
    """Differences are plain values, fit for JSON."""
    new = OLD.model_copy(update={"max_age_s": 1, "content_types": frozenset({ContentType.IMAGE})})
    assert differences(OLD, new) == {
        "max_age_s": {"old": 300, "new": 1},
        "content_types": {"old": ["AUDIO", "IMAGE", "OTHER", "VIDEO"], "new": ["IMAGE"]},
    }
    assert differences(None, OLD)["slug"] == {"old": None, "new": "skus"}
    assert differences(OLD, None)["slug"] == {"old": "skus", "new": None}
    assert differences(OLD, OLD) == {}
