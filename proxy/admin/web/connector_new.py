"""A new connector in five steps, each a page of one form."""

from dataclasses import dataclass, replace
from typing import Any

from aiohttp import web
from multidict import MultiDict, MultiMapping

from proxy.admin.auth.request_context import CALLER
from proxy.admin.tenant_cache import TenantCache
from proxy.admin.web import forms, kept_forms, pages
from proxy.admin.web.connector_fields import (
    UNPUBLISHED_HAS_NO_RENDITION,
    AllFields,
    Answer,
)
from proxy.admin.web.connector_labels import NAMES
from proxy.admin.web.drafts import STEP_NAMES, STEPS, Draft, DraftStep, first_incomplete, own_fields
from proxy.admin.web.forms import Form
from proxy.admin.web.notices import Notice, leave
from proxy.admin.web.rendering import render, see_other
from proxy.admin.web.step_views import VIEWS, StepContext
from proxy.connectors.changes import conflicting_keys
from proxy.connectors.service import ConnectorService
from proxy.connectors.store import ConnectorStore, ConnectorWatch
from proxy.errors import ConfigurationError, NotConfigured, ThronError
from proxy.hints import with_hint
from proxy.settings import Settings
from proxy.text import Text

# The contents have been counted on the page before; a folder that is new since is counted again.
_WAIT_S = 6.0


@dataclass(frozen=True, slots=True)
class ConnectorNewPages:
    """The five steps."""

    settings: Settings
    store: ConnectorStore
    watch: ConnectorWatch
    service: ConnectorService
    tenant_cache: TenantCache

    @pages.get("/connectors/new")
    @pages.get(f"/connectors/new/{{step:{'|'.join(STEPS[1:])}}}")
    async def show(self, request: web.Request) -> web.Response:
        """Show a step; or, where a button asks for another, check this one and go there."""
        kept = kept_forms.restored(request, AllFields)
        if kept is not None:  # the last step's, and its own address holds all of it
            given = [(name, value) for name, values in kept.typed.items() for value in values]
            review = see_other(Draft.of(MultiDict(given)).url(DraftStep.REVIEW))
            return leave(review, Notice.RESTORED, request)
        step = DraftStep(request.match_info.get("step", DraftStep.FOLDER))
        draft = Draft.of(request.query)
        behind = first_incomplete(request.query, before=step)
        if behind is not None:
            return see_other(draft.url(behind))
        toggled = request.query.get("toggle")
        if toggled:
            opened = draft.values("open")
            others = [each for each in opened if each != toggled]
            return see_other(
                draft.with_opened(others if toggled in opened else [*opened, toggled]).url(step)
            )
        try:
            return await self._step(request, step, draft)
        except ThronError as exc:
            return _trouble(request, step, draft, exc)

    @pages.post("/connectors/new", keeps=AllFields)
    async def create(self, request: web.Request) -> web.Response:
        """Check everything once more, and make the connector."""
        posted = await request.post()
        draft = Draft.of(posted)
        step = DraftStep.REVIEW
        behind = first_incomplete(posted, before=step)
        if behind is not None:
            return see_other(draft.url(behind))
        go = posted.get("go")
        if go in list(DraftStep) or go == "look":
            return see_other(draft.url(DraftStep(go) if go in list(DraftStep) else step))
        try:
            context = self._context(request, posted, step, draft)
            return await self._create(context)
        except ThronError as exc:
            return _trouble(request, step, draft, exc)

    async def _step(self, request: web.Request, step: DraftStep, draft: Draft) -> web.Response:
        context = self._context(request, request.query, step, draft)
        go = request.query.get("go")
        if go not in list(DraftStep):
            is_asked = go is not None and go not in {"look", "recount"}
            if not is_asked:  # nobody has filled in the page yet: nothing is wrong with it
                context = replace(context, form=replace(context.form, problems={}))
            return await _page(context)
        if STEPS.index(DraftStep(go)) <= STEPS.index(step):
            return see_other(draft.url(DraftStep(go)))
        form = await _judged(context)
        if form.value is not None:
            return see_other(draft.url(DraftStep(go)))
        return await _page(replace(context, form=form), status=422)

    def _context(
        self, request: web.Request, given: MultiMapping[Any], step: DraftStep, draft: Draft
    ) -> StepContext:
        return StepContext(
            request,
            given,
            step,
            draft,
            draft.form(step, given),
            self.tenant_cache.queries(),
            self.settings,
            self.watch.connectors,
        )

    async def _create(self, context: StepContext) -> web.Response:
        form = context.form
        whole = forms.read(context.given, AllFields)
        if form.value is None or whole.value is None:
            return await _page(context, status=422)
        wanted = whole.value.connector()
        known = await self.store.read()
        for field, text in conflicting_keys(wanted, known.by_slug, is_new=True):
            form = form.with_problem(text, field=field)
        if whole.value.lacks_renditions:
            form = form.with_problem(UNPUBLISHED_HAS_NO_RENDITION, field="only_published")
        view = await VIEWS[DraftStep.REVIEW](context)
        public = view["review"].public
        if context.given.get("confirm", "").strip().replace(".", "").replace(",", "") != str(
            public
        ):
            text = Text("Type {number}, the number of contents that become public.", number=public)
            form = form.with_problem(text, field="confirm")
        if form.value is not None:
            try:
                plan = await self.service.plan([wanted], at_most_s=_WAIT_S)
                await self.service.apply(plan, actor=context.request[CALLER].actor)
            except ConfigurationError as exc:
                for problem in exc.problems:
                    form = form.with_problem(Text("{problem}", problem=problem))
            else:
                done = see_other(f"/connectors/{wanted.slug}")
                return leave(done, Notice.CREATED, context.request)
        return await _page(replace(context, form=form), status=422)


async def _judged(context: StepContext) -> Form[Any]:
    """Return the form of a step with what is wrong with it beyond its fields."""
    form, value = context.form, context.form.value
    if value is None:
        return form
    if context.step is DraftStep.FOLDER and await context.queries.folder(value.folder) is None:
        text = Text("The application cannot see this folder. Choose one of these.")
        return form.with_problem(text, field="folder")
    if context.step is DraftStep.IDENTIFIER and value.lacks_key:
        text = Text("Enter the key of a metadata field, such as sku.")
        return form.with_problem(text, field="key")
    can_force = context.settings.can_force_https
    if context.step is DraftStep.HTTPS and value.https is Answer.YES and not can_force:
        return form.with_problem(Text("This needs HTTPS first: see below."), field="https")
    return form


async def _page(context: StepContext, *, status: int = 200) -> web.Response:
    values = dict(await VIEWS[context.step](context))
    values["form"] = replace(values["form"], problems=context.form.problems)
    return render(
        context.request,
        f"connector_new_{context.step}.html",
        status=status,
        **_frame(context.step, context.draft),
        **values,
    )


def _trouble(
    request: web.Request, step: DraftStep, draft: Draft, problem: ThronError
) -> web.Response:
    return render(
        request,
        "connector_new_trouble.html",
        status=problem.status,
        **_frame(step, draft),
        is_connected=not isinstance(problem, NotConfigured),
        problem=with_hint(problem),
    )


def _frame(step: DraftStep, draft: Draft) -> dict[str, object]:
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
