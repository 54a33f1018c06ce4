"""What is counted, in Prometheus' text format."""

from proxy.telemetry.metrics import Metrics
from tests.running import Running


def test_registries_are_apart() -> None:
    """Two sets of metrics in one process do not meet."""
    one, other = Metrics(), Metrics()
    one.logins.set(5)
    assert b"thron_connector_logins 5.0" in one.exposition()
    assert b"thron_connector_logins 0.0" in other.exposition()


async def test_downloads_are_counted(connector: Running) -> None:
    """Status, octets, resolutions and logins of downloads stand in /metrics."""
    content = connector.thron.tenant.find("strada-sl-film")
    path = f"/files/{content.id}"
    whole = await connector.get(path)
    await connector.get(path, Range="bytes=0-9")
    await connector.get("/files/none")
    async with connector.http.get(f"{connector.gateway.admin_url}/metrics") as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=")
        told = await answer.text()
    lines = [line for line in told.splitlines() if not line.startswith("#")]
    figures = {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}
    prefix = "thron_connector"
    for status in (200, 206, 404):
        name = f'{prefix}_downloads_total{{ended_by="complete",status="{status}"}}'
        assert figures[name] == 1
    assert figures[f"{prefix}_octets_total"] == len(whole.body) + 10
    assert figures[f"{prefix}_downloads_in_flight"] == 0
    assert figures[f'{prefix}_resolutions_total{{outcome="uri-miss"}}'] == 1
    assert figures[f'{prefix}_resolutions_total{{outcome="hit"}}'] == 1
    assert figures[f"{prefix}_first_byte_seconds_count"] == 2
    assert (figures[f"{prefix}_logins"], figures[f"{prefix}_logged_in"]) == (1, 1)
