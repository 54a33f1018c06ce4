"""Sends requests to THRON's API; aiohttp's errors become ours here."""

import asyncio
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import quote, urlencode

import aiohttp
import orjson
from yarl import URL

from proxy.errors import (
    CredentialsRefused,
    ThronAnswerInvalid,
    ThronRefused,
    ThronTimeout,
    ThronUnreachable,
    TokenRejected,
)
from proxy.semantics.dates import parse_retry_after
from proxy.semantics.headers import media_type
from proxy.text import Text
from proxy.thron.exchange import Question, Reply, Request
from proxy.thron.silence import Silence

T = TypeVar("T")

# A full page of 50 contents with long texts has under 2 MiB; more than this is no answer of
# THRON's, and would cost memory, and time in which nothing else is done.
LARGEST_ANSWER = 4 * 1024 * 1024
# Less is read in a fraction of a millisecond.
_LARGE = 16 * 1024

_FORM = "application/x-www-form-urlencoded"

_REFUSALS = (CredentialsRefused, ThronRefused, TokenRejected)


class Client:
    """Sends requests to the API of one tenant, so many at a time.

    It follows no redirect, retries nothing, and does not interpret what it carries.

    Args:
        http: The session of the API; not that of the bytes.
        api_url: Base of the tenant's API host, such as ``https://acme-view.thron.com``.
        max_concurrent: Requests at once; THRON documents no limit (docs/thron.md 11, row 24).
        total_timeout_s: Longest time for one request, waiting for its turn included.
        connect_timeout_s: Longest time for a connection, DNS and TLS included.
        on_reply: Called with every answer.
        answered: Called when THRON has answered a question, if only by refusing; not for a 5xx.
        observe: Called after every request with its service, the status or the name of the error,
            and the seconds that it took.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        *,
        api_url: str,
        max_concurrent: int = 8,
        total_timeout_s: float = 30,
        connect_timeout_s: float = 5,
        on_reply: Callable[[Request, Reply], None] | None = None,
        answered: Callable[[], None] = lambda: None,
        observe: Callable[[str, str, float], None] | None = None,
    ) -> None:
        self._http = http
        self._api_url = api_url.rstrip("/")
        self._turns = asyncio.Semaphore(max_concurrent)
        self._total_timeout_s = total_timeout_s
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=connect_timeout_s)
        self._silence = Silence()
        self._on_reply = on_reply
        self._answered = answered
        self._observe = observe

    @property
    def silent_s(self) -> float:
        """For how long THRON, asked something, has answered nothing at all."""
        return self._silence.seconds(asyncio.get_running_loop().time())

    async def ask(
        self, question: Question[T], *, token: str | None, at_most_s: float | None = None
    ) -> T:
        """Return the answer to a question.

        Raises:
            ThronError: As ``send`` and the question's deciphering do.
        """
        reply = await self.send(question.request, token=token, at_most_s=at_most_s)
        # That takes milliseconds: in a turn of the loop that others wait for no longer.
        is_large = len(reply.body) >= _LARGE
        if is_large:
            await asyncio.sleep(0)
        try:
            answer = question.decipher(reply)
        except _REFUSALS:
            self._answered()
            raise
        self._answered()
        if is_large:
            await asyncio.sleep(0)
        return answer

    async def send(
        self, request: Request, *, token: str | None, at_most_s: float | None = None
    ) -> Reply:
        """Send a request and return whatever is answered, of any status.

        A login has no token. ``at_most_s`` is the longest time for this request, where that is
        less than for others.

        Raises:
            ThronTimeout: No whole answer within the time.
            ThronUnreachable: No connection, no DNS, or a torn answer.
            ThronAnswerInvalid: An answer of more than 4 MiB, or that is no HTTP.
        """
        try:
            async with asyncio.timeout(at_most_s or self._total_timeout_s), self._turns:
                return await self._exchange(request, token=token)
        except TimeoutError as exc:  # ours, and aiohttp's for connecting
            raise ThronTimeout(
                Text("THRON did not answer {path} in time", path=request.path)
            ) from exc
        except aiohttp.ClientResponseError as exc:
            raise ThronAnswerInvalid(f"no HTTP answer: {type(exc).__name__}") from exc
        except ValueError as exc:  # aiohttp's and yarl's for a URL that is none
            raise ThronUnreachable(Text("the API's URL cannot be used; check TDC_API_URL")) from exc
        except aiohttp.ClientConnectorError as exc:  # quoted, as it holds no more than the host
            raise ThronUnreachable(
                Text("THRON cannot be reached: {error}", error=str(exc))
            ) from exc
        except (aiohttp.ClientError, OSError) as exc:
            raise ThronUnreachable(
                Text("THRON's connection failed: {error}", error=type(exc).__name__)
            ) from exc

    async def _exchange(self, request: Request, *, token: str | None) -> Reply:
        time = asyncio.get_running_loop().time
        is_heard, result = False, "left"
        began = time()
        self._silence.begin(began)
        try:
            reply = await self._reply(request, token=token)
        except TimeoutError:  # aiohttp's is an OSError too
            result = "timeout"
            raise
        except (aiohttp.ClientError, OSError, ThronAnswerInvalid) as exc:
            is_heard, result = True, type(exc).__name__
            raise
        else:
            is_heard, result = True, str(reply.status)
            if self._on_reply is not None:
                self._on_reply(request, reply)
            return reply
        finally:
            now = time()
            self._silence.end(now, is_heard=is_heard)
            if self._observe is not None:
                self._observe(request.service, result, now - began)

    async def _reply(self, request: Request, *, token: str | None) -> Reply:
        content = None
        fields = {"Accept": "text/plain" if request.is_text else "application/json"}
        if request.json is not None:
            content = orjson.dumps(request.json)
            fields["Content-Type"] = "application/json"
        elif request.method == "POST":
            content = urlencode(request.form, quote_via=quote, safe="").encode()
            fields["Content-Type"] = _FORM
        if token is not None:
            fields["X-TOKENID"] = token  # never in the URL (docs/thron.md 1.3)
        query = urlencode(request.query, quote_via=quote, safe="")
        async with self._http.request(
            request.method,
            URL(f"{self._api_url}{request.path}{'?' if query else ''}{query}", encoded=True),
            data=content,
            headers=fields,
            allow_redirects=False,
            auto_decompress=True,
            timeout=self._timeout,
        ) as response:
            body = bytearray()
            async for piece in response.content.iter_any():
                body += piece
                if len(body) > LARGEST_ANSWER:
                    raise ThronAnswerInvalid(Text("THRON's answer is larger than 4 MiB"))
            return Reply(
                status=response.status,
                media_type=media_type(response.headers.get("Content-Type")) or "",
                body=bytes(body),
                retry_after_s=parse_retry_after(
                    response.headers.get("Retry-After"), date=response.headers.get("Date")
                ),
                moved_to=_moved_to(response),
            )


def _moved_to(response: aiohttp.ClientResponse) -> str | None:
    """Return the base of another host that a redirect leads to."""
    location = response.headers.get("Location")
    if location is None:
        return None
    try:
        to = response.url.join(URL(location)).origin()
    except ValueError:
        return None
    return str(to) if to != response.url.origin() else None
