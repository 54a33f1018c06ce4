"""The client's side of one answer, from its header section to its last octet."""

import asyncio

from aiohttp import web


class ClientStream:
    """What a pump writes to, once the header section has been sent."""

    def __init__(self, request: web.BaseRequest, response: web.StreamResponse) -> None:
        """Take a response that is prepared."""
        self._request = request
        self._response = response

    @property
    def transport(self) -> asyncio.Transport:
        """The client's connection, for pumps that write to it directly.

        Raises:
            ConnectionResetError: The client has left.
        """
        transport = self._request.transport
        if not isinstance(transport, asyncio.Transport):
            raise ConnectionResetError("the client has left")
        return transport

    async def write(self, octets: bytes) -> None:
        """Write octets of the content, and wait while the connection takes no more.

        Raises:
            ConnectionError: The client has left.
        """
        await self._response.write(octets)

    async def end(self) -> None:
        """End the answer, and wait until the client's connection has taken all of it.

        What is buffered at the end would else be nobody's: no guard would watch it, and neither a
        drain nor the limit of connections would spare it.

        Raises:
            ConnectionError: The client has left.
        """
        await self._response.write_eof()
        transport = self._request.transport
        if isinstance(transport, asyncio.WriteTransport) and transport.get_write_buffer_size():
            transport.set_write_buffer_limits(0)  # drained is from now on what is empty
            try:
                await self._request.writer.drain()
            finally:
                transport.set_write_buffer_limits()
