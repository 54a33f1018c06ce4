"""Which event loop tests run on."""

import sys

import pytest

ON_ASYNCIO_ALONE = pytest.mark.skipif(
    "tests.on_uvloop" in sys.modules,
    reason="uvloop's TLS drops what it holds when its connection ends, and tells no closure alert:"
    " the connector runs on asyncio, and this is one reason",
)
