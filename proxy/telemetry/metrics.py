"""The Prometheus metrics."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

CONTENT_TYPE = CONTENT_TYPE_LATEST


class Metrics:
    """The counters of one process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.downloads = Counter(
            "thron_connector_downloads",
            "Answers on the public listener",
            ["status", "ended_by"],
            registry=self.registry,
        )
        self.octets = Counter(
            "thron_connector_octets",
            "Octets of content sent to clients",
            registry=self.registry,
        )
        self.in_flight = Gauge(
            "thron_connector_downloads_in_flight",
            "Requests being answered on the public listener",
            registry=self.registry,
        )
        self.resolutions = Counter(
            "thron_connector_resolutions",
            "Addresses resolved, by what the resolver had to do",
            ["outcome"],
            registry=self.registry,
        )
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

    def exposition(self) -> bytes:
        """Return all figures in Prometheus' text format."""
        return generate_latest(self.registry)
