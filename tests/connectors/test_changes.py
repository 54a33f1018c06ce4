"""A change of connectors: what differs, who conflicts, what breaks or becomes public."""

import subprocess
import sys
from typing import Any

import pytest

from proxy.connectors.changes import (
    Changes,
    Impact,
    Reason,
    break_reason,
    breaks,
    compare,
    conflicts,
    differences,
    reaches_further,
    resolved,
    state_of,
)
from proxy.connectors.folder_statistics import FolderStatistics
from proxy.connectors.model import Connector, DeliveryMode, Disposition, Identifier
from proxy.thron.content import Content, ContentType, MetadataValue

OLD = Connector(
    slug="skus",
    folder="brochures",
    folder_id="f-1",
    identifier=Identifier.METADATA,
    metadata="sku",
    classification_id="c-1",
)


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
    assert problem.text.endswith(" connector.")
    assert problem.slugs == ("one", "two")
    (twice,) = conflicts({}, [one.model_copy(update={"host": None})] * 2)
    assert twice.slugs == ("one",)


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


def test_state() -> None:
    """Any change makes another state, and what is the same has the same."""
    assert state_of(OLD) == state_of(OLD.model_copy())
    assert state_of(OLD) != state_of(OLD.model_copy(update={"max_age_s": 1}))


def test_state_in_another_process() -> None:
    """Every process gives the same, though each has an order of its own for a set."""
    said = "from tests.connectors.test_changes import OLD, state_of; print(state_of(OLD))"

    def told(seed: str) -> str:
        environ = {"PYTHONHASHSEED": seed}
        ran = subprocess.run(
            [sys.executable, "-c", said], env=environ, capture_output=True, text=True, check=True
        )
        return ran.stdout.strip()

    assert {told("1"), told("2"), told("3")} == {state_of(OLD)}


@pytest.mark.parametrize(
    ("change", "reasons"),
    [
        pytest.param({}, [], id="nothing"),
        pytest.param(
            {"enabled": False}, ["The connector would be disabled: none of its URLs"], id="disabled"
        ),
        pytest.param(
            {"host": "m.example.com"},
            ["common one to m.example.com: URLs on the old one would stop working."],
            id="host",
        ),
        pytest.param(
            {"identifier": Identifier.CONTENT_ID, "metadata": None},
            ["metadata to content_id"],
            id="identifier",
        ),
        pytest.param({"metadata": "ean"}, ["sku to ean: every URL would change."], id="metadata"),
        pytest.param({"classification_id": "c-2"}, ["metadata would change"], id="classification"),
        pytest.param(
            {"folder": "new", "folder_id": "f-2"},
            ["brochures to new: URLs of contents outside the new one would stop"],
            id="folder",
        ),
        pytest.param({"folder": "f-1"}, [], id="the same folder by its id"),
        pytest.param(
            {"subfolders": False}, ["folders below would stop working."], id="without subfolders"
        ),
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
    assert all(sentence.endswith(".") for sentence in told)


def test_leaving_out_what_is_not_published() -> None:
    """It breaks the URLs of drafts."""
    (told,) = breaks(OLD.model_copy(update={"only_published": False}), OLD)
    assert told.startswith("URLs of contents that THRON does not publish would stop")
    (host,) = breaks(
        OLD.model_copy(update={"host": "m.example.com"}), OLD.model_copy(update={"host": None})
    )
    assert "m.example.com to the common one" in host


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


@pytest.mark.parametrize(
    ("change", "is_so"),
    [
        pytest.param({}, False, id="nothing"),
        pytest.param({"folder_id": "f-2"}, True, id="another folder"),
        pytest.param({"folder": "f-1"}, False, id="the same folder by its id"),
        pytest.param({"metadata": "ean"}, True, id="another metadata"),
        pytest.param({"content_types": frozenset({ContentType.IMAGE})}, False, id="fewer types"),
        pytest.param({"subfolders": False}, False, id="without the folders below"),
        pytest.param({"only_published": False}, True, id="drafts too"),
        pytest.param({"enabled": False, "folder_id": "f-2"}, False, id="switched off"),
        pytest.param({"host": "m.example.com", "max_age_s": 1}, False, id="another host"),
    ],
)
def test_reaches_further(change: dict[str, Any], *, is_so: bool) -> None:
    """Only what could make other contents public counts as wider."""
    assert reaches_further(OLD, OLD.model_copy(update=change)) is is_so


def test_what_was_not_there_reaches_further() -> None:
    """A new connector, one that is switched on, and one that gets back what it lost, are wider."""
    narrow = OLD.model_copy(
        update={"subfolders": False, "content_types": frozenset({ContentType.IMAGE})}
    )
    off = OLD.model_copy(update={"enabled": False})
    assert all(reaches_further(each, OLD) for each in (None, off, narrow))
    assert not reaches_further(OLD, None)
    assert not reaches_further(None, off)


@pytest.mark.parametrize(
    ("change", "is_known"),
    [
        pytest.param({"max_age_s": 1, "host": "m.example.com"}, True, id="no matter of THRON's"),
        pytest.param({"folder": "f-1"}, True, id="the folder by its id"),
        pytest.param({"folder": "other"}, False, id="another folder"),
        pytest.param({"metadata": "ean"}, False, id="another metadata"),
        pytest.param({"identifier": "content_id", "metadata": None}, False, id="identifier"),
    ],
)
def test_resolved(change: dict[str, Any], *, is_known: bool) -> None:
    """THRON need not be asked again for the folder and the metadata that a connector has."""
    wanted = OLD.model_copy(update={**change, "folder_id": "", "classification_id": None})
    found = resolved(OLD, wanted)
    assert (found is not None) is is_known
    if found is not None:
        assert (found.folder_id, found.classification_id) == ("f-1", "c-1")
        assert (found.folder, found.max_age_s) == ("brochures", wanted.max_age_s)


def test_what_becomes_public_is_counted_where_it_matters() -> None:
    """A wider connector tells how many contents it gives an address; another tells none."""
    statistics = FolderStatistics(is_done=True, is_whole=True, is_legacy_whole=True)
    for number in range(3):
        sku = (MetadataValue("sku", str(number), None, "c-1"),) if number else ()
        statistics.listed.count(Content(str(number), "IMAGE", status="PUBLISHED", metadata=sku))
    wider = Impact(None, OLD, is_wider=True, statistics=statistics)
    assert (wider.public, wider.is_at_least, wider.is_harmless) == (2, False, False)
    same = Impact(OLD, OLD, statistics=statistics)
    assert (same.contents, same.public, same.is_harmless) == (2, None, True)
    statistics.is_whole = False
    assert wider.is_at_least


NARROWER = OLD.model_copy(
    update={
        "content_types": frozenset({ContentType.IMAGE}),
        "only_published": True,
        "folder_id": "f-2",
    }
)


@pytest.mark.parametrize(
    ("content_type", "is_published", "is_held", "reason"),
    [
        pytest.param("IMAGE", True, True, None, id="served as before"),
        pytest.param("VIDEO", True, True, Reason.TYPE, id="of another type"),
        pytest.param("IMAGE", False, True, Reason.UNPUBLISHED, id="not published"),
        pytest.param("IMAGE", True, False, Reason.FOLDER, id="not in the new folder"),
    ],
)
def test_why_one_content_breaks(
    content_type: str, *, is_published: bool, is_held: bool, reason: Reason | None
) -> None:
    """Of what a change does to a connector, what concerns this content."""
    old = OLD.model_copy(update={"only_published": False})
    asked: list[str] = []

    def holds(content_id: str) -> bool:
        asked.append(content_id)
        return is_held

    found = break_reason(
        old,
        NARROWER,
        content_id="94bd",
        content_type=content_type,
        is_published=is_published,
        holds=holds,
    )
    assert found == reason
    assert set(asked) <= {"94bd"}


def test_every_content_of_what_is_removed_breaks() -> None:
    """Whatever it is."""
    found = break_reason(
        OLD, None, content_id="94bd", content_type="IMAGE", is_published=True, holds=lambda _: True
    )
    assert found is not None
