"""What an application may do, found out by trying."""

from pathlib import Path

from proxy.admin.capabilities import Granted, Right, explore, proposed
from proxy.connectors.model import DeliveryMode
from proxy.sandbox.server import Sandbox
from tests.running import Running, running


async def tried(connector: Running) -> dict[Right, Granted]:
    trial = await explore(connector.tenant)
    return {each.right: each.verdict for each in trial.findings}


async def test_everything(connector: Running) -> None:
    """An application with all rights may do all."""
    assert set((await tried(connector)).values()) == {Granted.YES}


async def test_without_the_share_right(connector: Running) -> None:
    """Without the share right source files cannot be had, and all else can."""
    connector.thron.tenant.app.may_share = False
    found = await tried(connector)
    assert found.pop(Right.SOURCE_FILES) is Granted.NO
    assert set(found.values()) == {Granted.YES}
    assert (await proposed(connector.tenant)).mode is DeliveryMode.PUBLISHED


async def test_without_contents(thron: Sandbox, tmp_path: Path) -> None:
    """Where there is nothing to try with, that is said rather than guessed."""
    for content in list(thron.tenant.contents()):
        thron.unpublish(content.id)
    async with running(thron, tmp_path) as whole:
        found = await tried(whole)
    assert found[Right.SOURCE_FILES] is Granted.UNKNOWN
    assert found[Right.RENDITIONS] is Granted.UNKNOWN


async def test_without_a_pkey(thron: Sandbox, tmp_path: Path) -> None:
    """Without the public share renditions cannot be had, and all else can."""
    thron.tenant.app.pkey = None
    async with running(thron, tmp_path) as whole:
        found = await tried(whole)
    assert found.pop(Right.RENDITIONS) is Granted.NO
    assert set(found.values()) == {Granted.YES}


async def test_without_login(connector: Running) -> None:
    """Where the login is refused nothing else is tried."""
    connector.thron.tenant.app.active = False
    connector.thron.expire_tokens()
    await connector.get("/files/no-such-content")
    found = await tried(connector)
    assert found == {Right.LOG_IN: Granted.NO}
