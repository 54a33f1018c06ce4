"""What each of the five steps shows."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from aiohttp import web
from multidict import MultiMapping

from proxy.admin.auth.request_context import VISIT
from proxy.admin.set_up import Tenancy
from proxy.admin.web.connector_fields import Answer, ByWhat, DetailFields
from proxy.admin.web.connector_labels import TypeWord
from proxy.admin.web.connector_review import review
from proxy.admin.web.drafts import Draft, Step, suggested_slug
from proxy.admin.web.folder_rows import found_rows, rows, way
from proxy.admin.web.forms import Form
from proxy.connectors.folder_statistics import Figures
from proxy.connectors.folder_statistics_cache import Count
from proxy.connectors.folder_tree import Folder
from proxy.connectors.identifiers import PLAIN_NAMINGS, Naming
from proxy.connectors.impact import figures_of, is_from_legacy
from proxy.connectors.metadata_choices import Fitness, MetadataChoice
from proxy.connectors.model import (
    ALL_CONTENT_TYPES,
    Connector,
    Connectors,
    DeliveryMode,
    Identifier,
)
from proxy.settings import Settings

# A page waits so long for a census that has just begun; small folders are counted by then.
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
        tenancy: To ask THRON.
        settings: Of the connector.
        connectors: Those that there are.
    """

    request: web.Request
    given: MultiMapping[Any]
    step: Step
    draft: Draft
    form: Form[Any]
    tenancy: Tenancy
    settings: Settings
    connectors: Connectors

    @property
    def language(self) -> str:
        """The reader's."""
        return self.request[VISIT].language.value

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
    tree = await context.tenancy.tree()
    chosen = (
        await context.tenancy.folder(context.form.text("folder"))
        if context.form.text("folder")
        else None
    )
    if sought:
        tree, found, more = await context.tenancy.search(sought, language=context.language)
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
        "chosen_way": way(tree, chosen, language=context.language) if chosen else (),
        "is_shown": is_shown,
    }


async def types_view(context: StepContext) -> Values:
    """Show how many contents each type would bring."""
    folder, count = await _counted(context)
    if "go" not in context.given:
        context = context.typed("types", *TypeWord)
    census = count.census
    by_type = [
        (word, census.published([word.content_type]), census.unpublished([word.content_type]))
        for word in TypeWord
    ]
    return {
        "form": context.form,
        "folder": folder,
        "count": count,
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
    folder, count = await _counted(context)
    offered = await context.tenancy.metadata(count)
    connector = _connector(context, folder)
    by_fitness = {
        fitness: [
            _option(f"metadata:{each.key}", each.naming, count, connector, choice=each)
            for each in offered
            if each.fitness is fitness
        ]
        for fitness in Fitness
    }
    return {
        "form": context.typed("by", ByWhat.PRETTY_ID).form
        if "go" not in context.given
        else context.form,
        "folder": folder,
        "count": count,
        "plain": [_option(each.identifier.value, each, count, connector) for each in PLAIN_NAMINGS],
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
    proposal = await context.tenancy.proposal(wait_s=_WAIT_S)
    for name, default in (
        ("delivery", proposal.mode if proposal and proposal.mode else DeliveryMode.ORIGINAL),
        ("disposition", "attachment"),
        ("only_published", Answer.YES.value),
        ("max_age_s", "300"),
    ):
        context = context.typed(name, default)
    count = await _count(context, folder, wait_s=_CONFIRM_WAIT_S)
    connector = _detailed(await _named(context, _connector(context, folder), count), context.form)
    has_pkey = (await context.tenancy.thron.session()).pkey is not None
    return {
        "form": context.form,
        "folder": folder,
        "folder_way": way(await context.tenancy.tree(), folder, language=context.language),
        "connector": connector,
        "count": count,
        "is_guessed": context.settings.is_public_url_guessed,
        "proposal": proposal,
        "review": review(
            connector,
            count,
            settings=context.settings,
            others=connectors,
            has_pkey=has_pkey,
            language=context.language,
        ),
        "typed": context.given.get("confirm", ""),
    }


VIEWS: Mapping[Step, Callable[[StepContext], Awaitable[Values]]] = {
    Step.FOLDER: folder_view,
    Step.TYPES: types_view,
    Step.IDENTIFIER: identifier_view,
    Step.HTTPS: https_view,
    Step.REVIEW: review_view,
}


async def _folder(context: StepContext) -> Folder:
    found = await context.tenancy.folder(context.draft.value("folder"))
    if found is None:  # it was there when it was chosen
        raise web.HTTPSeeOther(context.draft.url(Step.FOLDER) + "&go=types")
    return found


async def _count(context: StepContext, folder: Folder, *, wait_s: float) -> Count:
    subfolders = context.draft.value("subfolders") != Answer.NO
    anew = context.given.get("go") == "recount"
    return await context.tenancy.count(folder.id, subfolders=subfolders, wait_s=wait_s, anew=anew)


async def _counted(context: StepContext) -> tuple[Folder, Count]:
    folder = await _folder(context)
    return folder, await _count(context, folder, wait_s=_WAIT_S)


def _connector(context: StepContext, folder: Folder) -> Connector:
    """Return the connector as far as the draft says, what is missing as usual."""
    draft = context.draft
    by = draft.value("by")
    types = frozenset(each.content_type for each in TypeWord if each in draft.values("types"))
    is_metadata = _identifier(by) is Identifier.METADATA
    key = draft.value("key") if by == ByWhat.OTHER else by.removeprefix("metadata:")
    return Connector.model_construct(
        slug=context.form.text("slug"),
        folder=folder.id,
        folder_id=folder.id,
        identifier=_identifier(by),
        metadata=key if is_metadata else None,
        subfolders=draft.value("subfolders") != Answer.NO,
        content_types=types or ALL_CONTENT_TYPES,
        force_https=draft.value("https") == Answer.YES,
    )


def _identifier(by: str) -> Identifier:
    if by.startswith("metadata:") or by == ByWhat.OTHER:
        return Identifier.METADATA
    return Identifier.CONTENT_ID if by == ByWhat.CONTENT_ID else Identifier.PRETTY_ID


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


async def _named(context: StepContext, connector: Connector, count: Count) -> Connector:
    """Return a connector with the classification of its metadata, if one is known."""
    if connector.identifier is not Identifier.METADATA:
        return connector
    offered = await context.tenancy.metadata(count)
    found = next((each for each in offered if each.key == connector.metadata), None)
    naming = found.naming if found is not None else None
    return connector.model_copy(
        update={"classification_id": naming.classification_id if naming else None}
    )


def _option(
    value: str,
    naming: Naming,
    count: Count,
    connector: Connector,
    *,
    choice: MetadataChoice | None = None,
) -> IdentifierOption:
    return IdentifierOption(
        value,
        figures_of(count, naming, connector),
        is_part=is_from_legacy(count, naming),
        choice=choice,
    )
