"""The words for what a connector can be."""

from proxy.admin.web.connector_labels import (
    DELIVERY_NAMES,
    DISPOSITION_NAMES,
    IDENTIFIER_HELP,
    IDENTIFIER_NAMES,
    REASON_NAMES,
)
from proxy.connectors.identifiers import PLAIN_NAMINGS
from proxy.connectors.impact import Reason
from proxy.connectors.model import DeliveryMode, Disposition, Identifier


def test_every_choice_has_its_name() -> None:
    """What can be chosen, or told, has a name; an identifier without a key its help, too."""
    assert IDENTIFIER_NAMES.keys() == {*Identifier}
    assert IDENTIFIER_HELP.keys() == {each.identifier for each in PLAIN_NAMINGS}
    assert DELIVERY_NAMES.keys() == {*DeliveryMode}
    assert DISPOSITION_NAMES.keys() == {*Disposition}
    assert REASON_NAMES.keys() == {*Reason}
