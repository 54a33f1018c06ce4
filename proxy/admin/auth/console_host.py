"""The hosts that the console answers to: no name of somebody else's may lead to it.

A page of another site can give its own name this machine's address, and then ask the console as
if it were its own (DNS rebinding). An address cannot be rebound, a loopback name leads nowhere
else (RFC 6761, 6.3), and every other name is the operator's to give in TDC_ADMIN_HOSTS.
"""

from collections.abc import Collection
from ipaddress import ip_address


def is_known(host: str, names: Collection[str]) -> bool:
    """Tell whether the console answers to a host.

    Args:
        host: In lower case, without port; an IPv6 address in brackets.
        names: Those that the operator gave.
    """
    if host in names or host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
