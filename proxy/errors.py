"""Every error of ours: its status, its RFC 9209 name, and the words that a client may read.

- GatewayError
    - the path's: MalformedPath, UnknownAddress, ContentUnfinished
    - THRON's: ThronError
        - ThronUnreachable: no answer, or a 5xx
            - ThronFailed: it failed to answer this question, and may fail others
        - ThronTimeout: no answer in time
        - ThronBusy: 429, or our own rate limit is reached
        - ThronAnswerInvalid: an answer that cannot be read
            - ThronBadRequest: 400; this tenant does not take the question so
        - TokenRejected: 401, 403 or such a code; expired or no right (the token keeper tells which)
        - ThronRefused: the app has no right to it
        - CredentialsRefused: the login itself is refused
        - NotConfigured: no credentials yet (set-up state)
    - the origin's: OriginError
        - OriginUnreachable, OriginTimeout, OriginRefused, OriginGone, OriginAnswerInvalid,
          OriginProhibited, OriginIncomplete, OriginChanged
            - ContentMissing, an OriginGone: said by THRON's API in its own words
            - HtmlInsteadOfFile, an OriginAnswerInvalid
    - this gateway's: Overloaded, TooManyForClient, ReaderTooSlow, Preempted, DatabaseFailed
- ConfigurationError: the operator's slip; no request ever meets it
"""

from collections.abc import Sequence
from typing import Self

from proxy.text import Text


def gettext_noop(text: str) -> str:
    """Mark a text for the translators; whoever shows it translates it."""
    return text


class GatewayError(Exception):
    """A download that cannot be answered with the content.

    Attributes:
        status: The status code of the answer.
        proxy_status: The error type of the Proxy-Status field (RFC 9209, 2.3), or None where
            neither THRON nor an origin is to blame, or its answer came and is no use.
        received_status: The status code that THRON or the origin answered with, if one came.
        text: The exception's message: a Text, unless only its English is known.
        public: What the client may read; never a URL, a token, a pkey or a host's name.
        retry_after_s: The Retry-After field in seconds, or None.

    Status, Proxy-Status and Retry-After are those of the class unless one instance knows better.
    With a received status the class's error type does not count: it means that no answer came.
    The message of the exception itself is for the operator's log; secrets stay out of it too.
    """

    status: int = 500
    proxy_status: str | None = None
    public: str = gettext_noop("The connector failed.")
    retry_after_s: float | None = None

    def __init__(
        self,
        message: str = "",
        *,
        status: int | None = None,
        proxy_status: str | None = None,
        received_status: int | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        self.text = message or Text(self.public)
        super().__init__(self.text)
        self.received_status = received_status
        if status is not None:
            self.status = status
        if proxy_status is not None or received_status is not None:
            self.proxy_status = proxy_status
        if retry_after_s is not None:
            self.retry_after_s = retry_after_s

    def anew(
        self,
        *,
        suffix: Text | None = None,
        status: int | None = None,
        retry_after_s: float | None = None,
    ) -> Self:
        """Return the same error to be raised again: one raised twice accumulates tracebacks."""
        return type(self)(
            self.text if suffix is None else Text.joined("; ", [self.text, suffix]),
            status=status if status is not None else vars(self).get("status"),
            proxy_status=self.proxy_status,
            received_status=self.received_status,
            retry_after_s=retry_after_s,
        )

    @property
    def asked_wait_s(self) -> float | None:
        """Seconds that this instance asks to wait; None where only its class has a default."""
        return vars(self).get("retry_after_s")


class MalformedPath(GatewayError):
    """The request target cannot be a public address."""

    status = 400
    public = gettext_noop("This is not an address of the download connector.")


class UnknownAddress(GatewayError):
    """No content is published at this address."""

    status = 404
    public = gettext_noop("No content is published at this address.")


class ContentUnfinished(GatewayError):
    """The content at this address has no rendition yet, and THRON is at work on one."""

    status = 503
    public = gettext_noop("This content is being prepared.")
    retry_after_s = 60


class ThronError(GatewayError):
    """THRON's API did not give what was asked for."""

    status = 503
    proxy_status: str | None = "destination_unavailable"
    public = gettext_noop("THRON cannot be reached at the moment.")
    retry_after_s: float | None = 10


class ThronUnreachable(ThronError):
    """No connection, no DNS, a torn answer, or a status of 500 and above."""


class ThronFailed(ThronUnreachable):
    """THRON answered 500 or a failure code, which may concern this question alone."""


class ThronTimeout(ThronError):
    """THRON's API did not answer in time."""

    proxy_status = "http_response_timeout"


class ThronBusy(ThronError):
    """THRON answered 429, or our own rate limit for questions is reached."""

    proxy_status = "proxy_internal_response"
    public = gettext_noop("Too many requests to THRON at the moment.")
    retry_after_s = 1


class ThronAnswerInvalid(ThronError):
    """THRON answered with something that is not its API."""

    status = 502
    proxy_status = "http_protocol_error"
    public = gettext_noop("THRON sent a response that cannot be understood.")


class ThronBadRequest(ThronAnswerInvalid):
    """THRON answered 400, "invalid arguments" (docs/thron.md 1.4)."""


class TokenRejected(ThronError):
    """The token was refused: expired, or without the right (docs/thron.md, 1.4)."""

    status = 502
    proxy_status = None
    public = gettext_noop("THRON refuses this content to the connector.")


class ThronRefused(ThronError):
    """The app has no right to this; a new login would not help.

    Where that is one content's trouble, and others are delivered, its status is 404.
    """

    proxy_status = None
    public = gettext_noop("THRON refuses this content to the connector.")
    retry_after_s: float | None = None


class CredentialsRefused(ThronError):
    """The login is refused: app id, app key or client id are wrong, or the app is disabled."""

    proxy_status = "proxy_configuration_error"
    public = gettext_noop("The connector is not logged in to THRON.")
    retry_after_s = 60


class NotConfigured(ThronError):
    """No credentials have been given yet."""

    proxy_status = "proxy_configuration_error"
    public = gettext_noop("The connector has not been set up yet.")
    retry_after_s = 60


class OriginError(GatewayError):
    """The server that a delivery URL names did not give the content."""

    status = 502
    proxy_status: str | None = "destination_unavailable"
    public = gettext_noop("The content could not be fetched from its origin.")


class OriginUnreachable(OriginError):
    """No connection to the origin: refused, reset, no DNS, or a TLS failure."""

    proxy_status = "connection_refused"


class OriginTimeout(OriginError):
    """The origin did not accept, or did not answer, in time."""

    status = 504
    proxy_status = "http_response_timeout"
    public = gettext_noop("The content's origin did not answer in time.")


class OriginRefused(OriginError):
    """The origin answered 4xx: no access to this content; 503 while it is so for every content."""

    status = 404
    public = gettext_noop("This content is not available.")
    proxy_status = None


class OriginGone(OriginError):
    """The origin answered 404 or 410: the target is an old one, or there is no rendition.

    503 while that is so for all contents.
    """

    status = 404
    public = gettext_noop("This content is not available.")
    proxy_status = None


class ContentMissing(OriginGone):
    """THRON's API says by a code that there is no such content, so no other source is tried."""


class OriginAnswerInvalid(OriginError):
    """The origin's answer cannot be the content: an error page, a loop, a broken message."""

    proxy_status = "http_protocol_error"


class HtmlInsteadOfFile(OriginAnswerInvalid):
    """A page of HTML came in place of the file: of an error, or of a sign-in."""


class OriginProhibited(OriginError):
    """The origin's host or scheme is not among the allowed ones (TDC_ORIGIN_HOSTS)."""

    proxy_status = "http_request_denied"


class OriginIncomplete(OriginError):
    """The origin broke off in the middle of the content."""

    proxy_status = "http_response_incomplete"


class OriginChanged(OriginError):
    """The origin broke off, and what it offers now is not proved to be the rest."""

    proxy_status = "http_response_incomplete"


class Overloaded(GatewayError):
    """More downloads than this process admits."""

    status = 503
    public = gettext_noop("Too many downloads at the moment.")
    retry_after_s = 5


class TooManyForClient(GatewayError):
    """More downloads than one client address may have at once."""

    status = 429
    public = gettext_noop("Too many downloads from this address at the moment.")
    retry_after_s = 5


class ReaderTooSlow(GatewayError):
    """The client reads less than TDC_MIN_RATE_BYTES_S, so its connection is closed."""

    status = 503
    public = gettext_noop("The content was downloaded too slowly.")


class Preempted(ReaderTooSlow):
    """The client stalled while every place was taken, most of them by that client."""


class DatabaseFailed(GatewayError):
    """The gateway's own database did not answer, or refused."""

    status = 503
    public = gettext_noop("The connector's database cannot be read at the moment.")
    retry_after_s = 5


class ConfigurationError(Exception):
    """What the operator gave cannot be used; every problem is told at once.

    Attributes:
        problems: One sentence each, naming the setting or the line and the fix.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)
