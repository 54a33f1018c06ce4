"""What each of the five steps shows."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from aiohttp import web
from multidict import MultiMapping

from proxy.admin.auth.request_context import CONTEXT
from proxy.admin.tenant_cache import TenantQueries
from proxy.admin.web.connector_fields import Answer, DetailFields, by_of, named_by
from proxy.admin.web.connector_review import review
from proxy.admin.web.drafts import Draft, DraftStep, suggested_slug
from proxy.admin.web.folder_rows import found_rows, rows
from proxy.admin.web.forms import Form
from proxy.connectors.folder_statistics import Figures, FolderStatistics
from proxy.connectors.folder_tree import Folder
from proxy.connectors.identifiers import PLAIN_NAMINGS, Naming
from proxy.connectors.metadata_choices import Fitness, MetadataChoice, classified
from proxy.connectors.model import (
    ALL_CONTENT_TYPES,
    Connector,
    Connectors,
    DeliveryMode,
)
from proxy.connectors.values import TypeWord
from proxy.settings import Settings

# A page waits so long for statistics that have just begun; small folders are counted by then.
_WAIT_S = 1.5
_CONFIRM_WAIT_S = 4.0


@dataclass(frozen=True, slots=True)
class StepContext:
    """Where somebody is on the way through the steps.

    Attributes:
        request: Of the page.
        given: The query, or the posted form.
        step: Which.
        draft: All that was given so far.
        form: Of this step.
        queries: To ask THRON.
        settings: Of the connector.
        connectors: Those that there are.
    """

    request: web.Request
    given: MultiMapping[Any]
    step: DraftStep
    draft: Draft
    form: Form[Any]
    queries: TenantQueries
    settings: Settings
    connectors: Connectors

    @property
    def language(self) -> str:
        """The reader's."""
        return self.request[CONTEXT].language.value

    def typed(self, name: str, *default: str) -> "StepContext":
        """Return the same with a default in a field that nothing was given for."""
        if self.form.typed.get(name):
            return self
        typed = {**self.form.typed, name: default}
        return replace(self, form=replace(self.form, typed=typed))


Values = Mapping[str, Any]


async def folder_view(context: StepContext) -> Values:
    """Show the tree, or what a search of it finds."""
    sought = context.draft.value("q").strip()
    context = context.typed("subfolders", Answer.YES)
    tree = await context.queries.tree()
    chosen = (
        await context.queries.folder(context.form.text("folder"))
        if context.form.text("folder")
        else None
    )
    if sought:
        tree, found, more = await context.queries.search(sought, language=context.language)
        shown = found_rows(tree, found, language=context.language)
    else:
        shown, more = rows(tree, context.draft.values("open"), language=context.language), 0
    is_shown = chosen is not None and any(row.folder == chosen for row in shown)
    return {
        "form": context.form,
        "rows": shown,
        "sought": sought,
        "more": more,
        "tree": tree,
        "chosen": chosen,
        "chosen_way": tree.names_to(chosen, language=context.language) if chosen else (),
        "is_shown": is_shown,
    }


async def types_view(context: StepContext) -> Values:
    """Show how many contents each type would bring."""
    folder, statistics = await _counted(context)
    if "go" not in context.given:
        context = context.typed("types", *TypeWord)
    by_type = [
        (
            word,
            statistics.listed.published([word.content_type]),
            statistics.listed.unpublished([word.content_type]),
        )
        for word in TypeWord
    ]
    return {
        "form": context.form,
        "folder": folder,
        "statistics": statistics,
        "by_type": by_type,
        "most": max((number for _, number, _ in by_type), default=0),
    }


@dataclass(frozen=True, slots=True)
class IdentifierOption:
    """An identifier to choose.

    Attributes:
        value: Of the field ``by``.
        name: What it is called; None for those that have a name of their own.
        figures: What it would do.
        is_part: Whether those are of the part that shows legacy metadata.
        choice: The metadata, if it is one.
        connector: With it, for its illustrative address.
    """

    value: str
    figures: Figures
    is_part: bool = False
    choice: MetadataChoice | None = None


async def identifier_view(context: StepContext) -> Values:
    """Show what each identifier would do."""
    folder, statistics = await _counted(context)
    offered = await context.queries.metadata(statistics)
    connector = _connector(context, folder)

    def option(naming: Naming, choice: MetadataChoice | None = None) -> IdentifierOption:
        return IdentifierOption(
            by_of(naming),
            statistics.figures(naming, connector.content_types),
            is_part=statistics.is_from_legacy(naming),
            choice=choice,
        )

    by_fitness = {
        fitness: [option(each.naming, each) for each in offered if each.fitness is fitness]
        for fitness in Fitness
    }
    first = by_of(PLAIN_NAMINGS[0])
    return {
        "form": context.form if "go" in context.given else context.typed("by", first).form,
        "folder": folder,
        "statistics": statistics,
        "plain": [option(each) for each in PLAIN_NAMINGS],
        "by_fitness": {key: value for key, value in by_fitness.items() if value},
    }


async def https_view(context: StepContext) -> Values:
    """Show what forcing HTTPS means here."""
    settings = context.settings
    default = Answer.of(settings.can_force_https and settings.public_base.startswith("https:"))
    return {
        "form": context.typed("https", default).form,
        "can_force_https": settings.can_force_https,
        "base": settings.public_base,
        "secure_base": settings.secure_base,
    }


async def review_view(context: StepContext) -> Values:
    """Show what the connector would be like."""
    folder = await _folder(context)
    connectors = context.connectors.all
    taken = {"new", *(each.slug for each in connectors)}
    context = context.typed("slug", suggested_slug(folder.name(context.language), taken=taken))
    proposal = await context.queries.proposal(wait_s=_WAIT_S)
    for name, default in (
        ("delivery", proposal.mode if proposal and proposal.mode else DeliveryMode.ORIGINAL),
        ("disposition", "attachment"),
        ("only_published", Answer.YES.value),
        ("max_age_s", "300"),
    ):
        context = context.typed(name, default)
    statistics = await _statistics(context, folder, wait_s=_CONFIRM_WAIT_S)
    offered = await context.queries.metadata(statistics)
    connector = _detailed(classified(_connector(context, folder), offered), context.form)
    has_pkey = (await context.queries.thron.session()).pkey is not None
    return {
        "form": context.form,
        "folder": folder,
        "folder_way": (await context.queries.tree()).names_to(folder, language=context.language),
        "connector": connector,
        "statistics": statistics,
        "is_guessed": context.settings.is_public_url_guessed,
        "proposal": proposal,
        "review": review(
            connector,
            statistics,
            settings=context.settings,
            others=connectors,
            has_pkey=has_pkey,
            language=context.language,
        ),
        "typed": context.given.get("confirm", ""),
    }


VIEWS: Mapping[DraftStep, Callable[[StepContext], Awaitable[Values]]] = {
    DraftStep.FOLDER: folder_view,
    DraftStep.TYPES: types_view,
    DraftStep.IDENTIFIER: identifier_view,
    DraftStep.HTTPS: https_view,
    DraftStep.REVIEW: review_view,
}


async def _folder(context: StepContext) -> Folder:
    found = await context.queries.folder(context.draft.value("folder"))
    if found is None:  # it was there when it was chosen
        raise web.HTTPSeeOther(context.draft.url(DraftStep.FOLDER) + "&go=types")
    return found


async def _statistics(context: StepContext, folder: Folder, *, wait_s: float) -> FolderStatistics:
    subfolders = context.draft.value("subfolders") != Answer.NO
    anew = context.given.get("go") == "recount"
    return await context.queries.statistics(
        folder.id, subfolders=subfolders, wait_s=wait_s, anew=anew
    )


async def _counted(context: StepContext) -> tuple[Folder, FolderStatistics]:
    folder = await _folder(context)
    return folder, await _statistics(context, folder, wait_s=_WAIT_S)


def _connector(context: StepContext, folder: Folder) -> Connector:
    """Return the connector as far as the draft says, what is missing as usual."""
    draft = context.draft
    identifier, metadata = named_by(draft.value("by"), draft.value("key") or None)
    types = frozenset(each.content_type for each in TypeWord if each in draft.values("types"))
    return Connector.model_construct(
        slug=context.form.text("slug"),
        folder=folder.id,
        folder_id=folder.id,
        identifier=identifier,
        metadata=metadata,
        subfolders=draft.value("subfolders") != Answer.NO,
        content_types=types or ALL_CONTENT_TYPES,
        force_https=draft.value("https") == Answer.YES,
    )


def _detailed(connector: Connector, form: Form[Any]) -> Connector:
    """Return a connector with what the last step says, where all of that can be read."""
    value = form.value
    if not isinstance(value, DetailFields):
        return connector
    return connector.model_copy(
        update={
            "host": value.host,
            "delivery": value.delivery,
            "only_published": value.only_published is Answer.YES,
        }
    )
