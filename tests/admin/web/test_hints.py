"""What is missing for the connector to do its work."""

from collections.abc import Sequence
from typing import Any

import pytest

from proxy.admin.web.hints import HintKind, hints
from proxy.connectors.model import Connector, DeliveryMode, Identifier


def _connector(slug: str, **more: Any) -> Connector:
    return Connector(slug=slug, folder="f", identifier=Identifier.CONTENT_ID, **more)


PLAIN = _connector("plain")
OFF = _connector("off", enabled=False, force_https=True, delivery=DeliveryMode.PUBLISHED)
FORCED = _connector("forced", force_https=True)
PUBLISHED = _connector("published", delivery=DeliveryMode.PUBLISHED)

GOOD: dict[str, Any] = {
    "is_connected": True,
    "lacks_pkey": False,
    "can_force_https": True,
    "guessed_url": None,
    "refused_reload": (),
}


@pytest.mark.parametrize(
    ("connectors", "changed", "kinds"),
    [
        pytest.param([PLAIN, FORCED, PUBLISHED], {}, [], id="nothing"),
        pytest.param(
            [PLAIN], {"refused_reload": ["a", "b"]}, [HintKind.RELOAD_REFUSED], id="reload refused"
        ),
        pytest.param([], {"is_connected": False}, [HintKind.NO_CREDENTIALS], id="new"),
        pytest.param([], {"guessed_url": "http://x"}, [HintKind.NO_CONNECTORS], id="connected"),
        pytest.param([OFF], {"lacks_pkey": True}, [HintKind.NONE_ENABLED], id="all off"),
        pytest.param([PLAIN, OFF], {"can_force_https": False}, [], id="one that is off suffers"),
        pytest.param([PUBLISHED], {"lacks_pkey": True}, [HintKind.NO_PKEY], id="no pkey"),
        pytest.param([PLAIN], {"lacks_pkey": True}, [], id="no pkey, and none is needed"),
        pytest.param([FORCED], {"can_force_https": False}, [HintKind.NO_HTTPS], id="no https"),
        pytest.param(
            [PLAIN], {"guessed_url": "http://x"}, [HintKind.GUESSED_PUBLIC_URL], id="guessed"
        ),
    ],
)
def test_hints(
    connectors: Sequence[Connector], changed: dict[str, Any], kinds: list[HintKind]
) -> None:
    """What is missing is told, and nothing that is not."""
    assert [each.kind for each in hints(connectors, **(GOOD | changed))] == kinds


def test_who_suffers() -> None:
    """A hint names the connectors that suffer."""
    found = hints([PLAIN, FORCED, PUBLISHED, OFF], **(GOOD | {"lacks_pkey": True}))
    assert [each.connectors for each in found] == [("published",)]
