"""Whether all requests come through a proxy in front that is not named as trusted."""

from multidict import MultiMapping

# In a row from one address: no crowd of clients looks like that, and few single ones.
_IN_A_ROW = 100
# What proxies write, whatever their kind (RFC 7239; RFC 9110, 7.6.3).
_WRITTEN_BY_PROXIES = ("X-Forwarded-For", "Forwarded", "Via")


class FrontDetector:
    """Looks at the requests of untrusted peers."""

    def __init__(self) -> None:
        self._peer = ""
        self._in_a_row = 0
        self._is_found = False

    def is_found(self, peer: str, fields: MultiMapping[str]) -> bool:
        """Look at one more request; tell once that its peer seems to be a proxy.

        Args:
            peer: The address at the other end of the connection, which is not trusted.
            fields: The request's field section.
        """
        if self._is_found:
            return False
        is_forwarded = any(name in fields for name in _WRITTEN_BY_PROXIES)
        self._in_a_row = self._in_a_row + 1 if is_forwarded and peer == self._peer else 0
        self._peer = peer
        self._is_found = self._in_a_row >= _IN_A_ROW
        return self._is_found
