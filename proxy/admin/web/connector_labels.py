"""How the console calls what a connector is made of; pure."""

from collections.abc import Mapping
from typing import Any

from proxy.connectors.changes import Reason
from proxy.connectors.metadata_choices import Fitness
from proxy.connectors.model import Connector, DeliveryMode, Disposition, Identifier
from proxy.connectors.values import TYPE_NAMES, TypeWord
from proxy.text import Text

NAME_OF_TYPE: Mapping[str, Text] = {
    word.content_type.value: name for word, name in TYPE_NAMES.items()
}

IDENTIFIER_NAMES: Mapping[Identifier, Text] = {
    Identifier.CONTENT_ID: Text("Content ID"),
    Identifier.PRETTY_ID: Text("prettyID"),
    Identifier.METADATA: Text("Custom metadata"),
}

IDENTIFIER_HELP: Mapping[Identifier, Text] = {
    Identifier.PRETTY_ID: Text(
        "Readable, one for each language, set in THRON. If it is changed there, the former one"
        " keeps working."
    ),
    Identifier.CONTENT_ID: Text(
        "THRON's own ID. Every content has one and it never changes, but people cannot read"
        " anything from it."
    ),
}

DELIVERY_NAMES: Mapping[DeliveryMode, Text] = {
    DeliveryMode.ORIGINAL: Text("Original files"),
    DeliveryMode.PUBLISHED: Text("Published renditions"),
}

DISPOSITION_NAMES: Mapping[Disposition, Text] = {
    Disposition.ATTACHMENT: Text("Browsers save the file"),
    Disposition.INLINE: Text("Browsers show the file"),
}

FITNESS_NAMES: Mapping[Fitness, Text] = {
    Fitness.KEY: Text("Keys"),
    Fitness.PLAIN: Text("Text and numbers"),
    Fitness.SEEN: Text("Seen on contents, without a definition"),
    Fitness.DOUBTFUL: Text("Others"),
}

FITNESS_HELP: Mapping[Fitness, Text] = {
    Fitness.KEY: Text("Made for naming: short, without spaces, the same in every language."),
    Fitness.PLAIN: Text("Good if every content has its own value."),
    Fitness.SEEN: Text("Metadata whose definitions the application cannot see; often older ones."),
    Fitness.DOUBTFUL: Text(
        "Dates, colours and choices from lists are rarely unique, and they change when their"
        " labels do."
    ),
}

REASON_NAMES: Mapping[Reason, Text] = {
    Reason.REMOVED: Text("The connector would be removed."),
    Reason.DISABLED: Text("The connector would be switched off."),
    Reason.HOST: Text("The host would change."),
    Reason.IDENTIFIER: Text("Addresses would be built from something else."),
    Reason.METADATA: Text("Addresses would be built from another metadata field."),
    Reason.TYPE: Text("Their type would no longer be served."),
    Reason.UNPUBLISHED: Text("The contents are not published in THRON."),
    Reason.FOLDER: Text("They are outside what would be served."),
}


def types_of(connector: Connector) -> tuple[TypeWord, ...]:
    """Return a connector's types in the order in which they are shown."""
    return tuple(each for each in TypeWord if each.content_type in connector.content_types)


NAMES: Mapping[str, Any] = {
    "type_names": TYPE_NAMES,
    "name_of_type": NAME_OF_TYPE,
    "identifier_names": IDENTIFIER_NAMES,
    "identifier_help": IDENTIFIER_HELP,
    "delivery_names": DELIVERY_NAMES,
    "disposition_names": DISPOSITION_NAMES,
    "fitness_names": FITNESS_NAMES,
    "fitness_help": FITNESS_HELP,
    "reason_names": REASON_NAMES,
    "types_of": types_of,
}
"""All of them, by the names that templates know them by."""
