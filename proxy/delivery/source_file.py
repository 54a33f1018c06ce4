"""The source file from THRON's API (docs/thron.md 7.5), in whichever manner this tenant answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import aiohttp

from proxy.delivery.hops import Arrival, Fields, Hops, redirect_of
from proxy.delivery.suspicion import examined
from proxy.errors import (
    GatewayError,
    OriginAnswerInvalid,
    OriginGone,
    ThronAnswerInvalid,
    TokenRejected,
)
from proxy.thron.tokens import TokenKeeper

# What a server of files says to conditions and ranges on them: no error of THRON's.
_TO_CONDITIONS = frozenset({304, 412, 416})


class Manner(Enum):
    """How downloadSource may want its token: documented once, and only in part."""

    FIELD = "GET with X-TOKENID"
    QUERY = "GET with tokenId in the query"
    FORM = "POST with tokenId in a form"


@dataclass(frozen=True, slots=True)
class _Asked:
    """A source file that is asked for."""

    source: str
    fields: Fields
    file_name: str
    content_id: str


class SourceFiles:
    """Opens source files, and remembers the manner that worked."""

    def __init__(self, hops: Hops, thron: TokenKeeper) -> None:
        self._hops = hops
        self._thron = thron
        self._known: Manner | None = None

    async def open(
        self, source: str, *, fields: Fields, file_name: str, content_id: str = ""
    ) -> Arrival:
        """Return the answer with the file's bytes, from the API's host or from a storage.

        Args:
            source: A downloadSource URL, without token.
            fields: What goes along with the request.
            file_name: THRON's name of the file, to tell a JSON file from an error in JSON.
            content_id: Whose file it is.

        Raises:
            ThronRefused: The app has no share right on the content.
            ThronError: THRON cannot be logged in to, or answers with an error.
            OriginError: As ``Hops.send``; OriginGone if there is no such content.
        """
        asked = _Asked(source, fields, file_name, content_id)
        return await self._thron.with_token(lambda token: self._attempt(asked, token))

    async def _attempt(self, asked: _Asked, token: str) -> Arrival:
        failures: list[GatewayError] = []
        for manner in self._manners():
            try:
                response = await self._send(manner, asked, token)
                arrival = await self._arrival(response, asked)
            except (TokenRejected, ThronAnswerInvalid, OriginGone, OriginAnswerInvalid) as exc:
                failures.append(exc)
            else:
                self._known = manner
                return arrival
        # An expired token looks the same in every manner, and a new one may mend it: it goes first.
        raise next((exc for exc in failures if isinstance(exc, TokenRejected)), failures[-1])

    def _manners(self) -> Sequence[Manner]:
        return tuple(Manner) if self._known is None else (self._known,)

    async def _send(self, manner: Manner, asked: _Asked, token: str) -> aiohttp.ClientResponse:
        source, fields, content_id = asked.source, asked.fields, asked.content_id
        match manner:
            case Manner.FIELD:
                fields = [*fields, ("X-TOKENID", token)]
                return await self._hops.send("GET", source, fields=fields, content_id=content_id)
            case Manner.QUERY:
                url = f"{source}&tokenId={token}"
                return await self._hops.send("GET", url, fields=fields, content_id=content_id)
            case Manner.FORM:
                # The session adds no field by itself, and a form without its type is none.
                fields = [*fields, ("Content-Type", "application/x-www-form-urlencoded")]
                form = {"tokenId": token}
                return await self._hops.send(
                    "POST", source, fields=fields, form=form, content_id=content_id
                )

    async def _arrival(self, response: aiohttp.ClientResponse, asked: _Asked) -> Arrival:
        location = redirect_of(response)
        if location is not None:
            # To a storage with GET, without token and form, on 307 and 308 too.
            response.release()
            arrival = await self._hops.follow(
                "GET",
                location,
                fields=asked.fields,
                content_id=asked.content_id,
                is_from_api=True,
            )
            return Arrival(arrival.response, arrival.url, is_redirected=True)
        if response.status in _TO_CONDITIONS:
            return Arrival(response, asked.source, is_redirected=False)
        head, error = await examined(response, expected_name=asked.file_name)
        if error is not None:
            response.close()
            raise error
        return Arrival(response, asked.source, is_redirected=False, head=head)
