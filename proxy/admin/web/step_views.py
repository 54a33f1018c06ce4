"""What each of the five steps shows."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from aiohttp import web
from multidict import MultiMapping

from proxy.admin.auth.request_context import VISIT
from proxy.admin.parts import CONSOLE, Console
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
    DeliveryMode,
    Identifier,
)

# A page waits so long for a census that has just begun; small folders are counted by then.
_WAIT_S = 1.5
_CONFIRM_WAIT_S = 4.0


@dataclass(frozen=True, slots=True)
class At:
    """Where somebody is on the way through the steps.

    Attributes:
        request: Of the page.
        given: The query, or the posted form.
        step: Which.
        draft: All that was given so far.
        form: Of this step.
        tenancy: To ask THRON.
    """

    request: web.Request
    given: MultiMapping[Any]
    step: Step
    draft: Draft
    form: Form[Any]
    tenancy: Tenancy

    @property
    def console(self) -> Console:
        """The console's parts."""
        return self.request.app[CONSOLE]

    @property
    def language(self) -> str:
        """The reader's."""
        return self.request[VISIT].language.value

    def typed(self, name: str, *default: str) -> "At":
        """Return the same with a default in a field that nothing was given for."""
        if self.form.typed.get(name):
            return self
        typed = {**self.form.typed, name: default}
        return replace(self, form=replace(self.form, typed=typed))


Values = Mapping[str, Any]


async def folder_view(at: At) -> Values:
    """Show the tree, or what a search of it finds."""
    sought = at.draft.value("q").strip()
    at = at.typed("subfolders", Answer.YES)
    tree = await at.tenancy.tree()
    chosen = await at.tenancy.folder(at.form.text("folder")) if at.form.text("folder") else None
    if sought:
        tree, found, more = await at.tenancy.search(sought, language=at.language)
        shown = found_rows(tree, found, language=at.language)
    else:
        shown, more = rows(tree, at.draft.values("open"), language=at.language), 0
    is_shown = chosen is not None and any(row.folder == chosen for row in shown)
    return {
        "form": at.form,
        "rows": shown,
        "sought": sought,
        "more": more,
        "tree": tree,
        "chosen": chosen,
        "chosen_way": way(tree, chosen, language=at.language) if chosen else (),
        "is_shown": is_shown,
    }


async def types_view(at: At) -> Values:
    """Show how many contents each type would bring."""
    folder, count = await _counted(at)
    if "go" not in at.given:
        at = at.typed("types", *TypeWord)
    census = count.census
    by_type = [
        (word, census.published([word.content_type]), census.unpublished([word.content_type]))
        for word in TypeWord
    ]
    return {
        "form": at.form,
        "folder": folder,
        "count": count,
        "by_type": by_type,
        "most": max((number for _, number, _ in by_type), default=0),
    }


@dataclass(frozen=True, slots=True)
class Offer:
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


async def identifier_view(at: At) -> Values:
    """Show what each identifier would do."""
    folder, count = await _counted(at)
    offered = await at.tenancy.metadata(count)
    connector = _connector(at, folder)
    by_fitness = {
        fitness: [
            _offer(f"metadata:{each.key}", each.naming, count, connector, choice=each)
            for each in offered
            if each.fitness is fitness
        ]
        for fitness in Fitness
    }
    return {
        "form": at.typed("by", ByWhat.PRETTY_ID).form if "go" not in at.given else at.form,
        "folder": folder,
        "count": count,
        "plain": [_offer(each.identifier.value, each, count, connector) for each in PLAIN_NAMINGS],
        "by_fitness": {key: value for key, value in by_fitness.items() if value},
    }


async def https_view(at: At) -> Values:
    """Show what forcing HTTPS means here."""
    settings = at.console.parts.settings
    default = Answer.of(settings.can_force_https and settings.public_base.startswith("https:"))
    return {
        "form": at.typed("https", default).form,
        "can_force_https": settings.can_force_https,
        "base": settings.public_base,
        "secure_base": settings.secure_base,
    }


async def review_view(at: At) -> Values:
    """Show what the connector would be like."""
    folder = await _folder(at)
    connectors = at.console.watch.connectors.all
    taken = {"new", *(each.slug for each in connectors)}
    at = at.typed("slug", suggested_slug(folder.name(at.language), taken=taken))
    proposal = await at.tenancy.proposal(wait_s=_WAIT_S)
    for name, default in (
        ("delivery", proposal.mode if proposal and proposal.mode else DeliveryMode.ORIGINAL),
        ("disposition", "attachment"),
        ("only_published", Answer.YES.value),
        ("max_age_s", "300"),
    ):
        at = at.typed(name, default)
    count = await _count(at, folder, wait_s=_CONFIRM_WAIT_S)
    connector = _detailed(await _named(at, _connector(at, folder), count), at.form)
    has_pkey = (await at.tenancy.thron.session()).pkey is not None
    return {
        "form": at.form,
        "folder": folder,
        "folder_way": way(await at.tenancy.tree(), folder, language=at.language),
        "connector": connector,
        "count": count,
        "is_guessed": at.console.parts.settings.is_public_url_guessed,
        "proposal": proposal,
        "review": review(
            connector,
            count,
            settings=at.console.parts.settings,
            others=connectors,
            has_pkey=has_pkey,
            language=at.language,
        ),
        "typed": at.given.get("confirm", ""),
    }


VIEWS: Mapping[Step, Callable[[At], Awaitable[Values]]] = {
    Step.FOLDER: folder_view,
    Step.TYPES: types_view,
    Step.IDENTIFIER: identifier_view,
    Step.HTTPS: https_view,
    Step.REVIEW: review_view,
}


async def _folder(at: At) -> Folder:
    found = await at.tenancy.folder(at.draft.value("folder"))
    if found is None:  # it was there when it was chosen
        raise web.HTTPSeeOther(at.draft.url(Step.FOLDER) + "&go=types")
    return found


async def _count(at: At, folder: Folder, *, wait_s: float) -> Count:
    subfolders = at.draft.value("subfolders") != Answer.NO
    anew = at.given.get("go") == "recount"
    return await at.tenancy.count(folder.id, subfolders=subfolders, wait_s=wait_s, anew=anew)


async def _counted(at: At) -> tuple[Folder, Count]:
    folder = await _folder(at)
    return folder, await _count(at, folder, wait_s=_WAIT_S)


def _connector(at: At, folder: Folder) -> Connector:
    """Return the connector as far as the draft says, what is missing as usual."""
    draft = at.draft
    by = draft.value("by")
    types = frozenset(each.content_type for each in TypeWord if each in draft.values("types"))
    is_metadata = _identifier(by) is Identifier.METADATA
    key = draft.value("key") if by == ByWhat.OTHER else by.removeprefix("metadata:")
    return Connector.model_construct(
        slug=at.form.text("slug"),
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


async def _named(at: At, connector: Connector, count: Count) -> Connector:
    """Return a connector with the classification of its metadata, if one is known."""
    if connector.identifier is not Identifier.METADATA:
        return connector
    offered = await at.tenancy.metadata(count)
    found = next((each for each in offered if each.key == connector.metadata), None)
    naming = found.naming if found is not None else None
    return connector.model_copy(
        update={"classification_id": naming.classification_id if naming else None}
    )


def _offer(
    value: str,
    naming: Naming,
    count: Count,
    connector: Connector,
    *,
    choice: MetadataChoice | None = None,
) -> Offer:
    return Offer(
        value,
        figures_of(count, naming, connector),
        is_part=is_from_legacy(count, naming),
        choice=choice,
    )
