"""Links are tried with the tenant that is connected when a try begins."""

from dataclasses import dataclass

from proxy.connectors.addresses import Address
from proxy.connectors.model import Connector
from proxy.errors import NotConfigured
from proxy.link_check.probe import LinkProbe
from proxy.link_check.results import ProbeResult
from proxy.tenant import TenantConnection


@dataclass(frozen=True, slots=True)
class TenantProbe:
    """Tries addresses, as ``LinkProbe`` does."""

    connection: TenantConnection

    async def try_address(self, connector: Connector, address: Address) -> ProbeResult:
        """Return what came of an address."""
        tenant = self.connection.tenant
        if tenant is None:
            return ProbeResult(NotConfigured.status, problem=NotConfigured.public)
        return await LinkProbe(tenant.resolver, tenant.origins).try_address(connector, address)
