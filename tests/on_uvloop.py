"""Runs tests on uvloop: ``pytest -p tests.on_uvloop``, as ``make matrix`` does."""

import asyncio
from collections.abc import Callable, Mapping

import uvloop


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Return the loop of every test, for pytest-asyncio."""
    return {"uvloop": uvloop.new_event_loop}
