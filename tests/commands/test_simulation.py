"""The simulated THRON as a process."""

import signal

from tests.commands.cli import Cli, ran, started


async def test_sandbox_prints_settings_that_work(cli: Cli) -> None:
    """What the sandbox command prints are the settings for check to succeed."""
    async with started(["sandbox", "--contents", "3"], {}) as process:
        assert process.stdout is not None
        printed = (await process.stdout.readuntil(b"# root folder")).decode()
        exported = dict(
            line.removeprefix("export ").split("=", 1)
            for line in printed.splitlines()
            if line.startswith("export ")
        )
        outcome = await ran("check", {**exported, "STATE_DIRECTORY": str(cli.state)})
        assert outcome.status == 0, outcome.out
        process.send_signal(signal.SIGTERM)
        _, err = await process.communicate()
        assert (process.returncode, err) == (0, b"")
