"""Access to the console: the password, open sessions, and tokens for machines."""

from dataclasses import dataclass
from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, Field, SecretStr

from proxy.admin.auth import cookies, passwords
from proxy.admin.auth.api_tokens import ApiTokens, NameTaken, NewToken
from proxy.admin.auth.login import Login, TooManyLogins
from proxy.admin.auth.passwords import Password
from proxy.admin.auth.request_context import CALLER, CONTEXT
from proxy.admin.auth.sessions import COOKIE, Sessions
from proxy.admin.web import forms, kept_forms, pages
from proxy.admin.web.forms import Form
from proxy.admin.web.login import NewPassword, too_many_logins, with_password_problem
from proxy.admin.web.notices import Notice, leave
from proxy.admin.web.rendering import render, see_other
from proxy.settings import Settings
from proxy.text import Text


class ChangePassword(NewPassword):
    """The form to change the password."""

    current: SecretStr = Field(default=SecretStr(""), max_length=1024)


class TokenForm(BaseModel):
    """The form to make a token."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    can_change: bool = False


class Revocation(BaseModel):
    """The button to revoke one."""

    id: int


@dataclass(frozen=True, slots=True)
class AccessPages:
    """The password, sessions and tokens."""

    settings: Settings
    password: Password
    login: Login
    sessions: Sessions
    tokens: ApiTokens

    @pages.get("/access")
    async def show(self, request: web.Request) -> web.Response:
        """Show the page."""
        return await self._page(request, token=kept_forms.restored(request, TokenForm))

    @pages.post("/access/password")
    async def change_password(self, request: web.Request) -> web.Response:
        """Set a new password; every session but this one ends."""
        if self.password.is_given:
            raise web.HTTPForbidden
        form = forms.read(await request.post(), ChangePassword)
        typed = form.value
        form = with_password_problem(form, not_=self.settings.client_id)
        if typed is not None and self.password.is_set:
            wrong = await self._wrong_password(request, typed.current.get_secret_value())
            form = form if wrong is None else form.with_problem(wrong, field="current")
        if form.value is None:
            return await self._page(request, password=form, status=422)
        await self.password.set(form.value.password.get_secret_value(), actor=request[CALLER].actor)
        response = leave(see_other("/access"), Notice.PASSWORD_CHANGED, request)
        await self.login.sign_in(request, response)
        return response

    @pages.post("/access/sign-out")
    async def sign_out_everywhere(self, request: web.Request) -> web.Response:
        """End every session, this one too."""
        await self.sessions.end_all(actor=request[CALLER].actor, client=request[CONTEXT].client)
        response = see_other("/login")
        cookies.forget(response, COOKIE, is_secure=request[CONTEXT].is_secure)
        return response

    @pages.post("/access/tokens", keeps=TokenForm, page="/access")
    async def make_token(self, request: web.Request) -> web.Response:
        """Make a token, and show it this once."""
        form = forms.read(await request.post(), TokenForm)
        if form.value is None:
            return await self._page(request, token=form, status=422)
        try:
            made = await self.tokens.make(
                form.value.name, can_change=form.value.can_change, actor=request[CALLER].actor
            )
        except NameTaken:
            taken = form.with_problem(
                Text("There is already a token with this name."), field="name"
            )
            return await self._page(request, token=taken, status=422)
        return await self._page(request, made=made)

    @pages.post("/access/tokens/revoke")
    async def revoke_token(self, request: web.Request) -> web.Response:
        """Revoke a token."""
        form = forms.read(await request.post(), Revocation)
        if form.value is None:
            raise web.HTTPBadRequest
        await self.tokens.revoke(form.value.id, actor=request[CALLER].actor)
        return leave(see_other("/access#tokens"), Notice.TOKEN_REVOKED, request)

    async def _wrong_password(self, request: web.Request, password: str) -> Text | None:
        """Return what is wrong with the password so far; a stolen session must not guess it."""
        try:
            is_right = await self.login.knows_password(request, password)
        except TooManyLogins as exc:
            return too_many_logins(exc)
        return None if is_right else Text("Wrong password.")

    async def _page(
        self,
        request: web.Request,
        *,
        password: Form[ChangePassword] | None = None,
        token: Form[TokenForm] | None = None,
        made: NewToken | None = None,
        status: int = 200,
    ) -> web.Response:
        return render(
            request,
            "access.html",
            status=status,
            password=password or forms.blank(),
            token=token or forms.blank(),
            made=made,
            tokens=await self.tokens.all(),
            sessions=await self.sessions.count(),
            is_given=self.password.is_given,
            is_set=self.password.is_set,
            least=passwords.LEAST_CHARACTERS,
        )
