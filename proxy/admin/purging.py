"""What people ask to be forgotten, as an order to every running process; pure."""

from enum import StrEnum

from pydantic import Field

from proxy.admin.api.operations import Model
from proxy.catalogue.purges import Purge, PurgeKind
from proxy.connectors import addresses as paths
from proxy.connectors.addressability import is_id
from proxy.connectors.model import Connectors
from proxy.errors import GatewayError
from proxy.text import Text


class By(StrEnum):
    """By what it is named."""

    URL = "url"
    CONTENT = "content"
    CONNECTOR = "connector"
    ALL = "all"


class PurgeRequest(Model):
    """What is to be forgotten."""

    by: By
    value: str = Field(
        "", max_length=4096, description="a public URL, a content id, a slug; empty for all"
    )


class NotPurgeable(Exception):
    """There is nothing of this name.

    Attributes:
        text: Why.
    """

    def __init__(self, text: Text) -> None:
        super().__init__(text.english)
        self.text = text


def purge_of(order: PurgeRequest, *, base: str, connectors: Connectors) -> Purge:
    """Return an order as it is obeyed.

    Args:
        order: As it was asked.
        base: Of public URLs.
        connectors: All that there are.

    Raises:
        NotPurgeable: It names nothing that could be remembered.
    """
    value = order.value.strip()
    match order.by:
        case By.URL:
            return Purge(PurgeKind.ADDRESS, _address(value, base, connectors))
        case By.CONTENT:
            if not is_id(value):
                raise NotPurgeable(Text("This is not a content ID."))
            return Purge(PurgeKind.CONTENT, value)
        case By.CONNECTOR:
            if connectors.of_slug(value) is None:
                raise NotPurgeable(Text("There is no connector with this name."))
            return Purge(PurgeKind.CONNECTOR, value)
        case By.ALL:
            return Purge(PurgeKind.ALL)


def _address(url: str, base: str, connectors: Connectors) -> str:
    try:
        return paths.parse_url(url, base=base, connectors=connectors).address.cache_key
    except GatewayError as exc:
        raise NotPurgeable(Text("No connector has an address like this.")) from exc
