"""A histogram beside prometheus_client's own."""

import prometheus_client
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest

from proxy.telemetry.histogram import Histogram

BOUNDS = (0.001, 0.5, 1, 3600)


def exposed(registry: CollectorRegistry) -> list[str]:
    """Return what a registry exposes, without the times since when it counts."""
    text = generate_latest(registry).decode().splitlines()
    return [line for line in text if not line.startswith("waits_seconds_created ")]


@given(st.lists(st.sampled_from(BOUNDS) | st.floats(0, 1e6)))
def test_as_prometheus_client(amounts: list[float]) -> None:
    """Bounds belong to their buckets, and the exposition is the same to the byte."""
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    one = Histogram("waits_seconds", "Waits", buckets=BOUNDS)
    ours.register(one)
    other = prometheus_client.Histogram("waits_seconds", "Waits", buckets=BOUNDS, registry=theirs)
    for amount in amounts:
        one.observe(amount)
        other.observe(amount)
    assert exposed(ours) == exposed(theirs)
