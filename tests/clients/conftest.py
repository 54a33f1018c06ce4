"""What the clients download: a film of the library, and a file large enough to be split."""

from dataclasses import dataclass, field
from random import Random

import pytest

from tests.clients.command import sha256
from tests.running import Running

LARGE_OCTETS = 12 * 1024 * 1024 + 7


@dataclass(frozen=True, slots=True)
class Published:
    """A content behind a public URL."""

    url: str
    data: bytes = field(repr=False)

    @property
    def sha256(self) -> str:
        """SHA-256 of the content, in hexadecimal digits."""
        return sha256(self.data)


@pytest.fixture
def film(connector: Running) -> Published:
    content = connector.thron.tenant.find("strada-sl-film")
    url = connector.url(f"/files/{content.id}/film.mp4")
    return Published(str(url), connector.thron.tenant.bytes_of(content.id))


@pytest.fixture
def large(connector: Running) -> Published:
    """Twelve MiB and a bit in place of the press kit: no chunk size divides it."""
    content = connector.thron.tenant.find("press-kit")
    data = Random(12).randbytes(LARGE_OCTETS)  # noqa: S311 - octets to be told apart, no secret
    connector.thron.publish_new_version(content.id, data)
    return Published(str(connector.url(f"/files/{content.id}/kit.zip")), data)
