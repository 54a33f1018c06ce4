"""What is counted, in Prometheus' text format."""

import asyncio
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from proxy.connectors.model import DeliveryMode
from proxy.connectors.store import ConnectorStore
from proxy.sandbox.server import Sandbox
from proxy.telemetry.access_record import AccessRecord
from proxy.telemetry.event_loop_lag import measuring
from proxy.telemetry.live import Traffic
from proxy.telemetry.metrics import ORIGINS, Metrics
from tests.running import Running, by_id, running

Figures = dict[tuple[str, frozenset[tuple[str, str]]], float]


def test_registries_are_apart() -> None:
    """Two sets of metrics in one process do not meet."""
    one, other = Metrics(), Metrics()
    one.asked_thron("content/search", "200", 0.1)
    assert b"thron_requests_total{" in one.exposition()
    assert b"thron_requests_total{" not in other.exposition()


async def test_what_downloads_leave_behind(connector: Running) -> None:
    """Answers, octets, causes of failures and probes stand in /metrics, each with its labels."""
    content = connector.thron.tenant.find("strada-sl-film")
    path = f"/files/{content.id}"
    whole = await connector.get(path)
    await connector.get(path, Range="bytes=0-9")
    await connector.get("/files/none")
    async with connector.http.request("DELETE", connector.url("/files/none")) as answer:
        assert answer.status == 405
    await connector.get("/-/readyz")
    figures = await scraped(connector)

    def of(name: str, **labels: str) -> float:
        return figures[f"thron_connector_{name}", frozenset(labels.items())]

    for method, status in (("GET", "200"), ("GET", "206"), ("GET", "404"), ("other", "405")):
        labels = {"connector": "files", "method": method, "status": status}
        if status == "405":
            labels["connector"] = ""
        assert of("downloads_total", ended_by="complete", **labels) == 1
    assert of("octets_total", connector="files") >= len(whole.body) + 10
    assert of("failures_total", error="UnknownAddress") == 1
    assert of("probes_total", status="200") == 1
    assert of("downloads_in_flight") == 0
    assert of("resolutions_total", outcome="uri-miss") == 1
    assert of("resolutions_total", outcome="hit") == 1
    assert of("first_byte_seconds_count") == 2
    assert of("duration_seconds_count") == 5
    assert of("resumes_total") == 0


async def test_labels_are_bounded(connector: Running) -> None:
    """Whatever clients ask and origins answer, and whatever connectors come and go: few series."""
    thron = connector.thron
    path = f"/files/{thron.tenant.find('strada-sl-film').id}"
    stay = connector.gateway.watch.connectors.all
    await connector.get(path)

    async def strain(number: int) -> None:
        await connector.ask(("PROPFIND", "MKCOL", "LOCK")[number % 3], f"/x{number}/y?z={number}")
        await connector.get(f"/x{number}/{number}", Host=f"h{number}.example.com")
        thron.faults.fail(510 + number, where="static")
        thron.faults.fail(510 + number, where="source")
        await connector.get(path, Range=f"bytes={number}-{number}")
        thron.faults.clear()
        await connector.apply(*stay, by_id(thron, f"other-{number}"))
        await connector.get(path.replace("files", f"other-{number}"))
        await ConnectorStore(connector.gateway.context.database).remove(
            f"other-{number}", actor="test"
        )
        await connector.gateway.watch.refresh()

    for number in range(3):
        await strain(number)
    before = set(await scraped(connector))
    for number in range(3, 12):
        await strain(number)
    new = {each for each in set(await scraped(connector)) - before if "bucket" not in each[0]}
    assert not new


async def test_refusals_by_limit() -> None:
    """Each limit has its figure from the start, so that its first refusal is seen as one."""
    metrics, traffic = Metrics(), Traffic(now=lambda: 0.0)
    metrics.watch(traffic)
    record = AccessRecord("id", "127.0.0.1", "http", None, 0.0, status=503, error="Overloaded")
    traffic.end(record)
    told = metrics.exposition().decode()
    assert 'limit_refusals_total{limit="max_downloads"} 1.0' in told
    assert 'limit_refusals_total{limit="max_downloads_per_client"} 0.0' in told


async def test_origins(thron: Sandbox, tmp_path: Path) -> None:
    """New connections to origins are timed, and each of their answers, by kind of origin."""
    wanted = by_id(thron), by_id(thron, "published", delivery=DeliveryMode.PUBLISHED)
    content = thron.tenant.find("strada-sl-film")
    async with running(thron, tmp_path, *wanted) as connector:
        for slug, kind in (("files", "api"), ("published", "cdn")):
            before = await scraped(connector)
            await connector.get(f"/{slug}/{content.id}", Range="bytes=0-9")
            await connector.get(f"/{slug}/{content.id}", Range="bytes=5-9")
            after = await scraped(connector)
            for metric, least in (("connect", 1), ("first_byte", 2)):
                name = f"thron_connector_origin_{metric}_seconds_count"
                new = {
                    origin: after[name, labels] - before[name, labels]
                    for origin in ORIGINS
                    for labels in [frozenset({("origin", origin)})]
                }
                assert new[kind] >= least
                assert not any(new[other] for other in ORIGINS if other != kind)


async def test_the_lag_of_the_event_loop() -> None:
    """It is looked at from time to time."""
    seen: asyncio.Queue[float] = asyncio.Queue()
    async with measuring(seen.put_nowait):
        assert await seen.get() >= 0


async def scraped(connector: Running) -> Figures:
    """Return the metrics by name and labels."""
    async with connector.http.get(f"{connector.gateway.admin_url}/metrics") as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=")
        told = await answer.text()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(told)
        for sample in family.samples
    }
