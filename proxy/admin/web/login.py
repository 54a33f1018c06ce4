"""Signing in and out, and the first start: a link, and a password to choose."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, TypeVar

from aiohttp import web
from pydantic import BaseModel, Field, SecretStr

from proxy.admin.auth import cookies, passwords
from proxy.admin.auth.login import Login, TooManyLogins
from proxy.admin.auth.passwords import Password
from proxy.admin.auth.request_context import ADMINISTRATOR, CALLER, CONTEXT
from proxy.admin.auth.sessions import COOKIE, Sessions
from proxy.admin.auth.sign_in_links import SET_UP_LIVES_S, Purpose, SignInLinks
from proxy.admin.web import forms, pages
from proxy.admin.web.forms import Form
from proxy.admin.web.navigation import local
from proxy.admin.web.rendering import render, see_other
from proxy.catalogue import audit
from proxy.catalogue.database import Database
from proxy.settings import Settings
from proxy.text import Text


class SignIn(BaseModel):
    """The form of the sign-in page."""

    password: SecretStr = Field(min_length=1, max_length=1024)
    next: Annotated[str, Field(max_length=8192)] = "/"


class NewPassword(BaseModel):
    """A password that somebody chooses, typed twice."""

    password: SecretStr = Field(min_length=1)
    again: SecretStr = Field(min_length=1)


class SetUpForm(NewPassword):
    """The form of the first start."""

    link: SecretStr = Field(max_length=256)


N = TypeVar("N", bound=NewPassword)


@dataclass(frozen=True, slots=True)
class LoginPages:
    """Sign in, out, and for the first time."""

    settings: Settings
    database: Database
    password: Password
    links: SignInLinks
    sessions: Sessions
    login: Login
    monotonic: Callable[[], float]

    @pages.get("/login")
    async def show_sign_in(self, request: web.Request) -> web.Response:
        """Show the sign-in page, or where a link to set the password comes from."""
        if CALLER in request:
            return see_other("/")
        await self.password.read()
        form = forms.filled(SignIn(password=SecretStr("-"), next=request.query.get("next", "/")))
        return self._sign_in_page(request, form)

    @pages.post("/login")
    async def sign_in(self, request: web.Request) -> web.Response:
        """Check the password, and open a session under a new id."""
        context = request[CONTEXT]
        form = forms.read(await request.post(), SignIn)
        if form.value is None:
            return self._sign_in_page(request, form, status=422)
        try:
            is_right = await self.login.knows_password(
                request, form.value.password.get_secret_value()
            )
        except TooManyLogins as exc:
            early = form.with_problem(too_many_logins(exc))
            response = self._sign_in_page(request, early, status=429)
            response.headers["Retry-After"] = str(exc.retry_after_s)
            return response
        if not is_right:
            await audit.note(
                self.database, actor="nobody", action="sign-in failed", subject=context.client
            )
            wrong = form.with_problem(Text("Wrong password."), field="password")
            return self._sign_in_page(request, wrong, status=422)
        return await self._signed_in(request, local(form.value.next))

    @pages.post("/logout")
    async def sign_out(self, request: web.Request) -> web.Response:
        """End the session."""
        session = request[CALLER].session
        if session is not None:
            await self.sessions.end(session, actor=ADMINISTRATOR, client=request[CONTEXT].client)
        response = see_other("/login")
        cookies.forget(response, COOKIE, is_secure=request[CONTEXT].is_secure)
        return response

    @pages.get("/set-up")
    async def show_set_up(self, request: web.Request) -> web.Response:
        """Follow a link: the demo's signs in, that of the first start asks for a password."""
        link = request.query.get("link", "")
        purpose = self.links.purpose(link, now=self.monotonic())
        if purpose is Purpose.DEMO:
            response = see_other(local(request.query.get("next", "/")))
            await self.login.open_session(request, response)
            return response
        if purpose is None or await self._has_password():
            return render(request, "set_up_link_ended.html", status=410)
        return render(request, "set_up.html", form=forms.blank(), link=link, least=_least())

    @pages.post("/set-up")
    async def set_up(self, request: web.Request) -> web.Response:
        """Set the first password, end the link, and sign in."""
        posted = await request.post()
        form = forms.read(posted, SetUpForm)
        link = str(posted.get("link", ""))
        now = self.monotonic()
        is_good = self.links.purpose(link, now=now) is Purpose.SET_UP
        if not is_good or await self._has_password():
            return render(request, "set_up_link_ended.html", status=410)
        form = with_password_problem(form, not_=self.settings.client_id)
        if form.value is None:
            return render(request, "set_up.html", status=422, form=form, link=link, least=_least())
        if self.links.use(link, now=now) is None:
            return render(request, "set_up_link_ended.html", status=410)
        await self.password.set(form.value.password.get_secret_value(), actor="set-up link")
        # The next thing to do, unless the settings have done it.
        return await self._signed_in(request, "/" if self.settings.is_set_up else "/connection")

    async def _has_password(self) -> bool:
        """Tell whether there is a password meanwhile: no link goes before one."""
        await self.password.read()
        return self.password.is_set

    async def _signed_in(self, request: web.Request, path: str) -> web.Response:
        """Let somebody in who has just proved to know the password, and lead to a page."""
        response = see_other(path)
        await self.login.sign_in(request, response)
        return response

    def _sign_in_page(
        self, request: web.Request, form: Form[SignIn], *, status: int = 200
    ) -> web.Response:
        return render(
            request,
            "login.html",
            status=status,
            form=form,
            is_password_set=self.password.is_set,
            minutes=timedelta(seconds=SET_UP_LIVES_S) // timedelta(minutes=1),
        )


def with_password_problem(form: Form[N], *, not_: str | None) -> Form[N]:
    """Return a form with what is wrong with its new password; see ``passwords.problem``."""
    if form.value is None:
        return form
    password = form.value.password.get_secret_value()
    wrong = passwords.problem(password, not_=not_)
    if wrong is not None:
        return form.with_problem(wrong, field="password")
    if form.value.again.get_secret_value() != password:
        return form.with_problem(Text("The passwords do not match."), field="again")
    return form


def too_many_logins(exc: TooManyLogins) -> Text:
    """Return how long somebody has to wait."""
    return Text("Too many attempts. Try again in {seconds} s.", seconds=exc.retry_after_s)


def _least() -> int:
    return passwords.LEAST_CHARACTERS
