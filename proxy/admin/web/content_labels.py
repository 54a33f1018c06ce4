"""What the console calls types, statuses, sorts and the like."""

from collections.abc import Mapping

from proxy.admin.web.table_view import Column
from proxy.catalogue.collisions import AddressStatus
from proxy.catalogue.url_rows import UrlRow
from proxy.link_check.results import CheckState, LinkStatus
from proxy.text import Text
from proxy.thron.content import Publication

TYPES: Mapping[str, Text] = {
    "VIDEO": Text("Video"),
    "IMAGE": Text("Image"),
    "AUDIO": Text("Audio"),
    "OTHER": Text("Document"),
}

STATUSES: Mapping[AddressStatus, Text] = {
    AddressStatus.OK: Text("Ready"),
    AddressStatus.COLLISION: Text("Shared address"),
    AddressStatus.FORMER: Text("Old link"),
    AddressStatus.NO_IDENTIFIER: Text("No identifier"),
    AddressStatus.NOT_ADDRESSABLE: Text("Unusable identifier"),
    AddressStatus.UNPUBLISHED: Text("Not published"),
    AddressStatus.REMOVED: Text("Removed"),
}

MEANINGS: Mapping[AddressStatus, Text] = {
    AddressStatus.OK: Text("The link leads to this content."),
    AddressStatus.COLLISION: Text(
        "Several contents have this address; the link leads to the oldest."
    ),
    AddressStatus.FORMER: Text("An earlier prettyID; the link still leads to this content."),
    AddressStatus.NO_IDENTIFIER: Text(
        "The content lacks the identifier that its link would be made of."
    ),
    AddressStatus.NOT_ADDRESSABLE: Text("The content's identifier cannot be part of a link."),
    AddressStatus.UNPUBLISHED: Text("The content is not published in THRON at the moment."),
    AddressStatus.REMOVED: Text("The content is no longer in the folder."),
}

HIDDEN: Mapping[Publication, Text] = {
    Publication.DRAFT: Text("Draft"),
    Publication.IN_PROGRESS: Text("In preparation"),
    Publication.NO_CHANNEL: Text("No channel"),
}

# The usual ones of docs/thron.md 3.1; the others are shown in THRON's own word.
THRON_STATUSES: Mapping[str, Text] = {
    "PUBLISHED": Text("Published"),
    "PUBLISHED_IN_SOME_CHANNELS": Text("Published on some channels"),
    "DRAFT": Text("Draft"),
}

WHY_HIDDEN: Mapping[Publication, Text] = {
    Publication.DRAFT: Text("Hidden: it is a draft in THRON."),
    Publication.IN_PROGRESS: Text(
        "Hidden: none of its channels is published yet. THRON is still preparing one, or could not."
    ),
    Publication.NO_CHANNEL: Text("Hidden: THRON does not say whether, or where, it is published."),
}

LOST = Text("Several contents have this address, and the link leads to another one.")

COLUMNS: Mapping[str, Text] = {
    "title": Text("Title"),
    Column.THUMBNAIL: Text("Thumbnail"),
    Column.TYPE: Text("Type"),
    Column.LANGUAGE: Text("Language"),
    Column.IDENTIFIER: Text("Identifier"),
    Column.STATUS: Text("Status"),
    Column.SIZE: Text("Size"),
    Column.MEDIA_TYPE: Text("Media type"),
    Column.MODIFIED: Text("Version date"),
    Column.UPDATED: Text("Updated"),
    Column.FILE_NAME: Text("File name"),
    Column.CONTENT_ID: Text("Content ID"),
}

SHOWN: Mapping[LinkStatus, Text] = {
    LinkStatus.PROBLEMS: Text("With a problem"),
    LinkStatus.WORKING: Text("Working"),
    LinkStatus.UNTRIED: Text("Not tried yet"),
}

CHECKS: Mapping[CheckState, Text] = {
    CheckState.RUNNING: Text("Running"),
    CheckState.STOPPING: Text("Stopping"),
    CheckState.DONE: Text("Done"),
    CheckState.STOPPED: Text("Stopped"),
    CheckState.FAILED: Text("Given up"),
    CheckState.INTERRUPTED: Text("Interrupted"),
}

STEPS: Mapping[str, Text] = {
    "address": Text("The address"),
    "content": Text("The content in THRON"),
    "delivery": Text("Where it is delivered from"),
    "origin": Text("The first byte"),
}

_KINDS: Mapping[AddressStatus, str] = {
    AddressStatus.OK: "good",
    AddressStatus.COLLISION: "warning",
    AddressStatus.FORMER: "info",
    AddressStatus.NO_IDENTIFIER: "bad",
    AddressStatus.NOT_ADDRESSABLE: "bad",
    AddressStatus.UNPUBLISHED: "idle",
    AddressStatus.REMOVED: "idle",
}


def type_name(content_type: str) -> Text | str:
    """Return what a content type is called; THRON's own word for those that are not served."""
    return TYPES.get(content_type.upper(), content_type)


def kind(line: UrlRow) -> str:
    """Return the badge that a line's status has."""
    is_lost = line.status is AddressStatus.COLLISION and not line.serves
    return "bad" if is_lost else _KINDS[line.status]


def meaning(line: UrlRow) -> Text:
    """Return what a line's status means."""
    is_lost = line.status is AddressStatus.COLLISION and not line.serves
    if line.hidden is not None:
        return WHY_HIDDEN[line.hidden]
    return LOST if is_lost else MEANINGS[line.status]
