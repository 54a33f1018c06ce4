"""A film whose parts lie far from each other, so that to read a little one must seek."""

import struct

from proxy.sandbox.server import Sandbox

PADDING_OCTETS = 48 * 1024 * 1024


def moov_far_away(thron: Sandbox) -> str:
    """Put 48 MiB of free space before the moov box of the film; return the content's id.

    A box of free space is skipped by its length, and positions in the film stay as they are.
    """
    content = thron.tenant.find("dawn-on-the-pass")
    data = thron.tenant.bytes_of(content.id)
    start = data.rindex(b"moov") - 4
    free = struct.pack(">I4s", PADDING_OCTETS, b"free") + bytes(PADDING_OCTETS - 8)
    thron.publish_new_version(content.id, data[:start] + free + data[start:], file_name="dawn.mp4")
    return content.id
