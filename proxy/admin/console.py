"""The console: what lets people in, and what goes on without them."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from proxy.admin.auth.api_tokens import ApiTokens
from proxy.admin.auth.passwords import Password
from proxy.admin.auth.sessions import Sessions
from proxy.admin.auth.sign_in_links import SignInLinks
from proxy.link_check.run import LinkChecker
from proxy.link_check.store import LinkCheckStore
from proxy.server.deferred_application import DeferredApplication


@dataclass(slots=True)
class Console:
    """The console, to be served, and what lets somebody in.

    Attributes:
        url: Its base, as it is reached from this machine.
        checks: What link checks have found.
        checker: Runs them.
        stopping: To be set once what still runs is cut.
        monotonic: By which its links end.
        pages: What is served.
        refused_reload: Why the last reload was refused, if it was.
    """

    url: str
    password: Password
    sessions: Sessions
    tokens: ApiTokens
    links: SignInLinks
    checks: LinkCheckStore
    checker: LinkChecker
    stopping: asyncio.Event
    monotonic: Callable[[], float]
    pages: DeferredApplication = field(init=False)
    refused_reload: tuple[str, ...] = ()

    def reloaded(self, problems: Sequence[str]) -> None:
        """Show why a reload was refused, until one is not."""
        self.refused_reload = tuple(problems)

    def set_up_url(self) -> str | None:
        """Return a new link to set the password, None where there is one.

        It is a secret: for the operator's terminal, and nothing else.
        """
        if self.password.is_set:
            return None
        return f"{self.url}/set-up?link={self.links.set_up(now=self.monotonic())}"

    def demo_url(self) -> str:
        """Return a link that signs in as long as this runs; for the demo alone."""
        return f"{self.url}/set-up?link={self.links.demo()}"
