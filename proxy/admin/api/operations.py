"""The JSON API: an operation is a method, and its annotations are the contract.

They check what comes in, they shape what goes out, and the OpenAPI document is made of them. A
method stands in the class of its noun, whose constructor gives it what it works with. Of its
parameters ``query`` and ``content`` are checked models, ``caller`` and ``request`` are who asks
and by what, and ``precondition`` is its If-Match; every other one is a variable segment of the
path.
"""

import inspect
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, TypeVar, get_type_hints

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from proxy.admin.api.preconditions import IfMatch
from proxy.admin.api.problems import ApiProblem, FieldProblem
from proxy.admin.auth.request_context import CALLER
from proxy.admin.validation import findings

_JSON = "application/json"
_NOT_IN_PATH = frozenset(
    {"self", "query", "content", "caller", "request", "precondition", "return"}
)


class Model(BaseModel):
    """What goes in and out: nothing unknown is taken."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Tagged(Model):
    """What is sent with an ETag, for an If-Match to name."""

    @property
    def entity_tag(self) -> str:
        """Its ETag field."""
        raise NotImplementedError


class Nothing(Model):
    """No query."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the API.

    Attributes:
        path: Such as ``/api/tokens/{id}``.
        tag: What it is about, for the document.
        handler: The method; what it returns is the answer, None for no content.
        hints: Types of the method's parameters and of its answer.
        status: Of a good answer.
        media_type: Of a good answer.
        problems: Statuses that it may answer with besides 400, 401, 403, 422 and 503.
        for_people: Whether machines are refused it, so that a token cannot make another.
    """

    method: str
    path: str
    tag: str
    handler: Callable[..., Awaitable[Any]]
    hints: dict[str, Any]
    status: int
    media_type: str
    problems: tuple[int, ...]
    for_people: bool

    @property
    def name(self) -> str:
        """The operationId: a verb and a thing."""
        first, *others = self.handler.__name__.split("_")
        return first + "".join(map(str.title, others))

    @property
    def summary(self) -> str:
        """One line."""
        return self._doc[0]

    @property
    def description(self) -> str:
        """More than the summary."""
        return " ".join(self._doc[2].split())

    @property
    def variables(self) -> tuple[str, ...]:
        """Parameters of the method that are variable segments of the path.

        ``id_`` is ``{id}`` there: a name of Python's own has a line after it.
        """
        return tuple(name for name in self.hints if name not in _NOT_IN_PATH)

    @property
    def query(self) -> type[BaseModel]:
        """What the query may hold."""
        model: type[BaseModel] = self.hints.get("query", Nothing)
        return model

    @property
    def content(self) -> type[BaseModel] | None:
        """What is to be sent."""
        return self.hints.get("content")

    @property
    def answer(self) -> type | None:
        """What is given back; None for no content, or for a media type of its own."""
        given: type = self.hints["return"]
        return None if given is type(None) or issubclass(given, web.StreamResponse) else given

    @property
    def is_conditional(self) -> bool:
        """Whether it heeds If-Match."""
        return "precondition" in self.hints

    @property
    def _doc(self) -> tuple[str, str, str]:
        return (inspect.getdoc(self.handler) or "").partition("\n\n")

    async def answered(self, noun: object, request: web.Request) -> web.StreamResponse:
        """Return the answer to a request.

        Args:
            noun: Whose method it is.
            request: Let in.
        """
        caller = request[CALLER]
        if self.for_people and caller.token is not None:
            raise ApiProblem(403, "Only somebody who has signed in can do this, not a token.")
        given: dict[str, Any] = {
            "query": _query(request, self.query),
            "content": None if self.content is None else await _content(request, self.content),
            "caller": caller,
            "request": request,
            "precondition": IfMatch.read(request.headers) if self.is_conditional else None,
            **{name: request.match_info[name.rstrip("_")] for name in self.variables},
        }
        taken = {name: value for name, value in given.items() if name in self.hints}
        answer = await self.handler(noun, **taken)
        if isinstance(answer, web.StreamResponse):
            return answer
        headers = {"Cache-Control": "no-store"}
        if self.answer is None:
            return web.Response(status=204, headers=headers)
        if isinstance(answer, Tagged):
            headers["ETag"] = answer.entity_tag
        body = adapter(self.answer).dump_json(answer)
        return web.Response(
            status=self.status, body=body, content_type=self.media_type, headers=headers
        )


H = TypeVar("H", bound=Callable[..., Awaitable[Any]])


def operation(
    method: str,
    path: str,
    *,
    tag: str,
    status: int = 200,
    media_type: str = _JSON,
    problems: tuple[int, ...] = (),
    for_people: bool = False,
) -> Callable[[H], H]:
    """Make a method an operation, as ``Operation`` has it; its docstring is the document's."""

    def declared(handler: H) -> H:
        hints = get_type_hints(handler, include_extras=True)
        made = Operation(
            method, path, tag, handler, hints, status, media_type, problems, for_people
        )
        handler.__dict__["operation"] = made
        return handler

    return declared


def operations(noun: type) -> Iterator[Operation]:
    """Give the operations of a noun's class, in their order."""
    for each in vars(noun).values():
        if inspect.isfunction(each) and "operation" in each.__dict__:
            yield each.__dict__["operation"]


def routes(noun: object) -> Iterator[web.RouteDef]:
    """Give the routes of a noun's operations."""
    for each in operations(type(noun)):
        yield web.route(each.method, each.path, partial(each.answered, noun))


@cache
def adapter(type_: type) -> TypeAdapter[Any]:
    """Return what gives a model, or a dataclass of ours, as JSON and as a schema."""
    return TypeAdapter(type_)


def _query(request: web.Request, model: type[BaseModel]) -> BaseModel:
    given = {
        name: values[0] if len(values) == 1 else values
        for name in request.query
        if (values := request.query.getall(name))
    }
    return _checked(model, given)


async def _content(request: web.Request, model: type[BaseModel]) -> BaseModel:
    if request.content_type != _JSON:
        raise ApiProblem(415, f"Send {_JSON}.")
    try:
        given = orjson.loads(await request.read())
    except orjson.JSONDecodeError as exc:
        raise ApiProblem(400, f"This is not JSON: {exc}.") from exc
    return _checked(model, given)


def _checked(model: type[BaseModel], given: Any) -> BaseModel:
    try:
        return model.model_validate(given)
    except ValidationError as exc:
        problems = [FieldProblem(".".join(place), str(text)) for place, text in findings(exc)]
        raise ApiProblem(422, "Some values are not valid.", problems=problems) from exc
