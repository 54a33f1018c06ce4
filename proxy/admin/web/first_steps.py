"""What ends the check-list of a new installation: the script at the first copy, or a button."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from proxy.admin.onboarding import Onboarding
from proxy.admin.web import pages
from proxy.admin.web.navigation import local
from proxy.admin.web.rendering import see_other
from proxy.clock import utc_now


@dataclass(frozen=True, slots=True)
class FirstStepsPages:
    """The end of the check-list, which every page shows until then."""

    onboarding: Onboarding
    now: Callable[[], datetime] = utc_now

    @pages.post("/first-steps/end")
    async def end(self, request: web.Request) -> web.Response:
        """Never show it again, and go back."""
        await self.onboarding.end(at=self.now())
        return see_other(local(str((await request.post()).get("back", "/"))))
