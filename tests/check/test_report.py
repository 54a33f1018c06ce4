"""The report of check: what helps to understand an odd tenant, and nothing that is anybody's."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from yarl import URL

from proxy.app.tenant import open_context
from proxy.check.report import Recording, report, shape
from proxy.check.steps import check
from proxy.connectors.model import DeliveryMode
from proxy.connectors.store import ConnectorStore
from proxy.sandbox.server import Sandbox
from tests.running import by_name, by_sku, usual_settings


async def reported(thron: Sandbox, state: Path) -> str:
    """Return the report of a check of two connectors."""
    settings = usual_settings(thron).model_copy(update={"public_url": "https://files.acme.example"})
    recording = Recording()
    async with open_context(
        settings, {"STATE_DIRECTORY": str(state)}, recording=recording
    ) as context:
        wanted = [
            by_name(thron, "brochures"),
            by_sku(thron, delivery=DeliveryMode.PUBLISHED, host="media.acme.example"),
        ]
        await ConnectorStore(context.database).apply(wanted, actor="test")
        steps = [step async for step in check(context)]
        connectors = (await ConnectorStore(context.database).read()).all
        return report(steps, recording, settings=settings, connectors=connectors).decode()


def private(thron: Sandbox, state: Path) -> set[str]:
    """Return what must not be told: secrets, ids, hosts, names, paths."""
    found = {*thron.secrets, thron.client_id, thron.app_id, str(state), "brochures", "acme.example"}
    found |= {str(URL(url).port) for url in (thron.api_url, thron.cdn_url)}
    for folder in thron.tenant.folders.values():
        found |= {folder.id, *folder.names.values()}
    for content in thron.tenant.contents():
        found |= {content.id, *content.titles.values()}
        found |= {value for _, _, _, value in content.imetadata}
    return {each for each in found if len(each) > 3}


@pytest.mark.parametrize("fault", ["none", "no share right", "protected"])
async def test_nothing_private(thron: Sandbox, tmp_path: Path, fault: str) -> None:
    """No secret, id, host, title, folder, value, slug or path of this tenant is in a report."""
    thron.tenant.app.may_share = fault != "no share right"
    thron.switches.token_protection = fault == "protected"
    text = await reported(thron, tmp_path)
    assert not {each for each in private(thron, tmp_path) if each in text}


async def test_what_is_told(thron: Sandbox, tmp_path: Path) -> None:
    """Versions, settings, connectors, steps, and the shape of each answer."""
    told: Any = orjson.loads(await reported(thron, tmp_path))
    assert set(told["versions"]) == {"thron-connector", "python", "aiohttp", "system"}
    assert told["settings"]["TDC_APP_KEY"] == "set"
    assert told["settings"]["TDC_DRAIN_S"] == 0
    assert [each["delivery"] for each in told["connectors"]] == ["original", "published"]
    assert [each["ok"] for each in told["steps"]].count(True) > 4
    asked = {each["asked"]: each for each in told["answers"]}
    searched = asked["POST /api/xcontents/resources/content/search/***"]
    assert (searched["status"], searched["media_type"]) == (200, "application/json")
    assert searched["shape"]["resultCode"] == "OK"
    assert searched["shape"]["items"][1]["contentType"] in {"VIDEO", "IMAGE", "AUDIO", "OTHER"}
    fetched = next(each for name, each in asked.items() if "downloadSource" in name)
    assert fetched["status"] in {200, 206}
    assert "Content-Type" in fetched["fields"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param({"name": "Secret plan"}, {"name": "text"}, id="text"),
        pytest.param({"resultCode": "OK"}, {"resultCode": "OK"}, id="code"),
        pytest.param({"resultCode": "no such id 5f6a"}, {"resultCode": "text"}, id="no code"),
        pytest.param({"5f6a-11": {"size": 3}}, {"***": {"size": "number"}}, id="id as a name"),
        pytest.param([1, 2, None], ["3 of", "number", "null"], id="kinds once"),
        pytest.param({"on": True}, {"on": True}, id="switch"),
    ],
)
def test_shape(value: Any, expected: Any) -> None:
    """A document is reduced to its members and THRON's own words."""
    assert shape(value) == expected
