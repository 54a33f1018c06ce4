"""The plot of a bench: the processor's time that each server takes, as multiples of nginx's."""

import math
import statistics
from collections.abc import Sequence
from html import escape

from tests.bench.results import BESIDE, SERVERS, Case, short

_COLOURS = ("#0b7285", "#868e96", "#adb5bd", "#ced4da", "#dee2e6")
_LABEL, _SCALE, _RIGHT = 250, 90, 60  # pixels of the names, of a factor of ten, and after the bars
_BAR, _GAP, _TOP = 12, 14, 52
_LOWEST = 0.25


def plot(cases: Sequence[Case]) -> str:
    """Return bars on a logarithmic scale as SVG, shorter ones being better.

    Args:
        cases: Of these, those with a ratio are shown; a rate counts by its inverse.
    """
    drawn, y = [], _TOP
    for case in cases:
        costs = _costs(case)
        middle = y + len(costs) * _BAR / 2 + 4
        drawn.append(
            f'<text x="{_LABEL - 8}" y="{middle}" text-anchor="end">{escape(case.name)}</text>'
        )
        for server, cost in costs.items():
            end = _x(cost)
            colour = _COLOURS[SERVERS.index(server)]
            drawn.append(
                f'<rect x="{_LABEL}" y="{y}" width="{end - _LABEL:.1f}" height="{_BAR - 2}"'
                f' fill="{colour}"/><text x="{end + 4:.1f}" y="{y + _BAR - 3}">{short(cost)}</text>'
            )
            y += _BAR
        y += _GAP
    width = _x(_highest(cases)) + _RIGHT
    at_nginx = f'<path d="M{_x(1):.1f} {_TOP - 6}V{y - _GAP + 4}" stroke="#c92a2a"/>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{y}"'
        ' font-family="sans-serif" font-size="11" fill="#212529">'
        f'<rect width="100%" height="100%" fill="#fff"/>{_legend()}'
        f"{''.join(drawn)}{at_nginx}</svg>\n"
    )


def _costs(case: Case) -> dict[str, float]:
    medians = {
        name: statistics.median(case.figures[name]) for name in SERVERS if name in case.figures
    }
    beside = medians[BESIDE]
    return {
        name: beside / figure if case.is_rate else figure / beside
        for name, figure in medians.items()
    }


def _highest(cases: Sequence[Case]) -> float:
    return max(cost for case in cases for cost in _costs(case).values())


def _x(cost: float) -> float:
    return _LABEL + max(0.0, math.log10(cost / _LOWEST)) * _SCALE


def _legend() -> str:
    shown = ['<text x="8" y="18" font-weight="bold">CPU time, nginx = 1 (shorter is better)</text>']
    for place, (server, colour) in enumerate(zip(SERVERS, _COLOURS, strict=True)):
        x = 8 + place * 90
        shown.append(
            f'<rect x="{x}" y="28" width="10" height="10" fill="{colour}"/>'
            f'<text x="{x + 14}" y="37">{server}</text>'
        )
    return "".join(shown)
