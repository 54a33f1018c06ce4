"""What the console's pages and resources work with."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from proxy.admin.auth.admin_password import Password
from proxy.admin.auth.api_tokens import MachineTokens
from proxy.admin.auth.devices import Devices
from proxy.admin.auth.login import Login
from proxy.admin.auth.login_rate_limiter import LoginRateLimiter
from proxy.admin.auth.one_time_links import Links
from proxy.admin.auth.passwords import PasswordHashes
from proxy.admin.auth.sessions import Sessions
from proxy.admin.store import Store
from proxy.catalogue.queries import Contents
from proxy.catalogue.sync import Sync
from proxy.clock import utc_now
from proxy.connectors.watch import ConnectorWatch
from proxy.delivery.admission import Admission
from proxy.telemetry.live import Traffic
from proxy.telemetry.metrics import Metrics
from proxy.tenant import Parts


@dataclass(frozen=True, slots=True)
class Console:
    """The parts of the console; a page takes those that it uses.

    Attributes:
        parts: Settings, database, and the tenant that is connected.
        watch: The connectors that are served now.
        sync: Keeps the catalogue of contents.
        contents: Reads it.
        admission: Counts the downloads that run.
        metrics: What has been counted.
        traffic: What comes and goes on the public listener.
        store: The console's own tables, and the audit's pages.
        password: The administrator's.
        sessions: Of the browsers.
        tokens: Of the machines.
        links: That let in without a password.
        devices: Browsers that have signed in before.
        login: Tries the password.
        now: Aware time.
        monotonic: Seconds that no change of the clock moves.
    """

    parts: Parts
    watch: ConnectorWatch
    sync: Sync
    contents: Contents
    admission: Admission
    metrics: Metrics
    traffic: Traffic
    store: Store
    password: Password
    sessions: Sessions
    tokens: MachineTokens
    links: Links
    devices: Devices
    login: Login
    now: Callable[[], datetime]
    monotonic: Callable[[], float]


CONSOLE = web.AppKey("console", Console)


async def open_console(
    parts: Parts,
    *,
    watch: ConnectorWatch,
    sync: Sync,
    admission: Admission,
    metrics: Metrics,
    traffic: Traffic,
    now: Callable[[], datetime] = utc_now,
    monotonic: Callable[[], float] = time.monotonic,
) -> Console:
    """Return the console's parts, the password read.

    Raises:
        DatabaseFailed: It cannot be read.
    """
    store = Store(parts.database)
    given = parts.settings.admin_password_hash
    password = Password(
        store, PasswordHashes(), given=given.get_secret_value() if given is not None else None
    )
    await password.read()
    devices = Devices(parts.database, password=password.hash, now=now)
    return Console(
        parts=parts,
        watch=watch,
        sync=sync,
        contents=Contents(parts.database, now=now),
        admission=admission,
        metrics=metrics,
        traffic=traffic,
        store=store,
        password=password,
        sessions=Sessions(store, password=password.hash, now=now),
        tokens=MachineTokens(store, now=now),
        links=Links(),
        devices=devices,
        login=Login(password, devices, LoginRateLimiter(), now=monotonic),
        now=now,
        monotonic=monotonic,
    )
