"""A content as the rows that it has in the catalogue; pure."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proxy.catalogue.url_entries import UrlEntry, clean, entries, search_text, sort_key, title
from proxy.connectors.model import Connector, is_servable
from proxy.thron.content import Content, Publication, publication


@dataclass(frozen=True, slots=True)
class ContentRows:
    """What the catalogue is to hold of one content.

    Attributes:
        content: As THRON has it now.
        entries: Its lines in the table of URLs.
        is_servable: Whether the connector serves it.
        values: The columns of its row of the table ``content`` that THRON decides.
    """

    content: Content
    entries: tuple[UrlEntry, ...]
    is_servable: bool
    values: Mapping[str, Any]

    @property
    def digest(self) -> str:
        """A digest of all that the rows hold: where it is the same, nothing has changed."""
        facts = sorted(self.values.items()), self.entries
        return hashlib.sha256(repr(facts).encode("utf-8", "replace")).hexdigest()[:32]

    def row_values(self, entry: UrlEntry) -> Mapping[str, Any]:
        """The columns of a line that do not depend on other contents."""
        content, shown = self.content, title(self.content, entry.language)
        updated = content.last_update
        return {
            "content_type": content.content_type[:32],
            "title": shown,
            "title_key": sort_key(shown),
            "updated_s": int(updated.timestamp()) if updated is not None else 0,
            "search": search_text(content.id, entry.value[:200], shown, content.file_name),
            "is_addressable": entry.is_addressable,
            "is_shortened": entry.is_shortened,
        }


def content_rows(connector: Connector, content: Content, *, was_published: bool) -> ContentRows:
    """Return the rows of a content; ``was_published`` is what the catalogue has of it so far."""
    found = publication(content.status, content.channels, was_published=was_published)
    served = is_servable(connector, content, was_published=was_published)
    values = {
        "content_type": content.content_type[:32],
        "titles": [[clean(each.language), clean(each.text)] for each in content.titles],
        "file_name": clean(content.file_name) if content.file_name else None,
        "status": clean(content.status) if content.status else None,
        "channels": clean(" ".join(content.channels)),
        "created": content.creation_date,
        "updated": content.last_update,
        "was_published": found is Publication.PUBLISHED,
        "is_servable": served,
    }
    return ContentRows(content, entries(connector, content), served, values)
