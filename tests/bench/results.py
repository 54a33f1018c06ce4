"""The table of a bench: what each server took, beside nginx, and over how many rounds."""

import os
import platform
import re
import shutil
import statistics
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

OURS, BESIDE = "connector", "nginx"
SERVERS = (OURS, BESIDE, "HAProxy", "aiohttp", "starlette")


@dataclass(slots=True)
class Case:
    """One line of the table: the figures of each server, one a round.

    Attributes:
        unit: What is counted.
        is_ratio: Whether ours over nginx's says something.
        is_rate: Whether more is better; of all else, less is.
    """

    name: str
    unit: str
    figures: dict[str, list[float]] = field(default_factory=dict)
    is_ratio: bool = True
    is_rate: bool = False

    def add(self, server: str, figure: float) -> None:
        """Note a server's figure of one more round."""
        self.figures.setdefault(server, []).append(figure)

    @property
    def ratios(self) -> list[float]:
        """Ours over nginx's, round by round."""
        if not self.is_ratio:
            return []
        ours, beside = (self.figures.get(name, []) for name in (OURS, BESIDE))
        return [one / other for one, other in zip(ours, beside, strict=False) if other]

    @property
    def cells(self) -> list[str]:
        """The texts of its line."""
        shown = [self._median(server) for server in SERVERS]
        return [f"{self.name}, {self.unit}", *shown, _spread(self.ratios)]

    def _median(self, server: str) -> str:
        figures = self.figures.get(server)
        return short(statistics.median(figures)) if figures else "-"


@dataclass(slots=True)
class Results:
    """What a run has measured so far."""

    cases: list[Case] = field(default_factory=list)

    def case(self, name: str, unit: str, *, is_ratio: bool = True, is_rate: bool = False) -> Case:
        """Begin a line of the table."""
        self.cases.append(made := Case(name, unit, is_ratio=is_ratio, is_rate=is_rate))
        return made

    def table(self) -> str:
        """Return all lines as a table of Markdown."""
        head = ["", *SERVERS, "connector / nginx (lowest to highest round)"]
        rule = ["---", *["--:"] * (len(head) - 1)]
        return "\n".join(_line(cells) for cells in (head, rule, *(c.cells for c in self.cases)))


def machine() -> str:
    """Return on what was measured, and with which versions."""
    cpu = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    programs = {"nginx": "-v", "haproxy": "-v"}
    packages = ("aiohttp", "starlette", "uvicorn", "httpx")
    return ", ".join(
        [
            f"{os.cpu_count()} x {cpu[1] if cpu else platform.machine()}",
            f"Linux {platform.release()}",
            f"CPython {platform.python_version()}",
            *(_said_version(name, flag) for name, flag in programs.items()),
            *(f"{name} {version(name)}" for name in packages),
        ]
    )


def _said_version(name: str, flag: str) -> str:
    program = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") or name
    told = subprocess.run([program, flag], check=True, capture_output=True, text=True)
    found = re.search(r"\d+\.\d+\.\d+", told.stdout + told.stderr)
    return f"{name} {found[0] if found else ''}"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def short(figure: float) -> str:
    """Return a figure with three digits at least, and no power of ten."""
    return f"{figure:,.0f}" if abs(figure) >= 100 else f"{figure:.3g}"


def _spread(ratios: list[float]) -> str:
    if not ratios:
        return ""
    middle = statistics.median(ratios)
    return f"**{short(middle)}** ({short(min(ratios))} to {short(max(ratios))})"
