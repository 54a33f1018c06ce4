"""A histogram for what every request observes, at a fraction of the time of prometheus_client's."""

import time
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import accumulate

from prometheus_client.metrics_core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString


class Histogram(Collector):
    """Counts in a list, and makes the metric of it when it is asked for.

    It has no lock: what observes and what collects run in one event loop.
    """

    def __init__(self, name: str, documentation: str, *, buckets: tuple[float, ...]) -> None:
        """Make one that has observed nothing.

        Args:
            name: Of the metric.
            documentation: Of the metric.
            buckets: Their upper bounds, in order; one without a bound follows them.
        """
        self._name = name
        self._documentation = documentation
        self._bounds = buckets
        self._numbers = [0] * (len(buckets) + 1)
        self._sum = 0.0
        self._created = time.time()

    def observe(self, amount: float) -> None:
        """Count one more."""
        self._numbers[bisect_left(self._bounds, amount)] += 1
        self._sum += amount

    def collect(self) -> Iterator[Metric]:
        """Give what prometheus_client's own histogram does."""
        bounds = (*map(floatToGoString, self._bounds), "+Inf")
        buckets = list(zip(bounds, accumulate(self._numbers), strict=True))
        family = HistogramMetricFamily(self._name, self._documentation, buckets, self._sum)
        family.add_sample(f"{self._name}_created", {}, self._created)
        yield family


class HistogramByLabel(Collector):
    """A histogram for each value of a label, as one metric.

    All values are exposed from the start: `rate` knows what has been observed since.

    Attributes:
        of: The histogram of each value.
    """

    def __init__(
        self,
        name: str,
        documentation: str,
        *,
        label: str,
        values: Iterable[str],
        buckets: tuple[float, ...],
    ) -> None:
        """Make one that has observed nothing.

        Args:
            name: Of the metric.
            documentation: Of the metric.
            label: Its name.
            values: All that it can have.
            buckets: As those of ``Histogram``.
        """
        self._name = name
        self._documentation = documentation
        self._label = label
        self.of = {value: Histogram(name, documentation, buckets=buckets) for value in values}

    def collect(self) -> Iterator[Metric]:
        """Give what prometheus_client's own histogram does."""
        family = Metric(self._name, self._documentation, "histogram")
        for value, histogram in self.of.items():
            for each in (sample for metric in histogram.collect() for sample in metric.samples):
                family.add_sample(each.name, {**each.labels, self._label: value}, each.value)
        yield family
