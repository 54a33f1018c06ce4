"""The check-list on every page of a new installation, until its first link has been copied.

That it is over stands in the database: it does not come back, in whichever process or browser.
"""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from sqlalchemy import bindparam, exists, select, text

from proxy.admin.auth.request_context import CALLER
from proxy.catalogue import schema
from proxy.catalogue.async_engine import AsyncConnection
from proxy.catalogue.database import Database
from proxy.catalogue.sync_runs import RunState
from proxy.connectors.store import ConnectorWatch
from proxy.errors import DatabaseFailed
from proxy.tenant import TenantConnection
from proxy.text import Text


@dataclass(frozen=True, slots=True)
class OnboardingStep:
    """One of the steps to the first link.

    Attributes:
        name: What is to be done.
        path: Where it is done.
        is_done: Whether it has been.
        is_next: Whether it is the first that has not.
    """

    name: Text
    path: str
    is_done: bool
    is_next: bool


FIRST_STEPS = web.RequestKey("first_steps", tuple[OnboardingStep, ...])


@dataclass(slots=True)
class Onboarding:
    """What is left to do of the way to the first link."""

    database: Database
    connection: TenantConnection
    watch: ConnectorWatch
    _is_over: bool = field(default=False, init=False)  # then nothing is asked any more

    async def steps(self) -> tuple[OnboardingStep, ...]:
        """Return the check-list; empty once a link was copied.

        Raises:
            DatabaseFailed: The database does not answer.
        """
        if self._is_over:
            return ()

        async def read(connection: AsyncConnection) -> tuple[bool, bool]:
            is_over = select(exists().select_from(schema.onboarding))
            is_read = select(exists().where(schema.sync_run.c.state == RunState.OK.value))
            return (
                bool((await connection.execute(is_over)).scalar_one()),
                bool((await connection.execute(is_read)).scalar_one()),
            )

        self._is_over, is_read = await self.database.read(read)
        if self._is_over:
            return ()
        slugs = [each.slug for each in self.watch.connectors.all]
        table = f"/connectors/{slugs[0]}" if slugs else "/connectors"
        found = (
            (Text("Connect the tenant"), "/connection", self.connection.tenant is not None),
            (Text("Install a connector"), "/connectors/new", bool(slugs)),
            (Text("See its contents listed"), table, bool(slugs) and is_read),
            (Text("Copy the first link"), table, False),
        )
        next_ = next(number for number, (_, _, is_done) in enumerate(found) if not is_done)
        return tuple(
            OnboardingStep(name, path, is_done, number == next_)
            for number, (name, path, is_done) in enumerate(found)
        )

    async def end(self, *, at: datetime) -> None:
        """Never show it again.

        Raises:
            DatabaseFailed: The database does not answer.
        """

        async def write(connection: AsyncConnection) -> None:
            # Two processes may say it at once.
            await connection.execute(
                text(
                    "INSERT INTO onboarding (id, ended) VALUES (1, :at) ON CONFLICT DO NOTHING"
                ).bindparams(bindparam("at", at, schema.Instant))
            )

        await self.database.write(write)
        self._is_over = True


def first_steps(onboarding: Onboarding) -> Middleware:
    """Return the middleware that puts the check-list on the pages of who has signed in."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        caller = request.get(CALLER)
        is_page = request.method == "GET" and "text/html" in request.headers.get("Accept", "")
        if is_page and caller is not None and caller.session is not None:
            with suppress(DatabaseFailed):  # a page that needs the database says so itself
                request[FIRST_STEPS] = await onboarding.steps()
        return await handler(request)

    return middleware
