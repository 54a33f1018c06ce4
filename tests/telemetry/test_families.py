"""The metrics of several processes as those of one."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from proxy.telemetry.families import exposition, families, merged


def registry(*, requests: int, open_: float, first_byte: float, is_in: int) -> CollectorRegistry:
    made = CollectorRegistry()
    counter = Counter("requests", "Requests", ["status"], registry=made)
    counter.labels("200").inc(requests)
    Gauge("open", "Open", registry=made).set(open_)
    Gauge("thron_connector_logged_in", "Session", registry=made).set(is_in)
    histogram = Histogram("first_byte_seconds", "Wait", buckets=(1, 2), registry=made)
    histogram.observe(first_byte)
    return made


def test_merged() -> None:
    """Counters, buckets and gauges are added up; what all tell the same is told once."""
    one = registry(requests=3, open_=4, first_byte=0.5, is_in=1)
    two = registry(requests=5, open_=6, first_byte=1.5, is_in=1)
    text = exposition(merged([families(one), families(two)])).decode()
    lines = text.splitlines()
    for line in (
        'requests_total{status="200"} 8.0',
        "open 10.0",
        "thron_connector_logged_in 1.0",
        'first_byte_seconds_bucket{le="1.0"} 1.0',
        'first_byte_seconds_bucket{le="2.0"} 2.0',
        "first_byte_seconds_count 2.0",
    ):
        assert line in lines
    assert text.count("# TYPE requests_total counter") == 1


def test_one_is_as_it_is() -> None:
    """The figures of one process alone are exposed as prometheus_client itself does it."""
    one = registry(requests=3, open_=4, first_byte=0.5, is_in=0)
    created = next(each for each in families(one) if each.name == "requests").samples
    assert exposition(merged([families(one)])) == exposition(families(one))
    assert {name for name, _, _ in created} == {"requests_total", "requests_created"}


def test_created_is_the_first() -> None:
    """The time since when something is counted is the earliest of all, and no sum."""
    one, two = (registry(requests=1, open_=0, first_byte=0, is_in=0) for _ in range(2))
    (earliest,) = (
        value
        for family in families(one)
        for name, _, value in family.samples
        if name == "requests_created"
    )
    together = {
        name: value
        for family in merged([families(one), families(two)])
        for name, _, value in family.samples
    }
    assert together["requests_created"] == earliest
