"""Have what is remembered of addresses forgotten, so that THRON is asked anew."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aiohttp import web
from pydantic import BaseModel, Field

from proxy.admin.auth.request_context import CALLER
from proxy.admin.purging import By, NotPurgeable, PurgeRequest, purge_of
from proxy.admin.web import forms, kept_forms, pages
from proxy.admin.web.forms import Form
from proxy.admin.web.rendering import render, see_other
from proxy.catalogue.database import Database
from proxy.catalogue.purges import PurgeStore
from proxy.catalogue.sync import RUNS_TO_FULL
from proxy.connectors.store import ConnectorWatch
from proxy.edge.sender import PurgeSender
from proxy.settings import Settings
from proxy.tenant import Resolutions
from proxy.text import Text


class PurgeForm(PurgeRequest):
    """The form, the second time with the word that it is meant."""

    is_confirmed: bool = Field(default=False)


class HookForm(BaseModel):
    """Which cache is to be tried."""

    hook: str = Field(max_length=63)


# What it is called, for the question before it is done.
QUESTIONS: Mapping[By, Text] = {
    By.URL: Text("Purge this address?"),
    By.CONTENT: Text("Purge every address of this content?"),
    By.CONNECTOR: Text("Purge every address of this connector?"),
    By.ALL: Text("Purge every address?"),
}


@dataclass(frozen=True, slots=True)
class PurgePages:
    """Order purges."""

    settings: Settings
    database: Database
    resolutions: Callable[[], Resolutions]
    watch: ConnectorWatch
    sender: PurgeSender

    @pages.get("/purge")
    async def show(self, request: web.Request) -> web.Response:
        """Show the page; ``?by=url&value=...`` fills it in."""
        kept = kept_forms.restored(request, PurgeForm)
        if kept is not None:
            return await self._page(request, kept)
        asked = {
            name: request.query.getall(name) for name in ("by", "value") if name in request.query
        }
        typed = {name: tuple(values) for name, values in asked.items()}
        return await self._page(request, Form(typed=typed), is_done="done" in request.query)

    @pages.post("/purge", keeps=PurgeForm)
    async def order(self, request: web.Request) -> web.Response:
        """Ask whether it is meant, and once it is have it done."""
        form = forms.read(await request.post(), PurgeForm)
        if form.value is None:
            return await self._page(request, form, status=422)
        try:
            purge = purge_of(
                form.value,
                base=self.settings.public_base,
                connectors=self.watch.connectors,
            )
        except NotPurgeable as exc:
            return await self._page(request, form.with_problem(exc.text, field="value"), status=422)
        if not form.value.is_confirmed:
            return render(
                request,
                "purge_question.html",
                order=form.value,
                question=QUESTIONS[form.value.by],
                remembered=self._remembered(),
            )
        await PurgeStore(self.database).order(purge, actor=request[CALLER].actor)
        return see_other("/purge?done")

    @pages.post("/purge/try")
    async def try_hook(self, request: web.Request) -> web.Response:
        """Send a hook's request for a tag that nothing bears, and show what came of it."""
        form = forms.read(await request.post(), HookForm)
        try:
            name = form.value.hook if form.value is not None else ""
            problem = await self.sender.try_hook(name)
        except KeyError as exc:
            raise web.HTTPNotFound from exc
        return await self._page(request, forms.blank(), tested=(name, problem))

    def _remembered(self) -> int:
        return self.resolutions().remembered

    async def _page(
        self,
        request: web.Request,
        form: Form[PurgeForm],
        *,
        is_done: bool = False,
        tested: tuple[str, str | None] | None = None,
        status: int = 200,
    ) -> web.Response:
        return render(
            request,
            "purge.html",
            status=status,
            form=form,
            blank=forms.blank(),
            options=[(each.slug, each.slug) for each in self.watch.connectors.all],
            is_done=is_done,
            hooks=await self.sender.states(),
            tested=tested,
            seen_within_s=math.ceil(self.settings.resolution_ttl_s),
            listed_within_min=math.ceil(RUNS_TO_FULL * self.settings.sync_interval_s / 60),
            remembered=self._remembered(),
        )
