"""The simulated tenant: its folders, contents and application, and how they change.

Rules: the clock is an argument; every content is an immutable record with a history, so that a
lagging index can be asked for what it knew then. Contents that never changed are read from the
library each time: a tenant of 100,000 costs no more than their names.
"""

import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

from proxy.sandbox.blob import Blob, BytesBlob
from proxy.sandbox.content import (
    SimulatedContent,
    Version,
    aware,
    derived_status,
    first,
    public_channels,
)
from proxy.sandbox.generated import GeneratedContents
from proxy.sandbox.specs import ContentSpec, FolderSpec, Library

TRASH = "_TRASH_"


@dataclass(slots=True)
class App:
    """The custom application that logs in (docs/thron.md 2.5); may be changed at run time.

    Attributes:
        pkey: The share key of its folder; None while public share is off.
        may_share: Whether it holds the share right, which downloadSource needs.
        can_disguise: Whether it may act as a user.
    """

    id: str
    key: str = field(repr=False)
    root_folder_id: str
    pkey: str | None = field(repr=False)
    active: bool = True
    may_share: bool = True
    can_disguise: bool = False


class PrettyIdTaken(Exception):
    """A prettyId that another content holds: PRETTYID_ALREADY_EXISTS (docs/thron.md 1.5)."""


class SimulatedTenant:
    """Folders, contents and the application of one client."""

    def __init__(self, library: Library, *, client_id: str, app: App) -> None:
        self.client_id = client_id
        self.app = app
        self.library = library
        self.folders: dict[str, FolderSpec] = {folder.id: folder for folder in library.folders}
        self.pkeys: set[str] = {app.pkey} if app.pkey else set()
        self._added: dict[str, ContentSpec] = {}
        self._histories: dict[str, list[tuple[float, SimulatedContent | None]]] = {}
        self._retired: dict[str, float] = {}

    # Reading

    def content(self, content_id: str, *, at: float | None = None) -> SimulatedContent | None:
        """Return a content as it stands, or as it stood at a time; None where there is none."""
        history = self._histories.get(content_id)
        if history is None:
            spec = self._spec(content_id)
            return None if spec is None else first(spec)
        if at is None:
            return history[-1][1]
        return next((content for since, content in reversed(history) if since <= at), None)

    def contents(self, *, at: float | None = None) -> Iterator[SimulatedContent]:
        """Yield every content as it stands, or as it stood at a time."""
        for spec in self._specs():
            content = self.content(spec.id, at=at) if spec.id in self._histories else first(spec)
            if content is not None:
                yield content

    def find(self, name: str) -> SimulatedContent:
        """Return the content with this id, prettyId or title.

        Raises:
            KeyError: There is none.
        """
        found = self.content(name) or self.of_key(name)
        if found is None:
            found = next((c for c in self.contents() if name in c.titles.values()), None)
        if found is None:
            raise KeyError(name)
        return found

    def of_key(
        self, key: str, *, at: float | None = None, any_case: bool = False
    ) -> SimulatedContent | None:
        """Return the content that an id, a prettyId or an externalId (``key:value``) names."""
        content = self.content(key, at=at)
        if content is not None:
            return content
        candidates = [*self._histories, *self._keys.get(key.lower(), ())]
        for candidate in candidates:
            content = self.content(candidate, at=at)
            if content is not None and _goes_by(content, key, any_case=any_case):
                return content
        return None

    def holders(
        self, key: str, value: str, *, at: float | None = None
    ) -> Iterator[SimulatedContent]:
        """Yield the contents that may hold a custom metadata value: all that do, and more."""
        for content_id in dict.fromkeys((*self._histories, *self._values.get((key, value), ()))):
            content = self.content(content_id, at=at)
            if content is not None:
                yield content

    def folder(self, key: str) -> FolderSpec | None:
        """Return the folder that an id or a prettyId names."""
        named = (f for f in self.folders.values() if key in {value for _, value in f.pretty_ids})
        return self.folders.get(key) or next(named, None)

    def below(self, folder_id: str) -> frozenset[str]:
        """Return a folder's id and those of all folders under it."""
        found = {folder_id}
        waiting = [folder_id]
        while waiting:
            above = waiting.pop()
            under = [f.id for f in self.folders.values() if f.parent_id == above]
            waiting.extend(folder for folder in under if folder not in found)
            found.update(under)
        return frozenset(found)

    def ancestors(self, folder_id: str) -> tuple[str, ...]:
        """Return the ids of the folders above one, the top first."""
        above: list[str] = []
        folder = self.folders.get(folder_id)
        while folder is not None and folder.parent_id is not None:
            above.append(folder.parent_id)
            folder = self.folders.get(folder.parent_id)
        return tuple(reversed(above))

    @property
    def visible_folders(self) -> frozenset[str]:
        """The folders that the application sees: its root and all below (docs/thron.md 2.5)."""
        return self.below(self.app.root_folder_id)

    def sees(self, content: SimulatedContent) -> bool:
        """Say whether the application sees a content: it is linked below its root."""
        return not self.visible_folders.isdisjoint(content.folder_ids)

    def bytes_of(self, content_id: str) -> bytes:
        """Return the present source file; for contents that fit in memory."""
        return octets(self.find(content_id).version.source)

    def rendition_of(self, content_id: str, channel: str) -> bytes:
        """Return what is published on a channel; for contents that fit in memory."""
        return octets(self.find(content_id).version.renditions[channel])

    def retired_since(self, version: Version) -> float | None:
        """Return when a version stopped being delivered; None while it is."""
        return self._retired.get(version.id)

    # Changing

    def change(self, content_id: str, *, now: float, **changes: Any) -> SimulatedContent:
        """Save a content's record with some of its attributes changed.

        Raises:
            KeyError: There is no such content.
        """
        content = self.find(content_id)
        changed = replace(
            content,
            **{
                "last_update": aware(now),
                "record_version": content.record_version + 1,
                **changes,
            },
        )
        self._save(content.id, changed, now=now)
        return changed

    def add(self, spec: ContentSpec, *, now: float) -> SimulatedContent:
        """Add a content that the library does not have.

        Raises:
            PrettyIdTaken: Another content holds one of its prettyIds.
        """
        self._guard_pretty_ids(spec.id, spec.pretty_ids)
        self._added[spec.id] = spec
        content = first(spec)
        self._histories[spec.id] = [(now, content)]
        return content

    def publish_new_version(
        self,
        content_id: str,
        *,
        now: float,
        blob: Blob | None = None,
        file_name: str | None = None,
        renditions: dict[str, Blob] | None = None,
        touch: bool = True,
    ) -> Version:
        """Replace a content's file; without a blob, by one that says which version it is.

        Renditions not given are the new file itself: enough to tell versions apart.
        """
        content = self.find(content_id)
        old = content.version
        number = old.number + 1
        source = blob or _numbered(content, number=number, media_type=old.media_type)
        version = Version(
            content_id=content.id,
            number=number,
            file_name=file_name or old.file_name,
            media_type=source.media_type,
            source=source,
            renditions=renditions or dict.fromkeys(old.renditions, source),
            created=aware(now),
        )
        self._retired[old.id] = now
        last_update = aware(now) if touch else content.last_update
        self.change(
            content.id, now=now, versions=(*content.versions, version), last_update=last_update
        )
        return version

    def unlink(
        self, content_id: str, folder_id: str | None = None, *, now: float
    ) -> SimulatedContent:
        """Take a content out of one folder, or of all."""
        content = self.find(content_id)
        left = () if folder_id is None else tuple(f for f in content.folder_ids if f != folder_id)
        return self.change(content.id, now=now, folder_ids=left)

    def link(self, content_id: str, folder_id: str, *, now: float) -> SimulatedContent:
        """Put a content into one more folder."""
        content = self.find(content_id)
        linked = dict.fromkeys((*content.folder_ids, folder_id))
        return self.change(content.id, now=now, folder_ids=tuple(linked))

    def set_status(
        self, content_id: str, status: str, *, now: float, channels: tuple[str, ...] = ()
    ) -> SimulatedContent:
        """Give a content another publication status, with the channels that it then has."""
        changed = self.change(content_id, now=now, status=status, channels=channels, unfinished=())
        return self._delivered(changed, now=now)

    def set_channels(
        self, content_id: str, states: Mapping[str, str], *, now: float
    ) -> SimulatedContent:
        """Give a content's channels other states; its status follows from them."""
        public = public_channels(states)
        unfinished = tuple((name, state) for name, state in states.items() if name not in public)
        changed = self.change(
            content_id,
            now=now,
            status=derived_status(states.values()),
            channels=public,
            unfinished=unfinished,
        )
        return self._delivered(changed, now=now)

    def _delivered(self, content: SimulatedContent, *, now: float) -> SimulatedContent:
        """Return a content, its present files being delivered from now on, or not any more."""
        if content.is_out:
            self._retired.pop(content.version.id, None)
        else:
            self._retired[content.version.id] = now
        return content

    def rename(
        self, content_id: str, *, now: float, pretty_ids: tuple[tuple[str, str], ...]
    ) -> SimulatedContent:
        """Give a content other prettyIds.

        Raises:
            PrettyIdTaken: Another content holds one of them.
        """
        content = self.find(content_id)
        self._guard_pretty_ids(content.id, pretty_ids)
        return self.change(content.id, now=now, pretty_ids=pretty_ids)

    def trash(self, content_id: str, *, now: float) -> SimulatedContent:
        """Unlink a content from all folders and drop its ACLs; it stays delivered by URL."""
        return self.change(content_id, now=now, folder_ids=(TRASH,), trashed=True)

    def remove(self, content_id: str, *, now: float) -> None:
        """Remove a content for good."""
        content = self.find(content_id)
        self._retired[content.version.id] = now
        self._save(content.id, None, now=now)

    def removed(self) -> Iterator[tuple[float, SimulatedContent]]:
        """Yield when each removed content went, with its last record."""
        for history in self._histories.values():
            since, content = history[-1]
            if content is None and len(history) > 1 and (last := history[-2][1]) is not None:
                yield since, last

    def unlinked(self) -> Iterator[tuple[float, SimulatedContent]]:
        """Yield when each content left a folder, with its record before."""
        for history in self._histories.values():
            for (_, before), (since, after) in pairwise(history):
                if before and after and set(before.folder_ids) - set(after.folder_ids):
                    yield since, before

    def new_pkey(self) -> str:
        """Revoke the share key and make a new one."""
        pkey = secrets.token_hex(3)
        self.app.pkey = pkey
        self.pkeys.add(pkey)
        return pkey

    # Where contents come from

    def _specs(self) -> Iterator[ContentSpec]:
        yield from self.library.contents
        yield from self._added.values()

    def _spec(self, content_id: str) -> ContentSpec | None:
        contents = self.library.contents
        if isinstance(contents, GeneratedContents):
            position = contents.index_of(content_id)
        else:
            position = self._positions.get(content_id)
        return self._added.get(content_id) if position is None else contents[position]

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {spec.id: position for position, spec in enumerate(self.library.contents)}

    @cached_property
    def _keys(self) -> dict[str, tuple[str, ...]]:
        keys: dict[str, tuple[str, ...]] = {}
        for spec in self.library.contents:
            for key in _keys_of(spec.pretty_ids, spec.external_ids):
                keys[key.lower()] = (*keys.get(key.lower(), ()), spec.id)
        return keys

    @cached_property
    def _values(self) -> dict[tuple[str, str], tuple[str, ...]]:
        values: dict[tuple[str, str], tuple[str, ...]] = {}
        for spec in self.library.contents:
            for _, key, _, value in spec.imetadata:
                values[key, value] = (*values.get((key, value), ()), spec.id)
        return values

    def _save(self, content_id: str, content: SimulatedContent | None, *, now: float) -> None:
        history = self._histories.setdefault(
            content_id, [(float("-inf"), self.content(content_id))]
        )
        history.append((now, content))

    def _guard_pretty_ids(self, content_id: str, pretty_ids: Iterable[tuple[str, str]]) -> None:
        for _, value in pretty_ids:
            holder = self.of_key(value)
            if holder is not None and holder.id != content_id:
                raise PrettyIdTaken(value)


def octets(blob: Blob) -> bytes:
    """Return all octets of a blob."""
    return b"".join(blob.read(0, blob.length))


def _keys_of(
    pretty_ids: Iterable[tuple[str, str]], external_ids: Iterable[tuple[str, str]]
) -> Iterator[str]:
    yield from (value for _, value in pretty_ids)
    # docs/thron.md 3.1: looked up as key:value, lower-cased.
    yield from (f"{key}:{value}".lower() for key, value in external_ids)


def _goes_by(content: SimulatedContent, key: str, *, any_case: bool) -> bool:
    if any(f"{name}:{value}".lower() == key.lower() for name, value in content.external_ids):
        return True
    values = [value for _, value in content.pretty_ids]
    return key in values or (any_case and key.lower() in {value.lower() for value in values})


def _numbered(content: SimulatedContent, *, number: int, media_type: str) -> BytesBlob:
    line = f"version {number} of {content.id}\n".encode()
    return BytesBlob(line * 4096, media_type)
