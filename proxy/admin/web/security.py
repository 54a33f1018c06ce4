"""Access to the console: the password, open sessions, and tokens for machines."""

from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, Field, SecretStr

from proxy.admin.auth import cookies, passwords, sessions
from proxy.admin.auth.api_tokens import NewToken
from proxy.admin.auth.caller import CALLER
from proxy.admin.auth.login import TooManyLogins
from proxy.admin.auth.request_context import VISIT
from proxy.admin.parts import CONSOLE
from proxy.admin.store import NameTaken
from proxy.admin.web import forms
from proxy.admin.web.forms import Form
from proxy.admin.web.i18n import Text
from proxy.admin.web.login import signed_in, too_many_logins
from proxy.admin.web.rendering import render, see_other


class ChangePassword(BaseModel):
    """The form to change the password."""

    current: SecretStr = Field(default=SecretStr(""), max_length=1024)
    password: SecretStr = Field(min_length=1)
    again: SecretStr = Field(min_length=1)


class TokenForm(BaseModel):
    """The form to make a token."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    can_change: bool = False


class Revocation(BaseModel):
    """The button to revoke one."""

    id: int


async def show(request: web.Request) -> web.Response:
    """Show the page."""
    return await _page(request)


async def change_password(request: web.Request) -> web.Response:
    """Set a new password; every session but this one ends."""
    console = request.app[CONSOLE]
    if console.password.is_given:
        raise web.HTTPForbidden
    form = forms.read(await request.post(), ChangePassword)
    if form.value is not None:
        form = await _checked(request, form, form.value)
    if form.value is None:
        return await _page(request, password=form, status=422)
    await console.password.set(
        form.value.password.get_secret_value(), at=console.now(), actor=request[CALLER].actor
    )
    return await signed_in(request, "/access")


async def sign_out_everywhere(request: web.Request) -> web.Response:
    """End every session, this one too."""
    await request.app[CONSOLE].sessions.end_all(
        actor=request[CALLER].actor, client=request[VISIT].client
    )
    response = see_other("/login")
    cookies.forget(response, sessions.COOKIE, is_secure=request[VISIT].is_secure)
    return response


async def make_token(request: web.Request) -> web.Response:
    """Make a token, and show it this once."""
    console = request.app[CONSOLE]
    form = forms.read(await request.post(), TokenForm)
    if form.value is None:
        return await _page(request, token=form, status=422)
    try:
        made = await console.tokens.make(
            form.value.name, can_change=form.value.can_change, actor=request[CALLER].actor
        )
    except NameTaken:
        taken = form.with_problem(Text("There is already a token with this name."), field="name")
        return await _page(request, token=taken, status=422)
    return await _page(request, made=made)


async def revoke_token(request: web.Request) -> web.Response:
    """Revoke a token."""
    form = forms.read(await request.post(), Revocation)
    if form.value is None:
        raise web.HTTPBadRequest
    await request.app[CONSOLE].tokens.revoke(form.value.id, actor=request[CALLER].actor)
    return see_other("/access#tokens")


async def _checked(
    request: web.Request, form: Form[ChangePassword], value: ChangePassword
) -> Form[ChangePassword]:
    console = request.app[CONSOLE]
    new = value.password.get_secret_value()
    current = value.current.get_secret_value()
    if console.password.is_set:
        found = await _wrong_password(request, current)
        form = form if found is None else form.with_problem(found, field="current")
    wrong = passwords.problem(new, not_=console.parts.settings.client_id)
    if wrong is not None:
        form = form.with_problem(wrong, field="password")
    elif value.again.get_secret_value() != new:
        form = form.with_problem(Text("The passwords do not match."), field="again")
    return form


async def _wrong_password(request: web.Request, password: str) -> Text | None:
    """Return what is wrong with the password so far: a session that was taken must not guess it."""
    try:
        is_right = await request.app[CONSOLE].login.knows_password(request, password)
    except TooManyLogins as exc:
        return too_many_logins(exc)
    return None if is_right else Text("Wrong password.")


async def _page(
    request: web.Request,
    *,
    password: Form[ChangePassword] | None = None,
    token: Form[TokenForm] | None = None,
    made: NewToken | None = None,
    status: int = 200,
) -> web.Response:
    console = request.app[CONSOLE]
    return render(
        request,
        "access.html",
        status=status,
        password=password or forms.blank(),
        token=token or forms.blank(),
        made=made,
        tokens=await console.tokens.all(),
        sessions=await console.store.sessions(),
        is_given=console.password.is_given,
        is_set=console.password.is_set,
        least=passwords.LEAST_CHARACTERS,
    )


ROUTES = (
    web.get("/access", show),
    web.post("/access/password", change_password),
    web.post("/access/sign-out", sign_out_everywhere),
    web.post("/access/tokens", make_token),
    web.post("/access/tokens/revoke", revoke_token),
)
