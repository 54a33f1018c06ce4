"""The JSON API as a table: what each operation takes and gives, and how it is called.

An operation's models are the contract: they check what comes in, they shape what goes out, and
the OpenAPI document is made of them.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

from proxy.admin.api.problems import FieldProblem, Problem
from proxy.admin.auth.caller import CALLER, Caller
from proxy.admin.parts import CONSOLE, Console
from proxy.admin.validation import findings

_JSON = "application/json"


class Model(BaseModel):
    """What goes in and out: nothing unknown is taken."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Nothing(Model):
    """No content, or no query."""


Q = TypeVar("Q", bound=BaseModel)
B = TypeVar("B", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Call(Generic[Q, B]):
    """One call of an operation.

    Attributes:
        console: The parts to work with.
        caller: Who asks; its ``actor`` is for the audit.
        path: The variable segments of the path.
        query: Checked.
        content: Checked.
        request: For what streams its answer.
    """

    console: Console
    caller: Caller
    path: Mapping[str, str]
    query: Q
    content: B
    request: web.Request = field(repr=False)


Answer = BaseModel | web.StreamResponse | None


@dataclass(frozen=True, slots=True)
class Operation(Generic[Q, B]):
    """One operation of the API.

    Attributes:
        method: Of HTTP.
        path: Such as ``/api/tokens/{id}``.
        name: The operationId: a verb and a thing.
        tag: What it is about, for the document.
        summary: One line.
        handler: Does it; what it returns is the answer, None for no content.
        query: What the query may hold.
        content: What is to be sent.
        answer: What is given back; None for no content, or for a media type of its own.
        status: Of a good answer.
        media_type: Of a good answer.
        problems: Statuses that it may answer with besides 400, 401, 403, 422 and 503.
        for_people: Whether machines are refused it, so that a token cannot make another.
        description: More than the summary.
    """

    method: str
    path: str
    name: str
    tag: str
    summary: str
    handler: Callable[[Call[Q, B]], Awaitable[Answer]]
    query: type[Q]
    content: type[B]
    answer: type[BaseModel] | None = None
    status: int = 200
    media_type: str = _JSON
    problems: tuple[int, ...] = ()
    for_people: bool = False
    description: str = ""

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the path's variable segments."""
        return tuple(re.findall(r"{(\w+)}", self.path))

    def route(self) -> web.RouteDef:
        """Return the operation as a route."""
        return web.route(self.method, self.path, self._answer)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        caller = request[CALLER]
        if self.for_people and caller.token is not None:
            raise Problem(403, "Only somebody who has signed in may do this, not a token.")
        call = Call(
            console=request.app[CONSOLE],
            caller=caller,
            path=dict(request.match_info),
            query=_query(request, self.query),
            content=await _content(request, self.content),
            request=request,
        )
        return self._response(await self.handler(call))

    def _response(self, answer: Answer) -> web.StreamResponse:
        if isinstance(answer, web.StreamResponse):
            return answer
        headers = {"Cache-Control": "no-store"}
        if answer is None:
            return web.Response(status=204, headers=headers)
        body = answer.model_dump_json().encode()
        return web.Response(
            status=self.status, body=body, content_type=self.media_type, headers=headers
        )


def _query(request: web.Request, model: type[Q]) -> Q:
    given = {
        name: values[0] if len(values) == 1 else values
        for name in request.query
        if (values := request.query.getall(name))
    }
    return _checked(model, given)


async def _content(request: web.Request, model: type[B]) -> B:
    if model is Nothing:
        return model()
    if request.content_type != _JSON:
        raise Problem(415, f"Send {_JSON}.")
    try:
        given = orjson.loads(await request.read())
    except orjson.JSONDecodeError as exc:
        raise Problem(400, f"This is not JSON: {exc}.") from exc
    return _checked(model, given)


T = TypeVar("T", bound=BaseModel)


def _checked(model: type[T], given: Any) -> T:
    try:
        return model.model_validate(given)
    except ValidationError as exc:
        problems = [FieldProblem(".".join(place), str(text)) for place, text in findings(exc)]
        raise Problem(422, "Some values cannot be taken.", problems=problems) from exc
