"""The rules themselves are met, not what another test left in their caches."""

import sys

import pytest


@pytest.fixture(autouse=True)
def _nothing_is_remembered() -> None:
    rules = [module for name, module in sys.modules.items() if name.startswith("proxy.semantics.")]
    for value in [value for module in rules for value in vars(module).values()]:
        if hasattr(value, "cache_clear"):
            value.cache_clear()
