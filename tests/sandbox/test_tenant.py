"""The simulated tenant and how it changes (docs/thron.md 3 and 12, Life of a content)."""

from datetime import UTC, datetime

import pytest

from proxy.sandbox.blob import BytesBlob
from proxy.sandbox.manifest import generated
from proxy.sandbox.specs import ContentSpec, Library
from proxy.sandbox.tenant import App, PrettyIdTaken, SimulatedTenant
from tests.sandbox.small import (
    ARCHIVE,
    FILM,
    MANUAL,
    MANUALS,
    OUTSIDE,
    PHOTO,
    ROOT,
    TOP,
    library,
)


def tenant_of(held: Library) -> SimulatedTenant:
    app = App("app", "key", held.root_folder_id, pkey="pk")
    return SimulatedTenant(held, client_id="sandbox", app=app)


@pytest.fixture
def tenant() -> SimulatedTenant:
    return tenant_of(library())


@pytest.mark.parametrize("name", [MANUAL, "owner-manual", "Owner manual", "Manuale", "erp:4711"])
def test_find(tenant: SimulatedTenant, name: str) -> None:
    """A content is found by id, prettyId, title or externalId."""
    assert tenant.find(name).id == MANUAL


def test_find_nothing(tenant: SimulatedTenant) -> None:
    """What is not there is not found."""
    with pytest.raises(KeyError):
        tenant.find("nothing")


def test_folders(tenant: SimulatedTenant) -> None:
    """The tree is known downwards and upwards."""
    assert tenant.below(ROOT) == {ROOT, MANUALS, ARCHIVE}
    assert tenant.ancestors(ARCHIVE) == (TOP, ROOT, MANUALS)
    assert OUTSIDE not in tenant.visible_folders


def test_history(tenant: SimulatedTenant) -> None:
    """Each record is kept with its time."""
    tenant.unlink(MANUAL, MANUALS, now=10)
    tenant.unlink(MANUAL, now=20)
    folders = [tenant.content(MANUAL, at=at) for at in (9, 10, 19, 20)]
    assert [c and c.folder_ids for c in folders] == [(MANUALS, ARCHIVE), (ARCHIVE,), (ARCHIVE,), ()]
    assert [at for at, _ in tenant.unlinked()] == [10, 20]


def test_record_version_grows(tenant: SimulatedTenant) -> None:
    """Every save raises the record's version and lastUpdate."""
    changed = tenant.link(PHOTO, ARCHIVE, now=1_800_000_000)
    assert changed.record_version == 2
    assert changed.last_update == datetime(2027, 1, 15, 8, tzinfo=UTC)
    assert tenant.link(PHOTO, ARCHIVE, now=0).folder_ids == (ROOT, ARCHIVE)


def test_pretty_id_is_guarded(tenant: SimulatedTenant) -> None:
    """A prettyId belongs to one content, in all languages."""
    with pytest.raises(PrettyIdTaken):
        tenant.rename(PHOTO, now=0, pretty_ids=(("DE", "owner-manual"),))
    same = tenant.rename(PHOTO, now=0, pretty_ids=(("EN", "photo"), ("IT", "photo")))
    assert len(same.pretty_ids) == 2
    tenant.rename(PHOTO, now=1, pretty_ids=())
    assert tenant.of_key("photo") is None
    assert tenant.rename(FILM, now=2, pretty_ids=(("EN", "photo"),)).id == FILM


def test_add(tenant: SimulatedTenant) -> None:
    """A content can be added, and is then found as any other."""
    blob = BytesBlob(b"x", "text/plain")
    day = datetime(2025, 1, 1, tzinfo=UTC)
    spec = ContentSpec("new", "OTHER", day, day, {"EN": "New"}, "new.txt", "text/plain", blob)
    tenant.add(spec, now=5)
    assert tenant.find("New").id == "new"
    assert tenant.content("new", at=4) is None
    assert "new" in {content.id for content in tenant.contents()}


def test_remove(tenant: SimulatedTenant) -> None:
    """What is removed is gone, and known to have been."""
    tenant.remove(MANUAL, now=7)
    assert tenant.content(MANUAL) is None
    assert tenant.of_key("owner-manual") is None
    assert [(at, last.id) for at, last in tenant.removed()] == [(7, MANUAL)]


def test_versions(tenant: SimulatedTenant) -> None:
    """Versions differ in id, bytes and static name."""
    old = tenant.find(MANUAL).version
    new = tenant.publish_new_version(MANUAL, now=3)
    assert old.id != new.id
    assert old.source.etag != new.source.etag
    assert tenant.retired_since(old) == 3
    assert tenant.retired_since(new) is None
    assert tenant.rendition_of(MANUAL, "WEB") == tenant.bytes_of(MANUAL)


def test_generated_contents_are_found_without_a_search() -> None:
    """A tenant of a million knows any of its contents at once."""
    tenant = tenant_of(generated(1_000_000))
    spec = tenant.library.contents[765_432]
    content = tenant.content(spec.id)
    assert content is not None
    assert content.titles == spec.titles
