"""A new connector in five steps, each a page of one form."""

from dataclasses import replace
from typing import Any

from aiohttp import web

from proxy.admin.auth.caller import CALLER
from proxy.admin.connector_saving import conflicting_fields, planned, save
from proxy.admin.set_up import tenancy
from proxy.admin.web import forms
from proxy.admin.web.connector_fields import (
    UNPUBLISHED_HAS_NO_RENDITION,
    AllFields,
    Answer,
    ByWhat,
)
from proxy.admin.web.connector_labels import NAMES
from proxy.admin.web.drafts import STEP_NAMES, STEPS, Draft, Step, first_incomplete, own_fields
from proxy.admin.web.forms import Form
from proxy.admin.web.i18n import Text
from proxy.admin.web.rendering import render, see_other
from proxy.admin.web.step_views import VIEWS, At
from proxy.connectors.store import ConnectorStore
from proxy.errors import ConfigurationError, NotConfigured, ThronError
from proxy.hints import with_hint


async def show(request: web.Request) -> web.Response:
    """Show a step; or, where a button asks for another, check this one and go there."""
    step = Step(request.match_info.get("step", Step.FOLDER))
    draft = Draft.of(request.query)
    behind = first_incomplete(request.query, before=step)
    if behind is not None:
        return see_other(draft.url(behind))
    toggled = request.query.get("toggle")
    if toggled:
        opened = draft.values("open")
        kept = [each for each in opened if each != toggled]
        return see_other(
            draft.with_opened(kept if toggled in opened else [*opened, toggled]).url(step)
        )
    try:
        return await _step(request, step, draft)
    except ThronError as exc:
        return _trouble(request, step, draft, exc)


async def create(request: web.Request) -> web.Response:
    """Check everything once more, and make the connector."""
    posted = await request.post()
    draft = Draft.of(posted)
    step = Step.REVIEW
    behind = first_incomplete(posted, before=step)
    if behind is not None:
        return see_other(draft.url(behind))
    go = posted.get("go")
    if go in list(Step) or go == "look":
        return see_other(draft.url(Step(go) if go in list(Step) else step))
    try:
        at = At(request, posted, step, draft, draft.form(step, posted), await tenancy(request.app))
        return await _create(at)
    except ThronError as exc:
        return _trouble(request, step, draft, exc)


async def _step(request: web.Request, step: Step, draft: Draft) -> web.Response:
    at = At(
        request,
        request.query,
        step,
        draft,
        draft.form(step, request.query),
        await tenancy(request.app),
    )
    go = request.query.get("go")
    if go not in list(Step):
        is_asked = go is not None and go not in {"look", "recount"}
        return await _page(at if is_asked else _unjudged(at))
    if STEPS.index(Step(go)) <= STEPS.index(step):
        return see_other(draft.url(Step(go)))
    form = await _judged(at)
    if form.value is not None:
        return see_other(draft.url(Step(go)))
    return await _page(replace(at, form=form), status=422)


async def _create(at: At) -> web.Response:
    form = at.form
    whole = forms.read(at.given, AllFields)
    if form.value is None or whole.value is None:
        return await _page(at, status=422)
    wanted = whole.value.connector()
    others = {
        each.slug: each for each in (await ConnectorStore(at.console.parts.database).read()).all
    }
    for field, text in conflicting_fields(wanted, others, is_new=True):
        form = form.with_problem(text, field=field)
    if whole.value.lacks_renditions:
        form = form.with_problem(UNPUBLISHED_HAS_NO_RENDITION, field="only_published")
    view = await VIEWS[Step.REVIEW](at)
    public = view["review"].public
    if at.given.get("confirm", "").strip().replace(".", "").replace(",", "") != str(public):
        text = Text("Type {number}, the number of contents that become public.", number=public)
        form = form.with_problem(text, field="confirm")
    if form.value is not None:
        try:
            found = await planned(at.console, wanted)
        except ConfigurationError as exc:
            for problem in exc.problems:
                form = form.with_problem(Text("{problem}", problem=problem))
        else:
            [connector] = found.connectors
            await save(at.console, connector, actor=at.request[CALLER].actor)
            return see_other(f"/connectors/{connector.slug}")
    return await _page(replace(at, form=form), status=422)


async def _judged(at: At) -> Form[Any]:
    """Return the form of a step with what is wrong with it beyond its fields."""
    form, value = at.form, at.form.value
    if value is None:
        return form
    if at.step is Step.FOLDER and await at.tenancy.folder(value.folder) is None:
        text = Text("The application cannot see this folder. Choose one of these.")
        return form.with_problem(text, field="folder")
    if at.step is Step.IDENTIFIER and value.by == ByWhat.OTHER and value.key is None:
        text = Text("Enter the key of a metadata field, such as sku.")
        return form.with_problem(text, field="key")
    can_force = at.console.parts.settings.can_force_https
    if at.step is Step.HTTPS and value.https is Answer.YES and not can_force:
        return form.with_problem(Text("This needs HTTPS first: see below."), field="https")
    return form


def _unjudged(at: At) -> At:
    """Return the same, as a page shows it that nobody has filled in yet."""
    return replace(at, form=replace(at.form, problems={}))


async def _page(at: At, *, status: int = 200) -> web.Response:
    values = dict(await VIEWS[at.step](at))
    values["form"] = replace(values["form"], problems=at.form.problems)
    return render(
        at.request,
        f"connector_new_{at.step}.html",
        status=status,
        **_frame(at.step, at.draft),
        **values,
    )


def _trouble(request: web.Request, step: Step, draft: Draft, problem: ThronError) -> web.Response:
    return render(
        request,
        "connector_new_trouble.html",
        status=problem.status,
        **_frame(step, draft),
        is_connected=not isinstance(problem, NotConfigured),
        problem=with_hint(problem),
    )


def _frame(step: Step, draft: Draft) -> dict[str, object]:
    number = STEPS.index(step)
    return {
        **NAMES,
        "step": step,
        "steps": [
            (STEP_NAMES[each], each is step, draft.url(each) if place < number else None)
            for place, each in enumerate(STEPS)
        ],
        "number_of_step": number + 1,
        "carried": draft.carried(without=own_fields(step)),
        "here": draft.url(step),
        "request_open": draft.values("open"),
        "previous": STEPS[number - 1] if number else None,
        "next": STEPS[number + 1] if number + 1 < len(STEPS) else None,
    }


_STEP = "|".join(STEPS[1:])

ROUTES = (
    web.get("/connectors/new", show),
    web.get(f"/connectors/new/{{step:{_STEP}}}", show),
    web.post("/connectors/new", create),
)
