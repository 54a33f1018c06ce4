"""The document of the JSON API, for machines and for people."""

from collections.abc import Sequence
from functools import cache
from itertools import groupby
from typing import Any

import orjson
from aiohttp import web

from proxy import __version__
from proxy.admin.api.openapi import document
from proxy.admin.api.operations import operations
from proxy.admin.web.rendering import render


def routes(nouns: Sequence[object]) -> list[web.RouteDef]:
    """Return the routes of the document of the nouns' operations, and of its page."""
    listed = [each for noun in nouns for each in operations(type(noun))]
    by_tag = [(tag, list(each)) for tag, each in groupby(listed, key=lambda one: one.tag)]

    @cache  # made when somebody first asks: it takes as long as half of a start
    def made() -> dict[str, Any]:
        return document(listed, version=__version__)

    async def machine(_request: web.Request) -> web.Response:
        response = web.Response(
            body=orjson.dumps(made(), option=orjson.OPT_INDENT_2),
            content_type="application/json",
            headers={"Cache-Control": "no-store"},
        )
        response.enable_compression()
        return response

    async def people(request: web.Request) -> web.Response:
        return render(
            request, "api.html", document=made(), by_tag=by_tag, base=request.url.origin()
        )

    return [web.get("/api/openapi.json", machine), web.get("/api", people)]
