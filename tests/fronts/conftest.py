"""A connector with a front before it, and a file of several slices."""

from collections.abc import AsyncIterator
from ipaddress import ip_network
from pathlib import Path
from random import Random

import pytest

from proxy.connectors.model import Connector, Identifier
from proxy.sandbox.server import Sandbox
from proxy.thron.content import ContentType
from tests.fronts.front import Front, apache, caddy, haproxy, nginx, varnish
from tests.running import Running, by_id, running

# Three slices and a bit.
LARGE_OCTETS = 3 * 1024 * 1024 + 99
LARGE = Random(3).randbytes(LARGE_OCTETS)  # noqa: S311 - octets to be told apart, no secret


@pytest.fixture
async def connector(thron: Sandbox, tmp_path: Path) -> AsyncIterator[Running]:
    """Run connectors whose answers may be stored for long or for a second, and by ``reference``."""
    wanted = (
        by_id(thron),
        by_id(thron, "brief", max_age_s=1),
        by_id(thron, "https-only", force_https=True),
        by_id(thron, "a", host="media-a.example"),
        by_id(thron, "b", host="media-b.example", content_types=frozenset({ContentType.VIDEO})),
        Connector(
            slug="references",
            folder=thron.root_folder_id,
            identifier=Identifier.METADATA,
            metadata="reference",
        ),
    )
    trusted = (ip_network("127.0.0.1/32"),)
    (state := tmp_path / "state").mkdir()
    async with running(
        thron, state, *wanted, trusted_proxies=trusted, resolution_ttl_s=0.1
    ) as whole:
        yield whole


CACHES = (nginx, varnish)
FRONTS = (*CACHES, haproxy, caddy, apache)


@pytest.fixture(params=FRONTS, ids=[each.__name__ for each in FRONTS])
async def front(
    request: pytest.FixtureRequest, connector: Running, tmp_path: Path
) -> AsyncIterator[Front]:
    home = tmp_path / "front"
    home.mkdir()
    async with request.param(connector.gateway.context.settings.listen.port, home) as front:
        yield front


of_caches = pytest.mark.parametrize(
    "front", CACHES, ids=[each.__name__ for each in CACHES], indirect=True
)
"""Marks what only a front that stores answers can do."""


@pytest.fixture
def large(thron: Sandbox) -> str:
    """Publish a file of several slices; return the content's id."""
    content = thron.tenant.find("press-kit")
    thron.publish_new_version(content.id, LARGE)
    return content.id
