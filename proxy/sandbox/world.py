"""Everything the handlers of the sandbox share."""

from collections.abc import Callable
from dataclasses import dataclass, field

from proxy.sandbox.faults import Faults
from proxy.sandbox.record import RequestLog
from proxy.sandbox.switches import Switches
from proxy.sandbox.tenant import SimulatedTenant
from proxy.sandbox.tokens import Tokens


@dataclass(slots=True)
class World:
    """One simulated THRON.

    Attributes:
        now: Unix seconds.
        api_url: The base of each listener, without a slash at the end; known once it listens.
        api_down: The API closes connections without an answer.
        signatures: Every signature that stood in a redirect, for tests that look for leaks.
    """

    tenant: SimulatedTenant
    tokens: Tokens
    switches: Switches
    now: Callable[[], float]
    faults: Faults = field(default_factory=Faults)
    log: RequestLog = field(default_factory=RequestLog)
    api_url: str = ""
    cdn_url: str = ""
    storage_url: str = ""
    api_down: bool = False
    signatures: set[str] = field(default_factory=set)

    def visible_to(self, token: str) -> frozenset[str]:
        """Return the folders whose contents are seen with a token (docs/thron.md 2.4)."""
        if self.switches.app_token_sees or self.tokens.is_user_s(token):
            return self.tenant.visible_folders
        return frozenset()
