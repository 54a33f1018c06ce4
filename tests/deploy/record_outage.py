"""Records a connector's metrics while THRON is down for a minute, as input of promtool's tests.

Run as ``python -m tests.deploy.record_outage``; it takes four minutes, and writes
``tests/deploy/data/thron_outage.json``.
"""

import asyncio
import json
import tempfile
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from proxy.sandbox.server import Sandbox
from tests.running import Running, by_id, running

RECORDED = Path(__file__).parent / "data" / "thron_outage.json"
EVERY_S = 5
DOWN_FROM_S, DOWN_UNTIL_S, END_S = 90, 150, 240


async def main() -> None:
    """Ask for contents all the time, and scrape every five seconds."""
    scrapes: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as state:
        async with (
            Sandbox() as thron,
            running(thron, Path(state), by_id(thron), resolution_ttl_s=2) as connector,
        ):
            asking = asyncio.create_task(_ask(connector))
            for second in range(0, END_S, EVERY_S):
                thron.api_down = DOWN_FROM_S <= second < DOWN_UNTIL_S
                scrapes.append(await _scrape(connector))
                await asyncio.sleep(EVERY_S)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
    series = {name for scrape in scrapes for name in scrape}
    document = {
        "interval_s": EVERY_S,
        "series": {name: [scrape.get(name) for scrape in scrapes] for name in sorted(series)},
    }
    RECORDED.write_text(json.dumps(document, indent=1) + "\n")


async def _ask(connector: Running) -> None:
    paths = [f"/files/{each.id}" for each in connector.thron.tenant.contents()]
    while True:
        for path in paths:
            await connector.ask("HEAD", path)
            await asyncio.sleep(0.25)


async def _scrape(connector: Running) -> dict[str, float]:
    """Return what alerts look at: no histograms, and nothing of the process."""
    async with connector.http.get(f"{connector.gateway.admin_url}/metrics") as answer:
        families = text_string_to_metric_families(await answer.text())
    return {
        sample.name + _labels({**sample.labels, "instance": "one", "job": "thron-connector"}): (
            sample.value
        )
        for family in families
        if family.name.startswith("thron_connector_") and family.type in {"counter", "gauge"}
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def _labels(labels: dict[str, str]) -> str:
    return "{" + ",".join(f'{name}="{value}"' for name, value in sorted(labels.items())) + "}"


if __name__ == "__main__":
    asyncio.run(main())
