"""Whether a refusal may mean that the session has ended though validateToken calls it good; pure.

validateToken is a witness, not the judge (docs/thron.md 2.3): an expiry may be told as 302, 400 or
500, and what validates a token may be another server than the one that refuses it. So a service
that has answered before and refuses now leads to a login in spite of it, but not more than one a
minute; and what a new session was refused as well is a matter of rights from then on.
"""

from proxy.errors import ThronError, TokenRejected

_PAUSE_S = 60.0
_MOST_SUBJECTS = 1000
# A service is known by its path, and some paths hold a content's id.
_MOST_SERVICES = 1000

_REDIRECTS_AND_CLIENT_ERRORS = range(300, 500)
_SERVER_ERROR = 500
# These are about the request: no such service, another method or type, too many of them.
_OF_THE_REQUEST = frozenset({404, 405, 406, 408, 410, 411, 413, 414, 415, 416, 417, 429})


class Refusals:
    """Which services answered and what they refused, since the start of one token keeper.

    Attributes:
        answered_last: The service whose answer was recorded last.
        denied: What was refused to sessions that had just begun, and was not answered since.
    """

    def __init__(self) -> None:
        self.answered_last = ""
        self._answering: dict[str, None] = {}  # those that answered last at the end
        self.denied: dict[object, None] = {}
        self._disbelieved_at: float | None = None

    def note_answer(self, service: str, subject: object) -> None:
        """Record that a service answered; nothing new if it did last, and nothing is denied."""
        self.answered_last = service
        self._answering.pop(service, None)
        self._answering[service] = None
        if len(self._answering) > _MOST_SERVICES:
            self._answering.pop(next(iter(self._answering)))
        self.denied.pop(subject, None)

    def note_denial(self, subject: object) -> None:
        """Record what was refused to a session that had just begun."""
        self.denied[subject] = None
        if len(self.denied) > _MOST_SUBJECTS:
            self.denied.pop(next(iter(self.denied)))

    def is_unusual(self, error: ThronError, service: str, subject: object) -> bool:
        """Tell whether an error looks like the end of a session.

        The service is named by the path of the request, the subject by anything hashable.
        """
        if isinstance(error, TokenRejected):
            return True
        status = error.received_status
        refuses = status in _REDIRECTS_AND_CLIENT_ERRORS or status == _SERVER_ERROR
        if not refuses or status in _OF_THE_REQUEST:
            return False
        return service in self._answering and subject not in self.denied

    def may_disbelieve(self, service: str, subject: object, *, is_shared: bool, now: float) -> bool:
        """Tell whether a login is worth a try though validateToken calls the session good.

        A shared session may have been answered before, in the process that logged in.
        """
        if subject in self.denied or not (is_shared or service in self._answering):
            return False
        at = self._disbelieved_at
        if at is not None and 0 <= now - at < _PAUSE_S:
            return False
        self._disbelieved_at = now
        return True
