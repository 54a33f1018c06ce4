"""The console's password from the terminal: the link that ``serve`` prints, and the command."""

import asyncio
import os
from pathlib import Path

import aiohttp
import pytest
from click.testing import CliRunner, Result

from proxy.admin.auth.passwords import PasswordHashes, kept_hash
from proxy.catalogue.database import Database
from proxy.cli import main
from tests.catalogue.audited import audited
from tests.logs import logged
from tests.process import served

PASSWORD = "walnut harbour lantern 7"


async def run(state: Path, *words: str, typed: str, **environ: str) -> Result:
    """Run the command in a thread, as it has a loop of its own."""
    nothing = {name: None for name in os.environ if name.startswith("TDC_")}
    env = {**nothing, "STATE_DIRECTORY": str(state), **environ}

    def invoked() -> Result:
        with logged():
            return CliRunner(env=env).invoke(main, ["password", *words], input=typed)

    return await asyncio.to_thread(invoked)


async def kept(state: Path) -> str | None:
    async with Database.open(f"sqlite:///{state}/connector.db") as database:
        return await kept_hash(database)


async def test_the_link_that_serve_prints(tmp_path: Path) -> None:
    """``serve`` without a password prints a link on its terminal, in no line of its log."""
    async with served({"STATE_DIRECTORY": str(tmp_path)}) as (process, _, admin):
        line = await asyncio.to_thread(process.printed, "/set-up?link=")
        async with aiohttp.ClientSession() as http, http.get(line.strip()) as page:
            assert (page.status, page.url.authority) == (200, admin)
            assert "Welcome" in await page.text()
        await asyncio.to_thread(process.event, "console")
        secret = line.partition("link=")[2]
        assert not [each for each in process.events if secret in str(each)]


async def test_no_link_once_there_is_a_password(tmp_path: Path) -> None:
    """``serve`` with a password prints no link."""
    await run(tmp_path, typed=f"{PASSWORD}\n{PASSWORD}\n")
    async with served({"STATE_DIRECTORY": str(tmp_path)}) as (process, _, _):
        pass
    assert "set-up" not in process.output


async def test_set(tmp_path: Path) -> None:
    """A password typed twice is kept as its hash, is not shown, and stands in the audit."""
    result = await run(tmp_path, typed=f"{PASSWORD}\n{PASSWORD}\n")
    assert (result.exit_code, PASSWORD in result.output) == (0, False)
    assert "The password is set." in result.stdout
    assert await PasswordHashes().fits(PASSWORD, await kept(tmp_path) or "")
    async with Database.open(f"sqlite:///{tmp_path}/connector.db") as database:
        entry = (await audited(database, newest=1))[0]
    assert (entry.actor, entry.action) == ("cli", "password set")


async def test_hash_only(tmp_path: Path) -> None:
    """With --hash the setting's value is printed, and nothing is kept."""
    result = await run(tmp_path, "--hash", typed=f"{PASSWORD}\n{PASSWORD}\n")
    assert result.exit_code == 0
    assert await PasswordHashes().fits(PASSWORD, result.stdout.strip())
    assert await kept(tmp_path) is None


@pytest.mark.parametrize("password", ["short", "passwordpassword"])
async def test_not_taken(tmp_path: Path, password: str) -> None:
    """A password that the console would not take is not taken here either."""
    result = await run(tmp_path, typed=f"{password}\n{password}\n")
    assert (result.exit_code, bool(result.stderr)) == (2, True)
    assert await kept(tmp_path) is None


async def test_given_by_a_setting(tmp_path: Path) -> None:
    """Where a setting gives the password the command changes nothing."""
    hash_ = await PasswordHashes().make(PASSWORD)
    result = await run(tmp_path, typed="", TDC_ADMIN_PASSWORD_HASH=hash_)
    assert (result.exit_code, "TDC_ADMIN_PASSWORD_HASH" in result.stderr) == (2, True)


async def test_a_setting_that_is_no_hash(tmp_path: Path) -> None:
    """A password in place of its hash is refused, and not repeated."""
    result = await run(tmp_path, typed="", TDC_ADMIN_PASSWORD_HASH=PASSWORD)
    assert (result.exit_code, "password --hash" in result.stderr) == (2, True)
    assert PASSWORD not in result.stderr
