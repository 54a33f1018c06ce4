"""Whatever a cache may keep bears the tags by which it is purged."""

from pathlib import Path

import pytest

from proxy.sandbox.server import Sandbox
from tests.running import by_id, running

MOVIE = "files/{id}"


@pytest.mark.parametrize(
    ("path", "fields", "status", "tags"),
    [
        pytest.param(MOVIE, {}, 200, "connector-files content-{id}", id="whole"),
        pytest.param(MOVIE, {"Range": "bytes=0-1"}, 206, "connector-files content-{id}", id="part"),
        pytest.param(MOVIE, {"If_None_Match": "*"}, 304, "connector-files content-{id}", id="304"),
        pytest.param("secure/{id}", {}, 301, "connector-secure", id="to https"),
        pytest.param("files/nothing", {}, 404, "connector-files", id="no content"),
        pytest.param("nothing/{id}", {}, 404, "no-connector", id="no connector"),
    ],
)
async def test_tags(
    thron: Sandbox, tmp_path: Path, path: str, fields: dict[str, str], status: int, tags: str
) -> None:
    """The connector's, and the content's where there is one, in both fields."""
    content_id = thron.tenant.find("logo").id
    wanted = by_id(thron), by_id(thron, "secure", force_https=True)
    async with running(thron, tmp_path, *wanted) as connector:
        answer = await connector.get(f"/{path.format(id=content_id)}", **fields)
    assert answer.status == status
    assert "max-age=" in answer.fields["Cache-Control"]
    assert answer.fields["Surrogate-Key"] == tags.format(id=content_id)
    assert answer.fields["Cache-Tag"].split(",") == answer.fields["Surrogate-Key"].split(" ")
