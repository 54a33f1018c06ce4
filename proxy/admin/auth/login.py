"""Signing in: the password tried, by whom, how often and how many at once, and what it opens."""

import math
from collections.abc import Callable, Iterator

from aiohttp import web

from proxy.admin.auth import cookies, devices, sessions
from proxy.admin.auth.devices import Devices
from proxy.admin.auth.login_rate_limiter import LoginRateLimiter, Party
from proxy.admin.auth.passwords import Password
from proxy.admin.auth.request_context import ADMINISTRATOR, CONTEXT
from proxy.admin.auth.sessions import Sessions


class TooManyLogins(Exception):
    """The password is not tried now.

    Attributes:
        retry_after_s: Whole seconds to wait.
    """

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"try again in {retry_after_s} s")
        self.retry_after_s = retry_after_s


class Login:
    """Tries the password for those whose turn it is, and lets in who knows it.

    Args:
        password: The administrator's.
        devices: Browsers that have signed in before.
        sessions: Opens one for whoever is let in.
        limiter: Says whose turn it is.
        now: Monotonic time, in seconds.
    """

    def __init__(
        self,
        password: Password,
        devices: Devices,
        sessions: Sessions,
        limiter: LoginRateLimiter,
        *,
        now: Callable[[], float],
    ) -> None:
        self._password = password
        self._devices = devices
        self._sessions = sessions
        self._limiter = limiter
        self._now = now

    async def knows_password(self, request: web.Request, password: str) -> bool:
        """Tell whether somebody knows the password.

        Raises:
            TooManyLogins: It is not tried now.
            DatabaseFailed: It cannot be read.
        """
        device = await self._device(request)
        party = self._begun(_parties(request[CONTEXT].client, device))
        is_right = False
        try:
            is_right = await self._password.fits(password, is_known=party.is_known)
        finally:
            self._limiter.end(party, succeeded=is_right)
        return is_right

    async def sign_in(self, request: web.Request, response: web.Response) -> None:
        """Open a session for somebody who has just proved to know the password."""
        await self.open_session(request, response)
        cookies.keep(
            response,
            devices.COOKIE,
            await self._devices.remember(former=await self._device(request)),
            is_secure=request[CONTEXT].is_secure,
            max_age_s=int(devices.LIVES.total_seconds()),
        )

    async def open_session(self, request: web.Request, response: web.Response) -> None:
        """Open a session under a new id, which a response hands out."""
        context = request[CONTEXT]
        session = await self._sessions.open(client=context.client, actor=ADMINISTRATOR)
        sessions.keep(response, session, is_secure=context.is_secure)

    async def _device(self, request: web.Request) -> str | None:
        """Return the hash of the device cookie of who asks, None if it has not signed in before."""
        cookie = cookies.read(request, devices.COOKIE, is_secure=request[CONTEXT].is_secure)
        return await self._devices.find(cookie)

    def _begun(self, parties: Iterator[Party]) -> Party:
        waits: list[float] = []
        for party in parties:
            wait_s = self._limiter.begin(party, now=self._now())
            if wait_s <= 0:
                return party
            waits.append(wait_s)
        raise TooManyLogins(math.ceil(min(waits)))


def _parties(client: str, device: str | None) -> Iterator[Party]:
    """Give as whom somebody may try; a device that is locked out, as everybody else at its address.

    So whoever has stolen a device cookie locks nobody out with it.
    """
    if device is not None:
        yield Party.with_device(device)
    yield Party.at(client)
