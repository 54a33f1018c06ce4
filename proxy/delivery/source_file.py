"""Opens source files by downloadSource, at any path and in any form (docs/thron.md 7.5)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from http import HTTPStatus
from itertools import islice
from urllib.parse import urlsplit

import structlog

from proxy.delivery.error_sniffing import sniff_error
from proxy.delivery.http_client import Fields
from proxy.delivery.origin_client import (
    REDIRECTS,
    OriginClient,
    OriginResponse,
    location_of,
)
from proxy.delivery.resolution import Delivery
from proxy.delivery.upstream import may_be_error
from proxy.errors import (
    ContentMissing,
    GatewayError,
    HtmlInsteadOfFile,
    OriginAnswerInvalid,
    OriginGone,
    ThronAnswerInvalid,
    ThronFailed,
    ThronRefused,
    ThronTimeout,
    ThronUnreachable,
    TokenRejected,
)
from proxy.text import Text
from proxy.thron.token_keeper import TokenKeeper

log = structlog.get_logger("proxy.source")

# What a server of files says to conditions and ranges on them: no error of THRON's.
_TO_CONDITIONS = frozenset({304, 412, 416})
# What the endpoint may be to blame for, rather than the content or THRON.
_MAY_BE_THE_ENDPOINT = (TokenRejected, ThronAnswerInvalid, OriginGone, OriginAnswerInvalid)
# How often, at most, the other endpoints are tried while the known one fails.
_RELEARN_EVERY_S = 60.0
# Before a file that failed in every form is asked for again.
_FAILED_AGAIN_S = 5.0
# An API that answers later than that is slow, or hangs.
_SLOW_S = 3.0
# So many contents that are at no path: it is the tenant that lacks the service.
_ENOUGH_MISSING = 3


class RequestForm(Enum):
    """How downloadSource may want its token, in the order to try (docs/thron.md 7.5)."""

    FIELD = "GET with X-TOKENID"
    FORM = "POST with tokenId in a form"
    QUERY = "GET with tokenId in the query"


@dataclass(frozen=True, slots=True)
class _Endpoint:
    """A path, by its index among the sources of every delivery, and a request form."""

    index: int
    form: RequestForm


class SourceFiles:
    """Opens source files, and remembers the endpoint that worked for this tenant.

    At most ``most_slow`` requests wait long for THRON at once: each holds the place of a download,
    which contents of the CDN need too.
    """

    def __init__(
        self,
        origin_client: OriginClient,
        thron: TokenKeeper,
        *,
        now: Callable[[], float],
        most_slow: int = 500,
    ) -> None:
        self._most_slow = most_slow
        self._asked_at: dict[object, float] = {}  # of each request that waits, the longest first
        self._origin_client = origin_client
        self._thron = thron
        self._now = now
        self._known: _Endpoint | None = None
        self._description = ""
        self._relearnt_at = -_RELEARN_EVERY_S
        self._missing: set[str] = set()

    @property
    def endpoint(self) -> str | None:
        """Where and in which form this tenant answered last, if not as is likeliest."""
        known = self._known
        is_likeliest = known is None or (known.index == 0 and known.form is RequestForm.FIELD)
        return None if is_likeliest else self._description

    async def open(self, delivery: Delivery, *, fields: Fields) -> OriginResponse:
        """Return the answer with the file's bytes, from the API's host or from a storage.

        Args:
            delivery: Its sources are the URLs at which downloadSource may be, without token.
            fields: What goes along with the request.

        Raises:
            ThronRefused: The app has no share right on the content; a page in its place says so too
                (docs/thron.md 7.5).
            ThronError: THRON cannot be logged in to, or answers with an error.
            OriginError: As ``OriginClient.send``; OriginGone if there is no such content, or no
                service.
        """
        now = self._now()
        if len(self._asked_at) >= self._most_slow:
            longest = islice(self._asked_at.values(), self._most_slow)
            if all(now - asked_at >= _SLOW_S for asked_at in longest):
                raise ThronTimeout(
                    Text(
                        "{number} source files are waited for, and none comes",
                        number=self._most_slow,
                    )
                )
        with_token = partial(
            self._thron.with_token, service="downloadSource", subject=delivery.sources[0]
        )
        key = object()
        self._asked_at[key] = now
        try:
            if self._known is not None:
                try:
                    return await with_token(partial(self._ask, self._known, delivery, fields))
                except ContentMissing:
                    raise
                except (*_MAY_BE_THE_ENDPOINT, ThronRefused):
                    if self._now() - self._relearnt_at < _RELEARN_EVERY_S:
                        raise
                    self._relearnt_at = self._now()
            return await with_token(partial(self._learn, delivery, fields))
        except HtmlInsteadOfFile as exc:
            raise ThronRefused(str(exc), received_status=exc.received_status) from exc
        finally:
            del self._asked_at[key]

    async def _learn(self, delivery: Delivery, fields: Fields, token: str) -> OriginResponse:
        """Ask one endpoint after the other, and remember the one that works."""
        failures: list[GatewayError] = []
        for index, source in enumerate(delivery.sources):
            for form in RequestForm:
                endpoint = _Endpoint(index, form)
                try:
                    answer = await self._ask(endpoint, delivery, fields, token)
                except ContentMissing:
                    raise
                except OriginGone as exc:
                    failures.append(exc)
                    break  # no such path, whatever the form
                except _MAY_BE_THE_ENDPOINT as exc:
                    failures.append(exc)
                except ThronUnreachable as exc:
                    if exc.received_status != HTTPStatus.INTERNAL_SERVER_ERROR:
                        raise
                    failures.append(exc)  # as a token that is not found may be told
                else:
                    self._known = endpoint
                    self._description = f"at {urlsplit(source).path} to {form.value}"
                    self._missing.clear()
                    log.info("source.endpoint", path=urlsplit(source).path, form=form.value)
                    return answer
            decided = _decided(failures)
            if decided is not None:
                raise decided
        others = [exc for exc in failures if not isinstance(exc, OriginGone)]
        # A page says that the service took the question; a 405, only that it is not the form.
        others = [exc for exc in others if isinstance(exc, HtmlInsteadOfFile)] or others
        raise others[-1] if others else self._nowhere(delivery.sources)

    def _nowhere(self, sources: Sequence[str]) -> OriginGone:
        if self._known is None and len(self._missing) < _ENOUGH_MISSING:
            self._missing.add(sources[0])
        if len(self._missing) < _ENOUGH_MISSING:
            said = Text("the content is gone, or this tenant has no such service")
        else:
            said = Text("this tenant has no such service")
        return OriginGone(
            Text(
                "THRON answered 404 at every path of downloadSource: {said}; name its "
                'path in TDC_SOURCE_PATH, or use delivery = "published"',
                said=said,
            )
        )

    async def _ask(
        self, endpoint: _Endpoint, delivery: Delivery, fields: Fields, token: str
    ) -> OriginResponse:
        source = delivery.sources[endpoint.index]
        method, url, with_token, form = "GET", source, [*fields], None
        match endpoint.form:
            case RequestForm.FIELD:
                with_token.append(("X-TOKENID", token))
            case RequestForm.QUERY:
                url = f"{source}&tokenId={token}"
            case RequestForm.FORM:
                method, form = "POST", {"tokenId": token}
                # The session adds no field by itself, and a form without its type is none.
                with_token.append(("Content-Type", "application/x-www-form-urlencoded"))
        response = await self._origin_client.send(
            method, url, fields=with_token, form=form, content_id=delivery.content_id
        )
        if response.status in REDIRECTS:
            location = location_of(response)
            return await self._from_storage(location, response.status, delivery, fields)
        if response.status not in _TO_CONDITIONS and may_be_error(response):
            error = await sniff_error(response, expected_name=delivery.expected_name)
            if error is not None:
                response.close()
                try:
                    raise error
                finally:
                    del error  # its traceback has this frame: a cycle
        return OriginResponse(response, source, is_redirected=False)

    async def _from_storage(
        self, location: str, status: int, delivery: Delivery, fields: Fields
    ) -> OriginResponse:
        """Follow a redirect with GET, without token and form, on 307 and 308 too."""
        answer = await self._origin_client.follow(
            "GET", location, fields=fields, content_id=delivery.content_id, is_from_api=True
        )
        error = None
        if answer.response.status == HTTPStatus.OK and may_be_error(answer.response):
            error = await sniff_error(answer.response, expected_name=delivery.expected_name)
        if error is not None:
            answer.response.close()
            # Such as the form of a sign-in, to which an ended session is sent.
            raise ThronAnswerInvalid(
                Text("THRON redirects to an error in place of the file"), received_status=status
            ) from error
        return replace(answer, is_redirected=True)


def _decided(failures: Sequence[GatewayError]) -> GatewayError | None:
    """Return the failure that makes trying other paths useless, if one is among those of a path."""
    for exc in failures:
        if isinstance(exc, TokenRejected):
            return exc  # an expired token looks the same in every form, and a new one may help
    if any(isinstance(exc, ThronUnreachable) for exc in failures):
        # The service is at this path and fails for this file. It was asked in every form, so
        # that asking again at once would only be more of the same.
        return ThronFailed(
            Text("THRON answered 500 in every form of the request"),
            retry_after_s=_FAILED_AGAIN_S,
            received_status=HTTPStatus.INTERNAL_SERVER_ERROR,
        )
    return None
