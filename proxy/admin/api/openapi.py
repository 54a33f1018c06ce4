"""The OpenAPI document of the JSON API, made of its operations; pure.

https://spec.openapis.org/oas/v3.1.0
"""

import inspect
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core import core_schema

from proxy.admin.api import preconditions
from proxy.admin.api.operations import Nothing, Operation, Tagged, adapter
from proxy.admin.api.problems import MEDIA_TYPE
from proxy.admin.auth import csrf
from proxy.admin.auth.sessions import COOKIE

_REFS = "#/components/schemas/{model}"
_ALWAYS = (401, 503)

_IF_MATCH: dict[str, Any] = {
    "name": preconditions.FIELD,
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "example": '"5d41402abc4b2a76"',
    "description": "The ETag of the version that you read, exactly as you received it: if somebody"
    " has changed it since, the answer is 412, carries the ETag of the current version, and nothing"
    " happens. Read it again, make your change anew, and send the new ETag. Without this field the"
    " request goes ahead and overwrites what others have changed.",
}

_ETAG = {
    "ETag": {
        "schema": {"type": "string"},
        "description": "Names this version for If-Match; figures that only describe it, such as"
        " how many contents it has, do not change it.",
    }
}

_PROBLEM = {
    "type": "object",
    "description": "RFC 9457",
    "required": ["title", "status", "detail"],
    "properties": {
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "problems": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "detail"],
                "properties": {"field": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}


def document(operations: Sequence[Operation], *, version: str) -> dict[str, Any]:
    """Return the document.

    Args:
        operations: All that there are.
        version: Of the connector.
    """
    schemas = _schemas(operations)
    paths: dict[str, dict[str, Any]] = {}
    for each in operations:
        paths.setdefault(each.path, {})[each.method.lower()] = _operation(each, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "THRON Download Connector",
            "version": version,
            "description": "Everything that the console does. Machines send a bearer token that is"
            " made in the console under Access; pages send their session's cookie, and"
            f" {csrf.HEADER} where they change something.",
        },
        "paths": paths,
        "components": {
            "schemas": {**schemas, "Problem": _PROBLEM},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": COOKIE},
            },
        },
        "security": [{"token": []}, {"session": []}],
    }


class _Schemas(GenerateJsonSchema):
    """Says of a dataclass that is an answer what it says of a model: all of it, and no more."""

    def dataclass_schema(self, schema: core_schema.DataclassSchema) -> JsonSchemaValue:
        made = super().dataclass_schema(schema)
        for each in made["properties"].values():
            each.pop("default", None)
        summary = inspect.cleandoc(schema["cls"].__doc__ or "").partition("\n\n")[0]
        required = {"required": [*made["properties"]]} if made["properties"] else {}
        return made | required | {"description": summary, "additionalProperties": False}


def _schemas(operations: Sequence[Operation]) -> dict[str, Any]:
    used: dict[type, JsonSchemaMode] = {}
    for each in operations:
        used |= {each.query: "validation"}
        used |= {each.content: "validation"} if each.content is not None else {}
        used |= {each.answer: "serialization"} if each.answer is not None else {}
    _, found = TypeAdapter.json_schemas(
        [(each, mode, adapter(each)) for each, mode in used.items()],
        ref_template=_REFS,
        schema_generator=_Schemas,
    )
    queries = {each.query.__name__ for each in operations}  # told as parameters, one by one
    return {name: each for name, each in found.get("$defs", {}).items() if name not in queries}


def _operation(operation: Operation, schemas: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "parameters": _parameters(operation),
        "responses": _responses(operation),
    }
    if operation.description:
        made["description"] = operation.description
    if operation.for_people:
        made["security"] = [{"session": []}]
    if operation.content is not None:
        made["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": _ref(operation.content, schemas)}},
        }
    return made


def _ref(model: type, schemas: Mapping[str, Any]) -> dict[str, str]:
    if model.__name__ not in schemas:
        raise KeyError(model.__name__)  # two models of one name: give one of them another
    return {"$ref": _REFS.format(model=model.__name__)}


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    in_path = [
        {"name": name.rstrip("_"), "in": "path", "required": True, "schema": {"type": "string"}}
        for name in operation.variables
    ]
    if operation.is_conditional:
        in_path.append(_IF_MATCH)
    if operation.query is Nothing:
        return in_path
    schema = operation.query.model_json_schema(ref_template=_REFS)
    required = schema.get("required", ())
    return in_path + [
        {
            "name": name,
            "in": "query",
            "required": name in required,
            "schema": {key: value for key, value in each.items() if key != "description"},
            **({"description": each["description"]} if "description" in each else {}),
        }
        for name, each in schema["properties"].items()
    ]


def _responses(operation: Operation) -> dict[str, Any]:
    takes = operation.content is not None
    changes = operation.method not in {"GET", "HEAD"}
    statuses = {*_ALWAYS, *operation.problems, *((400, 415) if takes else ())}
    statuses |= {422} if takes or operation.query is not Nothing else set()
    statuses |= {400, 412} if operation.is_conditional else set()
    statuses |= {403} if changes or operation.for_people else set()
    problem = {MEDIA_TYPE: {"schema": {"$ref": _REFS.format(model="Problem")}}}
    found: dict[str, Any] = {
        str(status): {"description": HTTPStatus(status).phrase, "content": problem}
        for status in sorted(statuses)
    }
    good: dict[str, Any] = {"description": HTTPStatus(operation.status).phrase}
    if operation.answer is not None and issubclass(operation.answer, Tagged):
        good["headers"] = _ETAG
    if operation.answer is not None:
        schema = {"$ref": _REFS.format(model=operation.answer.__name__)}
        good["content"] = {operation.media_type: {"schema": schema}}
    elif operation.status != HTTPStatus.NO_CONTENT:
        good["content"] = {operation.media_type: {}}
    return {str(operation.status): good, **found}
