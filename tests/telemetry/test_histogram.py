"""A histogram beside prometheus_client's own."""

import prometheus_client
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest

from proxy.telemetry.histogram import Histogram, HistogramByLabel

BOUNDS = (0.001, 0.5, 1, 3600)


def exposed(registry: CollectorRegistry) -> list[str]:
    """Return what a registry exposes, without the times since when it counts."""
    text = generate_latest(registry).decode().splitlines()
    return [line for line in text if not line.startswith("waits_seconds_created")]


AMOUNTS = st.sampled_from(BOUNDS) | st.floats(0, 1e6)


@given(st.lists(AMOUNTS))
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


@given(st.lists(st.tuples(st.sampled_from(["api", "cdn"]), AMOUNTS)))
def test_by_label_as_prometheus_client(observed: list[tuple[str, float]]) -> None:
    """Each value of the label has a histogram of its own, from the start."""
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    one = HistogramByLabel(
        "waits_seconds", "Waits", label="origin", values=["api", "cdn"], buckets=BOUNDS
    )
    ours.register(one)
    other = prometheus_client.Histogram(
        "waits_seconds", "Waits", ["origin"], buckets=BOUNDS, registry=theirs
    )
    for value in ("api", "cdn"):
        other.labels(value)
    for value, amount in observed:
        one.of[value].observe(amount)
        other.labels(value).observe(amount)
    assert exposed(ours) == exposed(theirs)
