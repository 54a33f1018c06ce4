"""A proxy in front that is not named gives itself away."""

import pytest
from multidict import CIMultiDict

from proxy.telemetry.front_detector import FrontDetector

REQUESTS = 500


def _found(peers: list[str], fields: dict[str, str]) -> int:
    detector = FrontDetector()
    section = CIMultiDict(fields)
    return sum(detector.is_found(peers[number % len(peers)], section) for number in range(REQUESTS))


@pytest.mark.parametrize("field", ["X-Forwarded-For", "forwarded", "Via"])
def test_one_address_that_forwards(field: str) -> None:
    """Requests of one address alone, each with a field that proxies write, are told once."""
    assert _found(["192.0.2.1"], {field: "1.2.3.4"}) == 1


@pytest.mark.parametrize(
    ("peers", "fields"),
    [
        pytest.param(["192.0.2.1"], {"Accept": "*/*"}, id="one busy client"),
        pytest.param(["192.0.2.1", "192.0.2.2"], {"Via": "1.1 a"}, id="several"),
    ],
)
def test_clients_are_no_front(peers: list[str], fields: dict[str, str]) -> None:
    """One client without such a field, or several with one, are no front."""
    assert _found(peers, fields) == 0
