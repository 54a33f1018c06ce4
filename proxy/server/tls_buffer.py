"""What asyncio holds for a TLS connection to read into, which is short where requests come.

It is 256 KiB for each (asyncio/sslproto.py): ten thousand clients that are connected and say
nothing would hold 2.8 GB. A TLS record has 16 KiB at most (RFC 8446, 5.1), and a request fits.

asyncio's names that are not public are used here alone: ``_ssl_protocol``, ``_ssl_buffer`` and
``_ssl_buffer_view``. tests/server/test_tls_buffer.py tells when they change. Another event loop
has none of them, and is left as it is.
"""

import asyncio
from asyncio.sslproto import SSLProtocol

_SIZE = 16 * 1024


def shrink(transport: asyncio.BaseTransport) -> None:
    """Let a connection whose handshake is done hold less; one without TLS is left as it is."""
    protocol: object = getattr(transport, "_ssl_protocol", None)
    if isinstance(protocol, SSLProtocol):
        small = bytearray(_SIZE)
        held = {"max_size": _SIZE, "_ssl_buffer": small, "_ssl_buffer_view": memoryview(small)}
        vars(protocol).update(held)
