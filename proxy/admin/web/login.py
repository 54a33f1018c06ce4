"""Signing in and out, and the first start: a link, and a password to choose."""

from datetime import timedelta
from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, Field, SecretStr

from proxy.admin.auth import cookies, devices, passwords, sessions
from proxy.admin.auth.caller import ADMINISTRATOR, CALLER
from proxy.admin.auth.login import TooManyLogins
from proxy.admin.auth.one_time_links import SET_UP_LIVES_S, Purpose
from proxy.admin.auth.request_context import VISIT
from proxy.admin.parts import CONSOLE, Console
from proxy.admin.web import forms
from proxy.admin.web.forms import Form
from proxy.admin.web.i18n import Text
from proxy.admin.web.navigation import local
from proxy.admin.web.rendering import render, see_other


class SignIn(BaseModel):
    """The form of the sign-in page."""

    password: SecretStr = Field(min_length=1, max_length=1024)
    next: Annotated[str, Field(max_length=4096)] = "/"


class SetUp(BaseModel):
    """The form of the first start."""

    link: SecretStr = Field(max_length=256)
    password: SecretStr = Field(min_length=1)
    again: SecretStr = Field(min_length=1)


async def show_sign_in(request: web.Request) -> web.Response:
    """Show the sign-in page, or where a link to set the password comes from."""
    console = request.app[CONSOLE]
    if CALLER in request:
        return see_other("/")
    await console.password.read()
    form = forms.filled(SignIn(password=SecretStr("-"), next=request.query.get("next", "/")))
    return _sign_in_page(request, form)


async def sign_in(request: web.Request) -> web.Response:
    """Check the password, and open a session under a new id."""
    console, visit = request.app[CONSOLE], request[VISIT]
    form = forms.read(await request.post(), SignIn)
    if form.value is None:
        return _sign_in_page(request, form, status=422)
    try:
        is_right = await console.login.knows_password(
            request, form.value.password.get_secret_value()
        )
    except TooManyLogins as exc:
        early = form.with_problem(too_many_logins(exc))
        response = _sign_in_page(request, early, status=429)
        response.headers["Retry-After"] = str(exc.retry_after_s)
        return response
    if not is_right:
        await console.store.note(actor="nobody", action="sign-in failed", subject=visit.client)
        wrong = form.with_problem(Text("Wrong password."), field="password")
        return _sign_in_page(request, wrong, status=422)
    return await signed_in(request, local(form.value.next))


async def sign_out(request: web.Request) -> web.Response:
    """End the session."""
    session = request[CALLER].session
    if session is not None:
        await request.app[CONSOLE].sessions.end(
            session, actor=ADMINISTRATOR, client=request[VISIT].client
        )
    response = see_other("/login")
    cookies.forget(response, sessions.COOKIE, is_secure=request[VISIT].is_secure)
    return response


async def show_set_up(request: web.Request) -> web.Response:
    """Follow a link: the demo's signs in, that of the first start asks for a password."""
    console = request.app[CONSOLE]
    link = request.query.get("link", "")
    purpose = console.links.purpose(link, now=console.monotonic())
    if purpose is Purpose.DEMO:
        response = see_other(local(request.query.get("next", "/")))
        await open_session(request, response)
        return response
    if purpose is None or await _has_password(console):
        return render(request, "set_up_link_ended.html", status=410)
    return render(request, "set_up.html", form=forms.blank(), link=link, least=_least())


async def set_up(request: web.Request) -> web.Response:
    """Set the first password, end the link, and sign in."""
    console = request.app[CONSOLE]
    posted = await request.post()
    form = forms.read(posted, SetUp)
    link = str(posted.get("link", ""))
    now = console.monotonic()
    is_good = console.links.purpose(link, now=now) is Purpose.SET_UP
    if not is_good or await _has_password(console):
        return render(request, "set_up_link_ended.html", status=410)
    form = checked(form, console)
    if form.value is None:
        return render(request, "set_up.html", status=422, form=form, link=link, least=_least())
    if console.links.use(link, now=now) is None:
        return render(request, "set_up_link_ended.html", status=410)
    await console.password.set(
        form.value.password.get_secret_value(), at=console.now(), actor="set-up link"
    )
    return await signed_in(request, "/")


def checked(form: Form[SetUp], console: Console) -> Form[SetUp]:
    """Return a form with what is wrong with its new password."""
    if form.value is None:
        return form
    password = form.value.password.get_secret_value()
    wrong = passwords.problem(password, not_=console.parts.settings.client_id)
    if wrong is not None:
        return form.with_problem(wrong, field="password")
    if form.value.again.get_secret_value() != password:
        return form.with_problem(Text("The passwords do not match."), field="again")
    return form


async def _has_password(console: Console) -> bool:
    """Tell whether there is a password meanwhile: no link goes before one."""
    await console.password.read()
    return console.password.is_set


async def signed_in(request: web.Request, path: str) -> web.Response:
    """Open a session for somebody who has just proved to know the password, and lead to a page."""
    console = request.app[CONSOLE]
    response = see_other(path)
    await open_session(request, response)
    former = await console.login.device(request)
    cookies.keep(
        response,
        devices.COOKIE,
        await console.devices.remember(former=former),
        is_secure=request[VISIT].is_secure,
        max_age_s=int(devices.LIVES.total_seconds()),
    )
    return response


async def open_session(request: web.Request, response: web.Response) -> None:
    """Open a session under a new id, which a response hands out."""
    visit = request[VISIT]
    session = await request.app[CONSOLE].sessions.open(client=visit.client, actor=ADMINISTRATOR)
    sessions.keep(response, session, is_secure=visit.is_secure)


def too_many_logins(exc: TooManyLogins) -> Text:
    """Return how long somebody has to wait."""
    return Text("Too many attempts. Try again in {seconds} s.", seconds=exc.retry_after_s)


def _sign_in_page(request: web.Request, form: Form[SignIn], *, status: int = 200) -> web.Response:
    return render(
        request,
        "login.html",
        status=status,
        form=form,
        is_password_set=request.app[CONSOLE].password.is_set,
        minutes=timedelta(seconds=SET_UP_LIVES_S) // timedelta(minutes=1),
    )


def _least() -> int:
    return passwords.LEAST_CHARACTERS


ROUTES = (
    web.get("/login", show_sign_in),
    web.post("/login", sign_in),
    web.post("/logout", sign_out),
    web.get("/set-up", show_set_up),
    web.post("/set-up", set_up),
)
