"""The connector beside nginx, HAProxy and two plain proxies, in front of one origin.

Each figure is a median of rounds in which the servers take turns. Cost is CPU time of the server's
processes, which is steady on a busy machine where throughput is not; read ratios within one run.
BENCH_QUICK in the environment takes smaller files and fewer rounds, and -k one case of them:
`BENCH_QUICK=1 pytest -m bench -s -k small tests/bench/test_beside_nginx.py`. BENCH_RESULTS writes
RESULTS.md, for a run of all cases.
"""

import multiprocessing
import os
import resource
import ssl
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple, Protocol

import pytest

from tests.bench import servers
from tests.bench.load import (
    Address,
    answers,
    download,
    download_by_tls,
    etag,
    first_bytes_s,
    keep_downloading,
    request,
    slow_readers,
)
from tests.bench.plot import plot
from tests.bench.process_tree import children, cpu_s, own_cpu_s, resident_mb, sockets_mb
from tests.bench.results import Case, Results, machine
from tests.bench.servers import Origin, Server

pytestmark = [pytest.mark.bench, pytest.mark.timeout(0)]

_IS_QUICK = "BENCH_QUICK" in os.environ
_ROUNDS = 3 if _IS_QUICK else 5
_LARGE = 256 << 20 if _IS_QUICK else 1 << 30
_MEDIUM = 4 << 20 if _IS_QUICK else 16 << 20
_SMALL = 4 << 10
_PARALLEL = 64
# Of a load that would be too short for the ticks of the kernel's clock.
_REPEATED = 4
_RATE_S = 1.0 if _IS_QUICK else 3.0
_ASKED = 200 if _IS_QUICK else 1000
_READERS = 100 if _IS_QUICK else 1000
_READER_RATE = 10_000
_READ_S = 3 if _IS_QUICK else 30
_AFTER_S = 5 if _IS_QUICK else 60

# The same path at the origin, at every proxy, and as the connector's URL.
_PATH = {name: f"/media/en/{name}/{name}" for name in ("large", "medium", "small")}
_LARGE_PATH, _MEDIUM_PATH = f"{_PATH['large']}.mp4", f"{_PATH['medium']}.mp4"
_SMALL_PATH = f"{_PATH['small']}.jpg"
# What a CDN sends when it pulls.
_OF_A_CDN = (
    "Via: 1.1 cdn.example.com\r\nX-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Proto: https\r\n"
    "X-Forwarded-Host: dl.example.com\r\nRange: bytes=0-\r\n"
)
_COST = "CPU s/GB"
_RESULTS = Path(__file__).with_name("RESULTS.md")
_DOCUMENT = """# The connector beside nginx

Written by `make bench`. Every server has one core, and writes its access log. Figures are medians
of {rounds} rounds in which the servers take turns; the last column is the connector's figure over
nginx's, round by round: of requests more is better, of all else less. `aiohttp` and
`starlette` are the proxies of `plain_proxies.py`, as one would write them.

On {machine}.

{table}

![CPU time, nginx = 1](RESULTS.svg)
"""


class Kind(Protocol):
    """A kind of server."""

    def __call__(self, to: Origin, *, by_tls: bool) -> AbstractContextManager[Server]:
        """Run one in front of an origin."""


_aiohttp = partial(servers.plain_proxy, "aiohttp")
_starlette = partial(servers.plain_proxy, "starlette")
_ALL = (servers.connector, servers.nginx, servers.haproxy, _aiohttp, _starlette)
_WITH_TLS = (servers.connector, servers.nginx, servers.haproxy)
_CACHING = (servers.connector, servers.nginx)


@pytest.fixture(scope="module")
def results() -> Iterator[Results]:
    """Collect the figures of the run, and print them at its end."""
    found = Results()
    yield found
    print(f"\n\n{found.table()}\n\n{machine()}")
    if "BENCH_RESULTS" in os.environ:
        _RESULTS.write_text(
            _DOCUMENT.format(rounds=_ROUNDS, machine=machine(), table=found.table()), "utf-8"
        )
        shown = [case for case in found.cases if case.is_rate or case.unit == _COST]
        _RESULTS.with_suffix(".svg").write_text(plot(shown), "utf-8")


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Origin]:
    """Run an origin with a large, a medium and a small file."""
    servers.on_other_cores()
    home = tmp_path_factory.mktemp("bench")
    for path, octets in ((_LARGE_PATH, _LARGE), (_MEDIUM_PATH, _MEDIUM), (_SMALL_PATH, _SMALL)):
        file = home / "files" / path.lstrip("/")
        file.parent.mkdir(parents=True)
        with file.open("wb") as made:
            made.truncate(octets)  # a file of zeros takes no room
    with servers.origin(home, home / "files") as running:
        yield running


@contextmanager
def _running(
    origin: Origin, kinds: Sequence[Kind], *, by_tls: bool = False
) -> Iterator[list[Server]]:
    """Run servers in front of the origin; they know its files."""
    with ExitStack() as stack:
        found = [stack.enter_context(kind(origin, by_tls=by_tls)) for kind in kinds]
        for server in found:
            for path in (_LARGE_PATH, _MEDIUM_PATH, _SMALL_PATH):
                etag(server.plain, path)
        yield found


def _in_turn(case: Case, running: Sequence[Server], measured: Callable[[Server], float]) -> None:
    for _ in range(_ROUNDS):
        for server in running:
            case.add(server.name, measured(server))


def _cost(server: Server, load: Callable[[], object], *, octets: int) -> float:
    """Return the CPU seconds that a server spends on a gigabyte of a load."""
    before = cpu_s(server.pid)
    load()
    return (cpu_s(server.pid) - before) * 1e9 / octets


def _rate(server: Server, address: Address, asked: bytes) -> float:
    """Return the requests that a server answers in one second of its processor's time."""
    before = cpu_s(server.pid)
    count = answers(address, asked, seconds=_RATE_S)
    return count / (cpu_s(server.pid) - before)


@pytest.mark.parametrize("by_tls", [False, True], ids=["plain", "tls"])
def test_one_large_download(origin: Origin, results: Results, *, by_tls: bool) -> None:
    """One large file, from an origin that is asked by HTTP or by HTTPS."""
    case = results.case(f"{_size(_LARGE)}, {_way(by_tls)} origin", _COST)
    with _running(origin, _ALL, by_tls=by_tls) as running:

        def cost(server: Server) -> float:
            load = partial(download, server.plain, _LARGE_PATH, octets=_LARGE)
            return _cost(server, load, octets=_LARGE)

        _in_turn(case, running, cost)


def test_one_large_download_by_tls(origin: Origin, results: Results) -> None:
    """One large file by HTTPS, from an origin that is asked by HTTPS."""
    case = results.case(f"{_size(_LARGE)}, TLS origin and TLS client", _COST)
    context = ssl.create_default_context(cafile=origin.certificate.authority)
    with _running(origin, _WITH_TLS, by_tls=True) as running:

        def cost(server: Server) -> float:
            assert server.tls is not None
            load = partial(download_by_tls, server.tls, _LARGE_PATH, octets=_LARGE, context=context)
            return _cost(server, load, octets=_LARGE)

        _in_turn(case, running, cost)


def test_parallel_downloads(origin: Origin, results: Results) -> None:
    """Many files of a middling size at once."""
    case = results.case(f"{_PARALLEL} x {_size(_MEDIUM)} at once, plain origin", _COST)
    octets = _PARALLEL * _MEDIUM
    with _running(origin, _ALL) as running:

        def cost(server: Server) -> float:
            load = partial(
                download, server.plain, _MEDIUM_PATH, octets=_MEDIUM, connections=_PARALLEL
            )
            return _cost(server, load, octets=octets)

        _in_turn(case, running, cost)


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        pytest.param("from the origin", "", id="plain"),
        pytest.param("pulled by a CDN", _OF_A_CDN, id="cdn"),
    ],
)
def test_small_files(origin: Origin, results: Results, name: str, fields: str) -> None:
    """Small files whose octets come from the origin each time."""
    case = results.case(f"{_size(_SMALL)} {name}", "requests per CPU s", is_rate=True)
    asked = request(_SMALL_PATH, fields=fields)
    with _running(origin, _ALL) as running:
        _in_turn(case, running, lambda server: _rate(server, server.plain, asked))


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_known_files(origin: Origin, results: Results, method: str) -> None:
    """What is answered without the origin, beside nginx's cache hits."""
    words = {"GET": "304", "HEAD": "HEAD"}[method]
    case = results.case(
        f"{words} of a known file, against a cache hit", "requests per CPU s", is_rate=True
    )
    with _running(origin, _CACHING) as running:

        def rate(server: Server) -> float:
            assert server.cached is not None
            tag = etag(server.cached, _SMALL_PATH)
            fields = f"If-None-Match: {tag}\r\n" if method == "GET" else ""
            asked = request(_SMALL_PATH, method=method, fields=fields)
            return _rate(server, server.cached, asked)

        _in_turn(case, running, rate)


def test_first_byte(origin: Origin, results: Results) -> None:
    """How much later the first octet of a small file comes than from the origin itself."""
    case = results.case("added time to first byte, median", "ms", is_ratio=False)
    asked = request(_SMALL_PATH)

    def median_ms(address: Address) -> float:
        return statistics.median(first_bytes_s(address, asked, times=_ASKED)) * 1000

    with _running(origin, _ALL) as running:
        _in_turn(case, running, lambda server: median_ms(server.plain) - median_ms(origin.plain))


def test_first_byte_beside_downloads(origin: Origin, results: Results) -> None:
    """How long the first octet of a small file takes while many files are downloaded."""
    case = results.case(f"first byte during {_PARALLEL} downloads, 99th percentile", "ms")
    asked = request(_SMALL_PATH)
    with _running(origin, _ALL) as running:

        def percentile_ms(server: Server) -> float:
            with _downloads(server.plain):
                took = first_bytes_s(server.plain, asked, times=_ASKED // 2, every_s=0.005)
            return sorted(took)[int(len(took) * 0.99)] * 1000

        _in_turn(case, running, percentile_ms)


@contextmanager
def _downloads(address: Address) -> Iterator[None]:
    """Go on downloading until the end of the block, in a process of its own."""
    downloading = multiprocessing.get_context("spawn").Process(
        target=keep_downloading,
        args=(address, _MEDIUM_PATH),
        kwargs={"octets": _MEDIUM, "connections": _PARALLEL},
    )
    downloading.start()
    try:
        time.sleep(1)  # for its start, and for the servers' buffers to fill
        yield
        assert downloading.is_alive()
    finally:
        downloading.kill()
        downloading.join()


def test_slow_readers(origin: Origin, results: Results) -> None:
    """The memory of many downloads that are read slowly, and what is left of it afterwards."""
    words = f"{_READERS:,} downloads at {_READER_RATE // 1000} kB/s"
    resident = results.case(f"{words}: resident in all", "MB")
    sockets = results.case(f"{words}: sockets", "MB")
    left = results.case(f"resident {_AFTER_S} s after they end, above idle", "MB", is_ratio=False)
    for kind in _CACHING:
        with _running(origin, [kind]) as (server,):
            idle = resident_mb(server.pid)
            with slow_readers(
                server.plain, _LARGE_PATH, connections=_READERS, per_s=_READER_RATE
            ) as readers:
                readers.read(_READ_S)
                resident.add(server.name, resident_mb(server.pid))
                sockets.add(server.name, sockets_mb(server.pid))
            time.sleep(_AFTER_S)
            left.add(server.name, resident_mb(server.pid) - idle)


def test_start(origin: Origin, results: Results) -> None:
    """How long a start with a connector takes, and what an idle process holds."""
    wall = results.case("start to listening", "s", is_ratio=False)
    cpu = results.case("start to listening", "CPU s", is_ratio=False)
    idle = results.case("idle, resident", "MB")
    words = results.case("--help", "CPU s", is_ratio=False)
    for _ in range(_ROUNDS):
        with _running(origin, _CACHING) as running:
            for server in running:
                idle.add(server.name, resident_mb(server.pid))
            ours = running[0]
            wall.add(ours.name, ours.started_s)
            cpu.add(ours.name, ours.started_cpu_s)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [servers.installed(origin.home), "-m", "proxy", "--help"],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        words.add(ours.name, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)


def test_two_processes(origin: Origin, results: Results) -> None:
    """How much more two delivery processes do than one, where each has a core of its own.

    Clients and origin need cores too, so that the clock says little on a small machine. What
    counts there is the processor's time. Capacity: pieces for a second of it, times processes, of
    two that have twice as many clients over one; locks, and caches that are not shared, make it
    less than 2. Balanced: the same by the busier one alone, so that an uneven share of the
    connections counts too.
    """
    with ExitStack() as stack:
        one, two = (
            stack.enter_context(servers.connector(origin, by_tls=False, workers=workers))
            for workers in (1, 2)
        )
        pids = {server: [server.pid, *children(server.pid)] for server in (one, two)}
        for server in (one, two):
            servers.on_all_cores(pids[server])
            for path in (_MEDIUM_PATH, _SMALL_PATH):
                for _ in range(_PARALLEL):  # each process is to know it
                    tag = etag(server.plain, path)
        known = request(_SMALL_PATH, fields=f"If-None-Match: {tag}\r\n")

        def ask(address: Address, connections: int) -> int:
            return answers(address, known, seconds=_RATE_S, connections=connections)

        def load(address: Address, connections: int) -> int:
            for _ in range(_REPEATED):
                download(address, _MEDIUM_PATH, octets=_MEDIUM, connections=connections)
            return _REPEATED * connections

        for what, work in (("304 of a known file", ask), (f"{_size(_MEDIUM)} downloads", load)):
            clock, capacity, balanced = (
                results.case(f"two processes over one, {what}: {by}", "times", is_ratio=False)
                for by in ("by the clock", "capacity", "capacity, by the busier")
            )
            for _ in range(_ROUNDS):
                alone, both = (
                    _spent(pids[server], partial(work, server.plain, workers * _PARALLEL))
                    for server, workers in ((one, 1), (two, 2))
                )
                clock.add(one.name, alone.wall_s / both.wall_s)
                capacity.add(one.name, 2 * alone.cpu_s / both.cpu_s)
                balanced.add(one.name, alone.busiest_s / both.busiest_s)


class _Spent(NamedTuple):
    """What one piece of a work took."""

    wall_s: float
    cpu_s: float
    busiest_s: float


def _spent(pids: Sequence[int], work: Callable[[], int]) -> _Spent:
    """Return what each piece of a work took: by the clock, of all processes, of the busiest."""
    began, before = time.monotonic(), [own_cpu_s(pid) for pid in pids]
    pieces = work()
    wall_s = time.monotonic() - began
    spent = [own_cpu_s(pid) - was for pid, was in zip(pids, before, strict=True)]
    return _Spent(wall_s / pieces, sum(spent) / pieces, max(spent) / pieces)


def _size(octets: int) -> str:
    for power, unit in ((30, "GiB"), (20, "MiB"), (10, "KiB")):
        if octets >= 1 << power:
            return f"{octets >> power} {unit}"
    return f"{octets} B"


def _way(by_tls: bool) -> str:  # noqa: FBT001 - it names a value of that type
    return "TLS" if by_tls else "plain"
