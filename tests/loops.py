"""Which event loop tests run on.

Where a TLS connection ends, uvloop does other than asyncio on purpose: an end without a closure
alert is a broken connection, and ``eof_received`` is not called
(https://github.com/MagicStack/uvloop/pull/385). What has come and waits while reading is
paused is lost then, which https://github.com/MagicStack/uvloop/pull/661 would change.
"""

import sys

import pytest

ON_ASYNCIO_ALONE = pytest.mark.skipif(
    "tests.on_uvloop" in sys.modules,
    reason="uvloop's TLS drops what it holds when its connection ends, and tells no closure alert"
    " (MagicStack/uvloop#385, #661): the connector runs on asyncio, and this is one reason",
)
