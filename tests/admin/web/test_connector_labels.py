"""The names under which the console shows what a connector may say."""

from collections.abc import Collection, Mapping
from typing import Any

import pytest

from proxy.admin.web.connector_labels import (
    DELIVERY_NAMES,
    DISPOSITION_NAMES,
    IDENTIFIER_HELP,
    IDENTIFIER_NAMES,
    NAME_OF_TYPE,
)
from proxy.admin.web.content_labels import TYPES
from proxy.connectors.identifiers import STRATEGIES
from proxy.connectors.model import DeliveryMode, Disposition, Identifier
from proxy.thron.content import ContentType


@pytest.mark.parametrize(
    ("names", "named"),
    [
        pytest.param(IDENTIFIER_NAMES, Identifier, id="IDENTIFIER_NAMES"),
        pytest.param(
            IDENTIFIER_HELP,
            [each for each in Identifier if not STRATEGIES[each].has_key],
            id="IDENTIFIER_HELP",
        ),
        pytest.param(NAME_OF_TYPE, ContentType, id="TypeWord and TYPE_NAMES"),
        pytest.param(TYPES, ContentType, id="TYPES of content_labels.py"),
        pytest.param(DELIVERY_NAMES, DeliveryMode, id="DELIVERY_NAMES"),
        pytest.param(DISPOSITION_NAMES, Disposition, id="DISPOSITION_NAMES"),
    ],
)
def test_everything_has_a_name(names: Mapping[Any, object], named: Collection[str]) -> None:
    """A new identifier, type or mode is missing in no list of names."""
    assert set(names) == set(named)
