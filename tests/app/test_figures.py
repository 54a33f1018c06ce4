"""Metrics of the session with THRON, and of the catalogue."""

from tests.running import Running
from tests.telemetry.test_metrics import Figures, scraped
from tests.waiting import until


async def test_what_is_asked_of_thron(connector: Running) -> None:
    """The session, each service with its answers, and what the folders hold."""
    await connector.gateway.sync.request("files")
    figures: Figures = {}
    held = ("thron_connector_contents", frozenset({("connector", "files")}))

    async def is_listed() -> bool:
        figures.update(await scraped(connector))
        return figures.get(held, 0) > 0

    await until(is_listed)
    of = {name: value for (name, _), value in figures.items()}
    assert (of["thron_connector_logins_total"], of["thron_connector_logged_in"]) == (1, 1)
    assert of["thron_connector_thron_down"] == 0
    labels = frozenset({("service", "apps/loginApp"), ("result", "200")})
    assert figures["thron_connector_thron_requests_total", labels] == 1
    assert of["thron_connector_token_age_seconds"] >= 0
