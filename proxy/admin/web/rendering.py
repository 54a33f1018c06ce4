"""Pages from templates, in the reader's language and theme."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any

from aiohttp import web
from markupsafe import Markup

from proxy import __version__
from proxy.admin.auth import csrf
from proxy.admin.auth.request_context import CALLER, CONTEXT, Theme, keep_browser_id
from proxy.admin.onboarding import FIRST_STEPS, OnboardingStep
from proxy.admin.web import formatting, notices
from proxy.admin.web.assets import ASSETS
from proxy.admin.web.i18n import NAMES, Language, Words
from proxy.admin.web.kept_forms import RESTORED
from proxy.admin.web.navigation import NAVIGATION, NavigationEntry
from proxy.text import Text

TEMPLATES = Path(__file__).parent / "templates"

# Compressed where the browser takes it; of less the packing would cost more than it saves.
_WORTH_COMPRESSING = 1024


@dataclass(frozen=True, slots=True)
class Page:
    """What every template knows of its page.

    Attributes:
        path: Of the page, with its query, to come back to.
        language: Of its texts.
        theme: How it looks.
        csrf: The token of its forms.
        is_signed_in: Whether the navigation is shown.
        navigation: Where one can go, and which of them this is.
        notice: What was done on the page before, if anything.
        first_steps: The check-list of a new installation; empty once it is over.
    """

    path: str
    language: Language
    theme: Theme
    csrf: str
    is_signed_in: bool
    navigation: tuple[tuple[NavigationEntry, bool], ...]
    notice: Text | None
    first_steps: tuple[OnboardingStep, ...]


@cache
def environment() -> Any:
    """Return the ``jinja2.Environment`` of all pages."""
    from jinja2 import DictLoader, Environment, StrictUndefined

    # In memory, as those of another version, installed over this one while it runs, do not fit.
    files = sorted(TEMPLATES.iterdir())
    made = Environment(
        loader=DictLoader({each.name: each.read_text("utf-8") for each in files}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {
        "asset": ASSETS.url,
        "languages": NAMES,
        "themes": tuple(Theme),
        "version": __version__,
    }
    return made


def render(
    request: web.Request, template: str, *, status: int = 200, **values: Any
) -> web.Response:
    """Return a page.

    Args:
        request: That asks for it.
        template: A file of ``templates/``.
        status: Of the answer.
        values: What the template names. Besides, each knows ``t("English", name=...)`` and
            ``n("{number} thing", "{number} things", 7)`` for texts, ``number(7)``,
            ``time(moment)``, ``size(octets)`` and what else ``formatting`` has,
            ``asset("name.js")``, and ``page``.
    """
    context = request[CONTEXT]
    page = _page(request)
    text: str = (
        environment()
        .get_template(template)
        .render(**_said(Words(context.language)), page=page, **values)
    )
    response = web.Response(
        status=status,
        text=text,
        content_type="text/html",
        headers={"Cache-Control": "no-store", "Content-Language": context.language.value},
    )
    if len(text) > _WORTH_COMPRESSING:
        response.enable_compression()
    if context.is_new:
        keep_browser_id(response, context)
    if page.notice is not None:
        notices.drop(response, request)
    return response


def render_part(words: Words, template: str, **values: Any) -> Markup:
    """Return a part of a page, which knows all that ``render`` names but for ``page``."""
    text: str = environment().get_template(template).render(**_said(words), **values)
    return Markup(text)  # noqa: S704 - of our own templates, which escape what they are given


def see_other(path: str) -> web.Response:
    """Return the answer to a form that did its work: go and look there (RFC 9110, 15.4.4)."""
    return web.Response(status=303, headers={"Location": path, "Cache-Control": "no-store"})


def words(request: web.Request) -> Words:
    """Return the words in the reader's language."""
    return Words(request[CONTEXT].language)


def _said(words: Words) -> dict[str, Any]:
    def time(moment: datetime) -> Markup:
        return Markup('<time datetime="{}">{}</time>').format(_stamp(moment), words.time(moment))

    def day(moment: datetime) -> Markup:
        return Markup('<time class="day" datetime="{}">{}</time>').format(
            _stamp(moment), words.day(moment)
        )

    return {
        "t": words,
        "say": words.say,
        "n": words.count,
        "number": words.number,
        "time": time,
        "day": day,
        "ago": words.ago,
        "plain_time": words.time,
        "time_of_day": words.time_of_day,
        "stamp": _stamp,
        "locale": words.locale.replace("_", "-"),  # as BCP 47 writes it
        "size": partial(formatting.size, words=words),
        "rate": partial(formatting.rate, words=words),
        "span": partial(formatting.span, words=words),
        "share": partial(formatting.share, words=words),
    }


def _stamp(moment: datetime) -> str:
    """Return a moment as scripts read it."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _page(request: web.Request) -> Page:
    context, caller = request[CONTEXT], request.get(CALLER)
    session = caller.session if caller is not None else None
    return Page(
        path=request.path_qs if request.method == "GET" else request.path,
        language=context.language,
        theme=context.theme,
        csrf=csrf.token(session.id if session is not None else context.browser_id),
        is_signed_in=session is not None,
        navigation=tuple((place, place.holds(request.path)) for place in NAVIGATION),
        notice=_notice(request),
        first_steps=request.get(FIRST_STEPS, ()),
    )


def _notice(request: web.Request) -> Text | None:
    if request.get(RESTORED):
        return notices.TEXTS[notices.Notice.RESTORED]
    return notices.left(request) if request.method == "GET" else None
