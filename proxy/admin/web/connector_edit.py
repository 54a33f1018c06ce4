"""A connector on one page: changed once its consequences were shown, switched, removed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from multidict import MultiDict

from proxy.admin.auth.request_context import CALLER, CONTEXT
from proxy.admin.tenant_cache import TenantCache, TenantQueries
from proxy.admin.web import forms, kept_forms, pages
from proxy.admin.web.connector_differences import Difference, differences_told
from proxy.admin.web.connector_fields import (
    OTHER,
    UNPUBLISHED_HAS_NO_RENDITION,
    AllFields,
    Answer,
    by_of,
    fields_of,
    named_by,
)
from proxy.admin.web.connector_labels import IDENTIFIER_NAMES, NAMES
from proxy.admin.web.connector_review import review
from proxy.admin.web.connectors import document, folder_names
from proxy.admin.web.forms import Form
from proxy.admin.web.navigation import came_from, local
from proxy.admin.web.notices import Notice, leave
from proxy.admin.web.rendering import render, see_other
from proxy.connectors.addresses import Part, illustrative
from proxy.connectors.changes import Impact, conflicting_keys, differences, resolved, state_of
from proxy.connectors.document import export
from proxy.connectors.folder_tree import FolderTree
from proxy.connectors.identifiers import PLAIN_NAMINGS
from proxy.connectors.metadata_choices import MetadataChoice, classified
from proxy.connectors.model import Connector
from proxy.connectors.service import ConnectorService
from proxy.connectors.store import ConnectorStore, ConnectorWatch
from proxy.errors import ConfigurationError, ThronError
from proxy.hints import with_hint
from proxy.link_check.store import LinkCheckStore
from proxy.settings import Settings
from proxy.text import Text

_WAIT_S = 1.5
_CONFIRM_WAIT_S = 6.0

# More would make the page heavy; then the folder's id is typed.
_MOST_OPTIONS = 1000
_LONGEST_OPTION = 80


@dataclass(frozen=True, slots=True)
class Known:
    """What THRON tells for the page; nothing where it does not.

    Attributes:
        queries: To ask it.
        tree: Of folders.
        problem: Why it does not tell.
    """

    queries: TenantQueries | None = None
    tree: FolderTree | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class ConnectorEditPages:
    """Change, switch and remove a connector."""

    settings: Settings
    store: ConnectorStore
    watch: ConnectorWatch
    service: ConnectorService
    tenant_cache: TenantCache
    links: LinkCheckStore

    @pages.get("/connectors/{slug}/edit")
    async def show(self, request: web.Request) -> web.Response:
        """Show the fields."""
        connector = await self._connector(request)
        form = kept_forms.restored(request, AllFields) or forms.filled(fields_of(connector))
        return await self._page(request, connector, form)

    @pages.post("/connectors/{slug}/edit", keeps=AllFields)
    async def change(self, request: web.Request) -> web.Response:
        """Check the fields; where something breaks or becomes public, ask before it is saved."""
        old = await self._connector(request)
        posted = MultiDict(await request.post())
        posted["slug"] = old.slug
        form = self._judged(forms.read(posted, AllFields), old)
        fields = form.value
        if fields is None or posted.get("go") == "again":
            return await self._page(request, old, form, status=422 if form.problems else 200)
        if fields.state not in {"", state_of(old)}:
            return await self._conflict(request, posted, old)
        try:
            plan = await self.service.plan([fields.connector(old)], at_most_s=_CONFIRM_WAIT_S)
        except ConfigurationError as exc:
            for problem in exc.problems:
                form = form.with_problem(Text("{problem}", problem=problem))
            return await self._page(request, old, form, status=422)
        wrong = _unconfirmed(plan.impacts[0], posted)
        if wrong:
            is_first = posted.get("go") != "save"
            return await self._ask(request, plan.impacts[0], form, {} if is_first else wrong)
        notice = Notice.UNCHANGED if plan.is_nothing else _done(plan.impacts[0])
        is_still = plan.known.of_slug(old.slug) == old
        try:
            if is_still:
                await self.service.apply(plan, actor=request[CALLER].actor)
        except ConfigurationError:
            is_still = False
        if not is_still:  # somebody else was quicker, between the look at it above and now
            return await self._conflict(request, posted, await self._connector(request))
        return leave(see_other(f"/connectors/{old.slug}"), notice, request)

    @pages.get("/connectors/{slug}/{switch:enable|disable}")
    async def switch(self, request: web.Request) -> web.Response:
        """Show what switching the connector on or off does."""
        old = await self._connector(request)
        new = old.model_copy(update={"enabled": request.match_info["switch"] == "enable"})
        if new == old:
            return see_other("/connectors")
        [found] = (await self.service.plan([new], at_most_s=_CONFIRM_WAIT_S)).impacts
        fields = fields_of(new).model_copy(update={"state": state_of(old)})
        return await self._ask(request, found, forms.filled(fields), {})

    @pages.get("/connectors/{slug}/remove")
    async def show_removal(self, request: web.Request) -> web.Response:
        """Show what removing the connector does."""
        return await self._removal(request, await self._connector(request), ())

    @pages.post("/connectors/{slug}/remove")
    async def do_removal(self, request: web.Request) -> web.Response:
        """Remove the connector, if its name was typed."""
        connector = await self._connector(request)
        posted = await request.post()
        if str(posted.get("name", "")).strip() != connector.slug:
            wrong = Text("Type {name}, the connector's name.", name=connector.slug)
            return await self._removal(request, connector, (wrong,))
        is_still = posted.get("state") in {None, state_of(connector)}
        try:
            if is_still:
                await self.service.remove(
                    connector.slug, actor=request[CALLER].actor, planned_on=connector
                )
        except ConfigurationError:
            is_still = False
        if not is_still:
            wrong = Text("Somebody else has changed it meanwhile: look at what stops working now.")
            now = await self._connector(request)
            return await self._removal(request, now, (wrong,), status=409)
        return leave(see_other("/connectors"), Notice.REMOVED, request)

    @pages.get("/connectors/{slug}/export")
    async def export_one(self, request: web.Request) -> web.Response:
        """Send the connector as a TOML document."""
        connector = await self._connector(request)
        return document(export([connector]), f"{connector.slug}.toml")

    async def _connector(self, request: web.Request) -> Connector:
        connectors = await self.store.read()
        found = connectors.of_slug(request.match_info["slug"])
        if found is None:
            raise web.HTTPNotFound
        return found

    async def _known(self) -> Known:
        try:
            asked = self.tenant_cache.queries()
            return Known(asked, await asked.tree())
        except ThronError as exc:
            return Known(problem=with_hint(exc))
        except ConfigurationError as exc:
            return Known(problem=" ".join(exc.problems))

    def _judged(self, form: Form[AllFields], old: Connector) -> Form[AllFields]:
        """Return a form with what is wrong with it beyond its fields."""
        value = form.value
        if value is None:
            return form
        others = {each.slug: each for each in self.watch.connectors.all if each.slug != old.slug}
        for field, text in conflicting_keys(value.connector(old), others, is_new=False):
            form = form.with_problem(text, field=field)
        if value.lacks_renditions:
            form = form.with_problem(UNPUBLISHED_HAS_NO_RENDITION, field="only_published")
        if value.lacks_key:
            text = Text("Enter the key of a metadata field, such as sku.")
            form = form.with_problem(text, field="key")
        if value.https is Answer.YES and not self.settings.can_force_https:
            text = Text(
                "This needs HTTPS first: set TDC_TLS_CERT, TDC_TLS_KEY and TDC_TLS_LISTEN, or name"
                " the proxy in front in TDC_TRUSTED_PROXIES."
            )
            form = form.with_problem(text, field="https")
        return form

    async def _conflict(
        self, request: web.Request, posted: MultiDict[Any], saved: Connector
    ) -> web.Response:
        """Show the form as it was typed, and how the connector differs that was saved meanwhile.

        The form is of that one from now on, so that saving it once more is meant.
        """
        posted["state"] = state_of(saved)
        form = self._judged(forms.read(posted, AllFields), saved)
        told: tuple[Difference, ...] = ()
        if form.value is not None:
            typed = form.value.connector(saved)
            as_typed = typed.model_copy(update={"folder_id": typed.folder})
            typed = resolved(saved, typed) or as_typed
            names = await folder_names(self.tenant_cache, request)
            told = differences_told(saved, typed, differences(saved, typed), folders=names)
        return await self._page(request, saved, form, status=409, conflict=told)

    async def _page(
        self,
        request: web.Request,
        connector: Connector,
        form: Form[AllFields],
        *,
        status: int = 200,
        conflict: Sequence[Difference] | None = None,
    ) -> web.Response:
        known = await self._known()
        shown = connector if form.value is None else form.value.connector(connector)
        values: dict[str, Any] = {
            "review": None,
            "by_options": _by_options(request, (), form),
            "patterns": (),
        }
        if known.queries is not None and known.tree is not None:
            folder = known.tree.of(form.text("folder"))
            if folder is not None:
                statistics = await known.queries.statistics(
                    folder.id, subfolders=form.has("subfolders", "yes"), wait_s=_WAIT_S
                )
                offered = await known.queries.metadata(statistics)
                shown = classified(shown.model_copy(update={"folder_id": folder.id}), offered)
                values["by_options"] = options = _by_options(request, offered, form)
                values["patterns"] = [
                    (by, self._pattern(shown, by, form.text("key")))
                    for by in (*dict(options), OTHER)
                ]
                values["review"] = review(
                    shown,
                    statistics,
                    settings=self.settings,
                    language=request[CONTEXT].language.value,
                )
        return render(
            request,
            "connector_edit.html",
            status=status,
            **NAMES,
            connector=connector,
            form=form,
            known=known,
            folders=_folder_options(request, known.tree),
            can_force_https=self.settings.can_force_https,
            conflict=conflict,
            **await self._frame(request, connector),
            **values,
        )

    def _pattern(self, connector: Connector, by: str, key: str) -> tuple[Part, ...]:
        """Return what comes after the root of the addresses that an identifier would make."""
        identifier, metadata = named_by(by, key or None)
        named = {"identifier": identifier, "metadata": metadata or "…"}
        shown = connector.model_copy(update=named)
        return illustrative(self.settings.public_base, shown)[1:]

    async def _frame(self, request: web.Request, connector: Connector) -> dict[str, Any]:
        """Return what each page of the connector's settings has around it."""
        path = f"/connectors/{connector.slug}"
        if request.method == "POST":
            back = local(str((await request.post()).get("back", path)))
        else:
            referer = request.headers.get("Referer", "")
            back = came_from(referer, host=request.host, otherwise=path)
        return {"path": path, "back": back, "problems": await self.links.problems(connector)}

    async def _ask(
        self, request: web.Request, found: Impact, form: Form[AllFields], wrong: Mapping[str, Text]
    ) -> web.Response:
        for field, text in wrong.items():
            form = form.with_problem(text, field=field)
        assert found.old is not None  # noqa: S101 - a new connector has a page of its own
        assert found.new is not None  # noqa: S101 - a removal has one, too
        names = await folder_names(self.tenant_cache, request)
        return render(
            request,
            "connector_change.html",
            status=422 if wrong else 200,
            **NAMES,
            connector=found.old,
            found=found,
            form=form,
            **await self._frame(request, found.old),
            differences=differences_told(found.old, found.new, found.changed, folders=names),
            hidden=[(name, value) for name, values in form.typed.items() for value in values],
        )

    async def _removal(
        self,
        request: web.Request,
        connector: Connector,
        wrong: tuple[Text, ...],
        *,
        status: int = 422,
    ) -> web.Response:
        found = await self.service.plan_removal(connector)
        form: Form[AllFields] = Form(problems={"name": wrong} if wrong else {})
        return render(
            request,
            "connector_removal.html",
            status=status if wrong else 200,
            **NAMES,
            connector=connector,
            state=state_of(connector),
            found=found,
            form=form,
            **await self._frame(request, connector),
        )


def _done(found: Impact) -> Notice:
    """Return what is to be said of a change."""
    old, new = found.old, found.new
    if old is None or new is None or old.enabled == new.enabled:
        return Notice.SAVED
    return Notice.SWITCHED_ON if new.enabled else Notice.SWITCHED_OFF


def _unconfirmed(found: Impact, posted: Mapping[str, Any]) -> dict[str, Text]:
    """Return what has to be confirmed yet."""
    wrong: dict[str, Text] = {}
    if found.is_harmless:
        return wrong
    typed = str(posted.get("confirm", "")).strip()
    if found.public is not None and typed != str(found.public):
        wrong["confirm"] = Text(
            "Type {number}, the number of contents that will be public.", number=found.public
        )
    if found.broken.total and posted.get("accept") != str(found.broken.total):
        wrong["accept"] = Text("Tick this to continue.")
    if not found.is_exact and posted.get("inexact") != "on":
        wrong["inexact"] = Text("Tick this to continue.")
    return wrong


def _folder_options(request: web.Request, tree: FolderTree | None) -> list[tuple[str, str]] | None:
    """Return the folders to choose from, indented; None where there are none, or too many."""
    if tree is None or len(tree) > _MOST_OPTIONS:
        return None
    language = request[CONTEXT].language.value
    return [
        (folder.id, "\u2003" * depth + folder.name(language)[:_LONGEST_OPTION])
        for depth, folder in tree.each(language=language)
    ]


def _by_options(
    request: web.Request, offered: tuple[MetadataChoice, ...], form: Form[AllFields]
) -> list[tuple[str, Text | str]]:
    language = request[CONTEXT].language.value
    found: list[tuple[str, Text | str]] = [
        (by_of(each), IDENTIFIER_NAMES[each.identifier]) for each in PLAIN_NAMINGS
    ]
    for each in offered:
        name = each.name(language)
        shown = name if name == each.key else f"{name} ({each.key})"
        found.append((by_of(each.naming), shown))
    chosen = form.text("by")
    _, _, key = chosen.partition(":")
    if key and chosen not in dict(found):
        found.append((chosen, key))
    return found
