"""Problems of the JSON API, as RFC 9457 has them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import web

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """What is wrong with one value.

    Attributes:
        field: Its name, with dots where it lies deeper; empty for the whole.
        detail: In a sentence.
    """

    field: str
    detail: str


class ApiProblem(Exception):
    """An answer of the API that is not what was asked for.

    Attributes:
        status: Of the answer.
        detail: What is the matter, and what to do.
        problems: Of single values.
        fields: Header fields of the answer.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        problems: Sequence[FieldProblem] = (),
        fields: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.problems = tuple(problems)
        self.fields = dict(fields or {})

    def response(self) -> web.Response:
        """Return it as an answer."""
        document: dict[str, Any] = {
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
        }
        if self.problems:
            document["problems"] = [
                {"field": each.field, "detail": each.detail} for each in self.problems
            ]
        return web.Response(
            status=self.status,
            body=orjson.dumps(document),
            content_type=MEDIA_TYPE,
            headers={"Cache-Control": "no-store", **self.fields},
        )
