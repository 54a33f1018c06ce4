"""The metrics of several processes as those of one; plain values, so that they can be sent.

prometheus_client's own way (its "multiprocess mode") keeps every figure in files that it maps, and
knows no figures that are read only when they are asked for, as most of ours are.
"""

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

Sample = tuple[str, tuple[tuple[str, str], ...], float]
"""A name, labels with their values, and the figure."""

# Of these every process tells the same, or the worst counts.
_THE_SAME = frozenset(
    {
        "process_start_time_seconds",
        "thron_connector_build_info",
        "thron_connector_logged_in",
        "thron_connector_thron_down",
        "thron_connector_token_age_seconds",
    }
)


@dataclass(frozen=True, slots=True)
class Family:
    """A metric with its samples."""

    name: str
    documentation: str
    kind: str
    samples: tuple[Sample, ...]

    @property
    def is_cumulative(self) -> bool:
        """Whether its figures never fall, so that those of a process that has ended still count."""
        return self.kind in {"counter", "histogram"}


def families(registry: CollectorRegistry) -> tuple[Family, ...]:
    """Return all metrics of a registry as they are now."""
    return tuple(
        Family(
            metric.name,
            metric.documentation,
            metric.type,
            tuple(
                (each.name, tuple(sorted(each.labels.items())), each.value)
                for each in metric.samples
            ),
        )
        for metric in registry.collect()
    )


def merged(processes: Iterable[Sequence[Family]]) -> tuple[Family, ...]:
    """Return the metrics of some processes together."""
    known: dict[str, Family] = {}
    figures: dict[str, dict[tuple[str, tuple[tuple[str, str], ...]], float]] = {}
    for family in (each for process in processes for each in process):
        known.setdefault(family.name, family)
        of_all = figures.setdefault(family.name, {})
        for name, labels, value in family.samples:
            together = _together(family.name, name)
            before = of_all.get((name, labels))
            of_all[name, labels] = value if before is None else together((before, value))
    return tuple(
        Family(
            name,
            family.documentation,
            family.kind,
            tuple((*key, value) for key, value in figures[name].items()),
        )
        for name, family in known.items()
    )


def of_connectors(shown: Iterable[Family], kept: Container[str]) -> tuple[Family, ...]:
    """Return metrics without the samples of connectors that are no more, as ``Traffic`` does."""

    def is_kept(sample: Sample) -> bool:
        connector = dict(sample[1]).get("connector")
        return not connector or connector in kept

    return tuple(replace(each, samples=tuple(filter(is_kept, each.samples))) for each in shown)


def exposition(shown: Sequence[Family]) -> bytes:
    """Return metrics in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Shown(shown))
    return generate_latest(registry)


def _together(family: str, sample: str) -> Callable[[Iterable[float]], float]:
    if sample.endswith("_created"):  # the time when it was first counted
        return min
    return max if family in _THE_SAME else sum


class _Shown(Collector):
    def __init__(self, shown: Sequence[Family]) -> None:
        self._shown = shown

    def collect(self) -> Iterator[Metric]:
        for family in self._shown:
            metric = Metric(family.name, family.documentation, family.kind)
            for name, labels, value in family.samples:
                metric.add_sample(name, dict(labels), value)
            yield metric
