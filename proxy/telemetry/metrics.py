"""The Prometheus metrics."""

import platform
from collections import Counter as Tally
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from proxy import __version__
from proxy.telemetry.histogram import Histogram, HistogramByLabel
from proxy.telemetry.live import Traffic

CONTENT_TYPE = CONTENT_TYPE_LATEST

Figures = Callable[[], Iterable[Metric]]

_ANSWERS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
# THRON's API gives source files, its CDN has the delivery URLs; others are where these redirect to.
ORIGINS: Final = ("api", "cdn", "other")
# What an error in the access record says of a limit.
_LIMITS: Final = {
    "Overloaded": "max_downloads",
    "TooManyForClient": "max_downloads_per_client",
    "ReaderTooSlow": "min_rate",
    "Preempted": "stalled",
}
_LAGS: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1)


class Metrics:
    """The counters of one process, in a registry of their own; every label is bounded."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        Gauge(
            "thron_connector_build_info",
            "Always 1; what runs",
            ["version", "python"],
            registry=self.registry,
        ).labels(__version__, platform.python_version()).set(1)
        self.origin_connect = self._by_origin(
            "origin_connect_seconds",
            "From the name of an origin to a connection with TLS, where no idle one was at hand",
        )
        self.origin_first_byte = self._by_origin(
            "origin_first_byte_seconds", "From a request to an origin to its answer"
        )
        self.event_loop_lag = self._histogram(
            "event_loop_lag_seconds", "How late a timer of the event loop was", _LAGS
        )
        self.tasks = Gauge(
            "thron_connector_event_loop_tasks",
            "Tasks of the event loop: some for each request that is being answered",
            registry=self.registry,
        )
        self.thron_requests = Counter(
            "thron_connector_thron_requests",
            "Requests to THRON's API, by service and by status or error",
            ["service", "result"],
            registry=self.registry,
        )
        self.thron_seconds = prometheus_client.Histogram(
            "thron_connector_thron_request_seconds",
            "From a request to THRON's API to its answer, by service",
            ["service"],
            buckets=_ANSWERS,
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
            "Purges that have not reached the cache of a hook yet, where this process sends them",
            ["hook"],
            registry=self.registry,
        )
        self.purge_hook_oldest = Gauge(
            "thron_connector_purge_hook_oldest_seconds",
            "Age of the oldest purge that waits for a hook, 0 without any",
            ["hook"],
            registry=self.registry,
        )
        self.purge_hook_dropped = Counter(
            "thron_connector_purge_hook_dropped",
            "Purges that waited too long or were too many: a purge of everything stands for them",
            ["hook"],
            registry=self.registry,
        )
        self.purge_hook_requests = Counter(
            "thron_connector_purge_hook_requests",
            "Requests to the caches of hooks, by outcome",
            ["hook", "outcome"],
            registry=self.registry,
        )
        self.process_up = Gauge(
            "thron_connector_process_up",
            "1 where a delivery process answers, of several",
            ["process"],
            registry=self.registry,
        )

    def watch(self, traffic: Traffic) -> None:
        """Expose what comes and goes on the public listener."""
        self.collect(lambda: _of_traffic(traffic))

    def collect(self, figures: Figures) -> None:
        """Expose figures that are read when they are asked for."""
        self.registry.register(_Collector(figures))

    def asked_thron(self, service: str, result: str, seconds: float) -> None:
        """Count a request to THRON's API, whatever came of it."""
        self.thron_requests.labels(service, result).inc()
        self.thron_seconds.labels(service).observe(seconds)

    def exposition(self) -> bytes:
        """Return all figures in Prometheus' text format."""
        return generate_latest(self.registry)

    def _histogram(self, name: str, documentation: str, buckets: tuple[float, ...]) -> Histogram:
        made = Histogram(f"thron_connector_{name}", documentation, buckets=buckets)
        self.registry.register(made)
        return made

    def _by_origin(self, name: str, documentation: str) -> HistogramByLabel:
        made = HistogramByLabel(
            f"thron_connector_{name}",
            f"{documentation}, by kind of origin",
            label="origin",
            values=ORIGINS,
            buckets=_ANSWERS,
        )
        self.registry.register(made)
        return made


class _Collector(Collector):
    """Lets a registry read figures: nothing is done for each request."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def collect(self) -> Iterable[Metric]:
        return self._figures()


def _of_traffic(traffic: Traffic) -> Iterator[Metric]:
    traffic.sum_up()
    yield from traffic.first_byte.collect()
    yield from traffic.duration.collect()
    downloads = CounterMetricFamily(
        "thron_connector_downloads",
        "Answers on the public listener, without those to probes",
        labels=["connector", "method", "status", "ended_by"],
    )
    for (connector, method, status, ended_by), number in traffic.answers.items():
        downloads.add_metric([connector or "", method, str(status or "-"), ended_by], number)
    yield downloads
    yield _counted(
        "octets", "Bytes of content sent to clients", "connector", traffic.octets_by_connector
    )
    yield _counted(
        "failures",
        "Answers with an error of ours or of THRON's, and downloads cut short, by cause",
        "error",
        traffic.errors,
    )
    yield _counted("probes", "Answers to probes of the public listener", "status", traffic.probes)
    yield _counted(
        "resolutions",
        "Addresses resolved, by what the resolver had to do",
        "outcome",
        traffic.resolutions,
    )
    refusals: Tally[str] = Tally()
    for error, limit in _LIMITS.items():
        refusals[limit] = traffic.errors[error]
    yield _counted(
        "limit_refusals", "Downloads refused or ended by a limit, by limit", "limit", refusals
    )
    yield CounterMetricFamily(
        "thron_connector_resumes",
        "How often an origin broke off, and the download went on",
        value=traffic.resumes,
    )
    yield GaugeMetricFamily(
        "thron_connector_downloads_in_flight",
        "Requests being answered on the public listener",
        value=traffic.running,
    )


def _counted(name: str, documentation: str, label: str, numbers: Tally[str]) -> Metric:
    family = CounterMetricFamily(f"thron_connector_{name}", documentation, labels=[label])
    for value, number in numbers.items():
        family.add_metric([value], number)
    return family
