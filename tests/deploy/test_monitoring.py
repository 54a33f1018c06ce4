"""The alerts and the dashboard: taken by Prometheus, true to what is exposed, and heard."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.record_outage import DOWN_FROM_S, DOWN_UNTIL_S, END_S, RECORDED
from tests.running import Running

ROOT = Path(__file__).parents[2]
MONITORING = ROOT / "deploy" / "monitoring"
ALERTS = MONITORING / "alerts.yml"
DASHBOARD: dict[str, Any] = json.loads((MONITORING / "grafana-dashboard.json").read_text())
RULES: list[dict[str, Any]] = [
    rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]
]
_METRIC = re.compile(r"\b(?:thron_connector|process)_\w+|\bup\b")
# Prometheus' own, of every target.
_ITS_OWN = {"up"}


def promtool(*words: str | Path, at: Path = MONITORING) -> str:
    """Return what promtool prints; it finds nothing wrong."""
    ran = subprocess.run(["promtool", *words], cwd=at, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_prometheus_takes_them() -> None:
    """The configuration, and the rules that it names."""
    assert f"{len(RULES)} rules found" in promtool("check", "config", "prometheus.yml")


async def test_every_metric_exists(connector: Running) -> None:
    """What alerts and panels ask for is exposed, under that name and with those labels."""
    await connector.get("/files/none")
    async with connector.http.get(f"{connector.gateway.admin_url}/metrics") as answer:
        told = await answer.text()
    exposed = set(re.findall(r"^# TYPE (\w+)", told, re.MULTILINE))
    exposed |= {f"{name}_bucket" for name in exposed}
    asked = [str(rule["expr"]) for rule in RULES]
    asked += [target["expr"] for panel in _panels() for target in panel["targets"]]
    for expression in asked:
        assert set(_METRIC.findall(expression)) <= exposed | _ITS_OWN, expression


def test_every_panel_says_what_it_shows() -> None:
    """Each has a title, a description, a unit, and its data source from the dashboard's choice."""
    assert len(_panels()) > 10
    for panel in _panels():
        assert panel["title"]
        assert panel["description"]
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert panel["datasource"]["uid"] == "${datasource}"
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_every_alert_has_its_paragraph(rule: dict[str, Any]) -> None:
    """The handbook says what to do, where the alert says that it does."""
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    assert anchor == rule["alert"].lower()
    assert f"\n### {rule['alert']}\n" in (ROOT / page).read_text()
    assert rule["labels"]["severity"] in {"warning", "critical"}


def test_an_outage_of_thron(tmp_path: Path) -> None:
    """A minute without THRON fires its alert and no other; its return ends it.

    The metrics were recorded from a connector whose THRON did not answer for a minute.
    """
    recorded = json.loads(RECORDED.read_text())
    moments = {
        DOWN_FROM_S - 5: [],
        DOWN_UNTIL_S - 5: ["ThronDown"],
        END_S - 5: [],
    }
    document = {
        "rule_files": [str(ALERTS)],
        "evaluation_interval": f"{recorded['interval_s']}s",
        "tests": [
            {
                "interval": f"{recorded['interval_s']}s",
                "input_series": [
                    {
                        "series": name,
                        "values": " ".join("_" if each is None else f"{each:g}" for each in values),
                    }
                    for name, values in recorded["series"].items()
                ],
                "promql_expr_test": [
                    {
                        "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
                        "eval_time": f"{second}s",
                        "exp_samples": [
                            {"labels": f'{{alertname="{name}"}}', "value": 1} for name in fired
                        ],
                    }
                    for second, fired in moments.items()
                ],
            }
        ],
    }
    tests = tmp_path / "outage.yml"
    tests.write_text(yaml.safe_dump(document))
    promtool("test", "rules", tests)


def _panels() -> list[dict[str, Any]]:
    return [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
