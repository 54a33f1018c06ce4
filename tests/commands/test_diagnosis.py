"""Check and resolve: what they print, and their exit status."""

from pathlib import Path

from aiohttp import web

from tests.commands.cli import FILM, Cli, document
from tests.delivery.origin_server import origin_server


async def test_check(cli: Cli) -> None:
    """Check is 0 where all is well, 1 where something fails, which is marked."""
    assert (await cli.run("check")).status == 0
    cli.thron.tenant.app.may_share = False
    cli.thron.faults.fail(404, where="delivery", times=None)
    outcome = await cli.run("check")
    assert outcome.status == 1
    assert [line for line in outcome.out.splitlines() if line.startswith("FAIL")]


async def test_check_of_purge_hooks(cli: Cli, tmp_path: Path) -> None:
    """The file's slips are told; each cache is reached, by a request that purges nothing."""

    async def cache(_: web.Request) -> web.Response:
        return web.Response(status=404)

    (hooks := tmp_path / "hooks.toml").write_text("[[hook]]\nname = 'ill'\n")
    outcome = await cli.run("check", TDC_PURGE_HOOKS=str(hooks))
    assert outcome.status == 1
    assert f"FAIL  purge hooks: TDC_PURGE_HOOKS: {hooks}: hook ill: url: write" in outcome.out
    async with origin_server(cache) as server:
        hooks.write_text(
            f"""
            hook = [
                {{name = "near", preset = "varnish-ban", url = "{server.url}/purge?x"}},
                {{name = "gone", preset = "varnish-ban", url = "http://127.0.0.1:1/"}},
            ]"""
        )
        outcome = await cli.run("check", TDC_PURGE_HOOKS=str(hooks))
        assert [(method, path) for method, path, _ in server.requests] == [("HEAD", "/")]
    assert "ok    purge hooks: near: its address answers" in outcome.out
    assert "FAIL  purge hooks: gone: its address does not answer" in outcome.out
    assert outcome.status == 1


async def test_check_reports(cli: Cli, tmp_path: Path) -> None:
    """With --report what was asked and answered is written to a file, and its place is told."""
    place = tmp_path / "report.json"
    outcome = await cli.run("check", "--report", str(place))
    assert outcome.status == 0
    assert f"Written: {place}" in outcome.out
    assert b'"answers"' in place.read_bytes()


async def test_resolve(cli: Cli) -> None:
    """Resolve is 0 where an address leads to its content, 1 where it does not."""
    await cli.apply(document(cli.thron, "media", identifier="pretty_id"), "--yes")
    found = await cli.run("resolve", f"http://any.example.com/media/en/{FILM}")
    assert (found.status, found.out.count("ok  ")) == (0, 4)
    assert (await cli.run("resolve", "/media/en/nothing")).status == 1
