"""The OpenAPI document: it says what the API does, which schemathesis tries."""

import asyncio
import contextlib
from functools import cache
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from jsonschema_rs import Draft202012Validator
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from proxy import __version__
from proxy.admin.api.openapi import document
from proxy.admin.api.operations import Operation
from tests.admin.nouns import OPERATIONS
from tests.running import Running
from tests.waiting import PATIENCE_S

CONFORMANCE = (
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)


def test_refers_to_what_is_there() -> None:
    """Every reference of the document leads to one of its schemas, and every schema is sound."""
    made = document(OPERATIONS, version=__version__)
    schemas = made["components"]["schemas"]
    assert {ref.rpartition("/")[2] for ref in _references(made)} <= schemas.keys()
    for schema in schemas.values():
        Draft202012Validator({**schema, "components": made["components"]})


def _references(part: object) -> set[str]:
    if isinstance(part, dict):
        own = {part["$ref"]} if isinstance(part.get("$ref"), str) else set()
        return own.union(*map(_references, part.values()))
    return set().union(*map(_references, part)) if isinstance(part, list) else set()


def test_secrets_are_written_only() -> None:
    """No answer has a place for the app key."""
    schemas = document(OPERATIONS, version=__version__)["components"]["schemas"]
    answers = {each.answer.__name__ for each in OPERATIONS if each.answer is not None}
    assert not [name for name in answers if "app_key" in schemas[name].get("properties", {})]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
async def test_it_holds(connector: Running, operation: Operation) -> None:
    """Whatever is sent, as the document says or against it, is answered as it says; no bug."""
    made = await connector.gateway.console.tokens.make("m", can_change=True, actor="test")
    for mode in GenerationMode:
        await asyncio.to_thread(
            _try, operation, mode, base=connector.gateway.admin_url, token=made.secret
        )


@cache
def _document() -> dict[str, Any]:
    return document(OPERATIONS, version=__version__)


def _try(operation: Operation, mode: GenerationMode, *, base: str, token: str) -> None:
    schema = schemathesis.openapi.from_dict(_document())
    strategy = schema[operation.path][operation.method].as_strategy(generation_mode=mode)

    @settings(
        max_examples=10,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def check(case: schemathesis.Case[Any]) -> None:
        # Which host is asked is HTTP's matter, not an operation's: any can be refused for it.
        case.headers.pop("Host", None)
        headers = {"Authorization": f"Bearer {token}"}
        response = case.call(base_url=base, headers=headers, timeout=PATIENCE_S)
        case.validate_response(response, checks=[not_a_server_error, *CONFORMANCE])

    with contextlib.suppress(Unsatisfiable):  # there may be nothing to send against the document
        check()
