"""The tenant's credentials: where they come from, tried, and kept."""

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, StringConstraints

from proxy.admin.api.operations import Model
from proxy.admin.capabilities import Trial, explore
from proxy.admin.validation import Wrong
from proxy.catalogue.session_store import session_store
from proxy.catalogue.tenant import TenantRecord, TenantStore
from proxy.tenant import AppContext
from proxy.text import Text
from proxy.thron.session import Credentials


def _client_id(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", value):
        raise Wrong(Text("Enter only the name, such as acme for https://acme.thron.com."))
    return value


def _is_field_value(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().strip().isprintable():
        raise Wrong(Text("This contains characters that are not allowed here."))
    return SecretStr(value.get_secret_value().strip())


ClientId = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
    AfterValidator(_client_id),
]
Username = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
AppId = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class NewCredentials(Model):
    """What the operator gives: on the connection page, or through the API."""

    client_id: ClientId = Field(description="the tenant, such as acme")
    app_id: AppId = Field(description="the AppID of its Custom Application")
    app_key: Annotated[SecretStr, AfterValidator(_is_field_value)] | None = Field(
        None, max_length=1000, description="its AppKey; absent: the one that is kept"
    )
    username: Username | None = Field(
        None, description="a user to act as; absent: the application acts for itself"
    )


@dataclass(frozen=True, slots=True)
class Connection:
    """The connection to THRON as it stands; the app key is never shown.

    Attributes:
        client_id: The tenant; None in the set-up state.
        username: The user that the application acts as; None where it acts for itself.
        is_given: Whether environment or file give the credentials, so that nothing here can.
        problem: Why it is not logged in.
    """

    client_id: str | None
    app_id: str | None
    username: str | None
    is_given: bool
    api_url: str | None
    cdn_url: str | None
    is_logged_in: bool
    problem: str | None


async def connection(context: AppContext) -> Connection:
    """Return the connection as it stands.

    Raises:
        DatabaseFailed: What is kept cannot be read.
    """
    settings, state = context.settings, context.connection.token_state()
    if not settings.is_set_up:
        kept = await TenantStore(context.database).read()
        is_known = kept is not None and kept.app_key is not None
        names = ("client_id", "app_id", "username")
        settings = settings.model_copy(
            update={name: getattr(kept, name) if is_known else None for name in names}
        )
    return Connection(
        settings.client_id,
        settings.app_id,
        settings.username,
        is_given=context.settings.is_set_up,
        api_url=settings.api_base if settings.client_id else settings.api_url,
        cdn_url=settings.cdn_base if settings.client_id else settings.cdn_url,
        is_logged_in=state is not None and state.logged_in,
        problem=state.problem if state is not None else "no credentials yet",
    )


async def explored(context: AppContext) -> Trial | None:
    """Return what the connected application may do; None in the set-up state."""
    return await explore(context.tenant) if context.tenant is not None else None


async def whole(context: AppContext, given: NewCredentials) -> Credentials | None:
    """Return credentials with the app key that is kept where none is given; None without any."""
    username = given.username or None
    if given.app_key is not None and given.app_key.get_secret_value():
        app_key = given.app_key.get_secret_value()
        return Credentials(given.client_id, given.app_id, app_key, username)
    kept = await TenantStore(context.database).read()
    if kept is None or kept.app_key is None or kept.client_id != given.client_id:
        return None
    return Credentials(given.client_id, given.app_id, kept.app_key, username)


def can_keep(context: AppContext) -> bool:
    """Tell whether credentials can be kept: the database has a key to encrypt them with."""
    return context.database.encryption is not None


async def tried(context: AppContext, credentials: Credentials) -> Trial:
    """Try credentials, without keeping them."""
    async with context.try_tenant(credentials) as tenant:
        return await explore(tenant)


async def keep(context: AppContext, credentials: Credentials, trial: Trial, *, actor: str) -> None:
    """Keep credentials that were tried, and connect with them.

    Raises:
        DatabaseFailed: They cannot be kept.
        ConfigurationError: They cannot be encrypted.
    """
    kept = TenantRecord(
        client_id=credentials.client_id,
        app_id=credentials.app_id,
        app_key=credentials.app_key,
        username=credentials.username,
    )
    await TenantStore(context.database).save(kept, actor=actor)
    if trial.session is not None:  # another login may end it
        await session_store(context.database, credentials).save(trial.session)
    await context.connection.refresh()
