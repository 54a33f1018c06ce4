"""The commands, against a sandbox."""

from pathlib import Path

import pytest

from proxy.sandbox.server import Sandbox
from tests.commands.cli import Cli
from tests.process import environ_for


@pytest.fixture
def cli(thron: Sandbox, tmp_path: Path) -> Cli:
    return Cli(thron, tmp_path, environ_for(thron, tmp_path))
