"""``password``: the console's password is set, or hashed for a setting."""

import os

import click

from proxy.admin.auth import passwords
from proxy.admin.auth.passwords import PasswordHashes, keep_hash
from proxy.catalogue.database import open_database
from proxy.clock import utc_now
from proxy.commands.running import WithSettings, runs
from proxy.errors import ConfigurationError
from proxy.settings import load


@click.command(cls=WithSettings)
@click.option(
    "--hash", "prints_hash", is_flag=True, help="Print the hash for TDC_ADMIN_PASSWORD_HASH only."
)
@runs
async def password(*, prints_hash: bool) -> int:
    """Set the console's password; every browser is signed out."""
    settings = load(os.environ)
    if settings.admin_password_hash is not None and not prints_hash:
        raise ConfigurationError(["TDC_ADMIN_PASSWORD_HASH gives the password: change it there."])
    chosen = str(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    problem = passwords.problem(chosen, not_=settings.client_id)
    if problem is not None:
        raise ConfigurationError([str(problem)])
    hash_ = await PasswordHashes().make(chosen)
    if prints_hash:
        click.echo(hash_)
        return 0
    async with open_database(settings, os.environ) as database:
        await keep_hash(database, hash_, at=utc_now(), actor="cli")
    click.echo("The password is set. Every browser is signed out.")
    return 0
