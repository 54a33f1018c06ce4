"""Language and theme, chosen in the header of every page."""

from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, Field

from proxy.admin.auth.request_context import (
    CONTEXT,
    LANGUAGE_COOKIE,
    THEME_COOKIE,
    Theme,
    keep,
)
from proxy.admin.web import forms, pages
from proxy.admin.web.i18n import Language
from proxy.admin.web.navigation import local
from proxy.admin.web.rendering import see_other


class Preferences(BaseModel):
    """What was chosen, and the page to come back to."""

    language: Language | None = None
    theme: Theme | None = None
    back: Annotated[str, Field(max_length=4096)] = "/"


class PreferencesPages:
    """What the header of every page chooses."""

    @pages.post("/preferences")
    async def choose(self, request: web.Request) -> web.Response:
        """Keep a choice, and go back."""
        form = forms.read(await request.post(), Preferences)
        if form.value is None:
            raise web.HTTPBadRequest
        is_secure = request[CONTEXT].is_secure
        response = see_other(local(form.value.back))
        if form.value.language is not None:
            keep(response, LANGUAGE_COOKIE, form.value.language.value, is_secure=is_secure)
        if form.value.theme is not None:
            keep(response, THEME_COOKIE, form.value.theme.value, is_secure=is_secure)
        return response
