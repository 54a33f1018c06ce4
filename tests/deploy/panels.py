"""Asks a Prometheus for what each panel of the dashboard shows, and ends once each has data.

``python -m tests.deploy.panels http://127.0.0.1:9090``
"""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

_DASHBOARD = Path(__file__).parents[2] / "deploy" / "monitoring" / "grafana-dashboard.json"
# As Grafana fills them in.
_VARIABLES = {"$instance": ".*", "$__rate_interval": "1m"}


def queries() -> Iterator[tuple[str, str]]:
    """Yield the title of each panel with each of its queries."""
    panels: list[dict[str, Any]] = json.loads(_DASHBOARD.read_text("utf-8"))["panels"]
    for panel in [each for row in panels for each in (row, *row.get("panels", ()))]:
        for target in panel.get("targets", ()):
            query = str(target["expr"])
            for name, value in _VARIABLES.items():
                query = query.replace(name, value)
            yield panel["title"], query


def main(prometheus: str) -> None:
    """Wait until every panel has data, saying which one is waited for."""
    for title, query in queries():
        print(title, flush=True)
        while not _samples(prometheus, query):
            time.sleep(0.5)


def _samples(prometheus: str, query: str) -> list[Any]:
    url = f"{prometheus}/api/v1/query?{urlencode({'query': query})}"
    with urlopen(url) as answer:  # noqa: S310 - of the caller's own Prometheus
        found: list[Any] = json.load(answer)["data"]["result"]
        return found


if __name__ == "__main__":
    main(sys.argv[1])
