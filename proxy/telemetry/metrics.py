"""The Prometheus metrics."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from proxy.telemetry.access_record import AccessRecord

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

        # Looked up by their labels once, as that takes longer than to count.
        self._answers: dict[tuple[int | None, str], Counter] = {}
        self._outcomes: dict[str, Counter] = {}

    def count(self, record: AccessRecord) -> None:
        """Count a request that has ended."""
        key = record.status, record.ended_by
        answers = self._answers.get(key)
        if answers is None:
            answers = self.downloads.labels(str(record.status or "-"), record.ended_by)
            self._answers[key] = answers
        answers.inc()
        if record.octets:
            self.octets.inc(record.octets)
        if record.resolution is not None:
            outcomes = self._outcomes.get(record.resolution)
            if outcomes is None:
                outcomes = self.resolutions.labels(record.resolution)
                self._outcomes[record.resolution] = outcomes
            outcomes.inc()
        if record.first_byte_s is not None:
            self.first_byte.observe(record.first_byte_s)

    def exposition(self) -> bytes:
        """Return all figures in Prometheus' text format."""
        return generate_latest(self.registry)
