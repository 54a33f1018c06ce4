"""A process of a supervisor's, as it is started; what several do is in tests/test_workers.py."""

import asyncio
import os
import sys

from proxy.commands.worker import worker
from proxy.server.channel import Channel
from tests.commands.cli import ran


async def test_without_a_supervisor() -> None:
    """It ends at once where the supervisor has ended before it could say anything."""
    ours, theirs = Channel.pair()
    ours.close()
    with theirs:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "proxy", "worker", "--control", str(theirs.fileno())),
            pass_fds=(theirs.fileno(),),
            env={"PATH": os.environ["PATH"]},
        )
        assert await process.wait() == 0


async def test_no_help_lists_it() -> None:
    """It is for a supervisor alone."""
    assert worker.hidden
    outcome = await ran("--help", {})
    assert outcome.status == 0
    assert "worker" not in outcome.out
