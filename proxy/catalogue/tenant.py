"""The tenant's credentials as the console was given them, kept in the database."""

from dataclasses import asdict, dataclass, field, replace

from sqlalchemy import delete, insert, select

from proxy.catalogue import schema, secret_keys
from proxy.catalogue.async_engine import AsyncConnection
from proxy.catalogue.database import Database, bump
from proxy.catalogue.purges import Purge, PurgeKind, enter_purges
from proxy.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class TenantRecord:
    """The tenant and its Custom Application.

    Attributes:
        client_id: The tenant's name.
        app_id: The application's id.
        app_key: None where it was encrypted with a key that is lost.
        username: The user to act as, for an application that cannot see the folder itself.
    """

    client_id: str
    app_id: str
    app_key: str | None = field(default=None, repr=False)
    username: str | None = None


@dataclass(frozen=True, slots=True)
class TenantStore:
    """Reads and writes them; every method raises DatabaseFailed where there is no answer."""

    database: Database

    async def read(self) -> TenantRecord | None:
        """Return the credentials that were given in the console; None without any."""
        return await self.database.read(self._read)

    async def save(self, tenant: TenantRecord, *, actor: str) -> None:
        """Keep credentials in place of those before.

        New ones bump the revision and are audited, by their names only. What another tenant,
        application or user let caches keep is purged.

        Raises:
            ConfigurationError: There is no key to encrypt the app key with.
        """
        encryption = self.database.encryption
        if encryption is None:
            raise ConfigurationError([secret_keys.NO_KEY])

        async def save(connection: AsyncConnection) -> None:
            before = await self._read(connection)
            names = ("client_id", "app_id", "app_key", "username")
            new = [name for name in names if getattr(before, name, None) != getattr(tenant, name)]
            if not new:
                return
            values = asdict(tenant)
            if tenant.app_key is not None:
                values["app_key"] = encryption.encrypt(tenant.app_key)
            await connection.execute(delete(schema.tenant))
            await connection.execute(insert(schema.tenant).values(id=1, **values))
            await self.database.note(
                connection,
                actor=actor,
                action="tenant changed",
                subject=tenant.client_id,
                detail={"changed": new},
            )
            await bump(connection)
            if new != ["app_key"]:
                everything = [Purge(PurgeKind.ALL)]
                await enter_purges(connection, everything, actor=actor, now=self.database.now())

        await self.database.write(save)

    async def _read(self, connection: AsyncConnection) -> TenantRecord | None:
        columns = [column for column in schema.tenant.columns if column.name != "id"]
        row = (await connection.execute(select(*columns))).mappings().one_or_none()
        if row is None:
            return None
        tenant, encryption = TenantRecord(**row), self.database.encryption
        if tenant.app_key is None or encryption is None:
            return replace(tenant, app_key=None)
        return replace(tenant, app_key=encryption.decrypt(tenant.app_key))
