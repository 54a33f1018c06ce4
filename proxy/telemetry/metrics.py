"""The Prometheus metrics."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from proxy.telemetry.live import Traffic

CONTENT_TYPE = CONTENT_TYPE_LATEST


class Metrics:
    """The counters of one process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.first_byte = Histogram(
            "thron_connector_first_byte_seconds",
            "From the request to the first octet of content",
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15),
            registry=self.registry,
        )
        self.connections = Gauge(
            "thron_connector_connections",
            "Open connections of clients",
            ["listener"],
            registry=self.registry,
        )
        self.connections_closed = Counter(
            "thron_connector_connections_closed",
            "Connections that were refused, or closed before their end, by listener and reason",
            ["listener", "reason"],
            registry=self.registry,
        )
        self.purge_hook_waiting = Gauge(
            "thron_connector_purge_hook_waiting",
            "Purges that the cache of a hook has not been told yet, where this process tells it",
            ["hook"],
            registry=self.registry,
        )
        self.purge_hook_requests = Counter(
            "thron_connector_purge_hook_requests",
            "Requests to the caches of hooks, by outcome",
            ["hook", "outcome"],
            registry=self.registry,
        )
        self.logins = Gauge(
            "thron_connector_logins",
            "Logins to THRON since the start",
            registry=self.registry,
        )
        self.logged_in = Gauge(
            "thron_connector_logged_in",
            "1 while a session token is at hand",
            registry=self.registry,
        )

    def watch(self, traffic: Traffic) -> None:
        """Expose what comes and goes on the public listener."""
        self.registry.register(_OfTraffic(traffic))

    def exposition(self) -> bytes:
        """Return all figures in Prometheus' text format."""
        return generate_latest(self.registry)


class _OfTraffic(Collector):
    """Reads the counts of traffic when they are asked for: nothing is done for each request."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic

    def collect(self) -> Iterator[Metric]:
        downloads = CounterMetricFamily(
            "thron_connector_downloads",
            "Answers on the public listener",
            labels=["status", "ended_by"],
        )
        for (status, ended_by), number in self._traffic.answers.items():
            downloads.add_metric([str(status or "-"), ended_by], number)
        yield downloads
        yield CounterMetricFamily(
            "thron_connector_octets",
            "Octets of content sent to clients",
            value=self._traffic.octets,
        )
        yield GaugeMetricFamily(
            "thron_connector_downloads_in_flight",
            "Requests being answered on the public listener",
            value=self._traffic.running,
        )
        resolutions = CounterMetricFamily(
            "thron_connector_resolutions",
            "Addresses resolved, by what the resolver had to do",
            labels=["outcome"],
        )
        for outcome, number in self._traffic.resolutions.items():
            resolutions.add_metric([outcome], number)
        yield resolutions
