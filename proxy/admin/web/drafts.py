"""A connector on its way through the five steps; its values travel in the page's URL.

So going back, reloading and coming back tomorrow keep everything, with or without scripts, and
nothing is kept on the server that nobody may ever come back for.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, count
from typing import Any
from urllib.parse import urlencode

from multidict import MultiMapping

from proxy.admin.web import forms
from proxy.admin.web.connector_fields import (
    DetailFields,
    Fields,
    FolderFields,
    HttpsFields,
    IdentifierFields,
    TypesFields,
)
from proxy.admin.web.forms import Form
from proxy.connectors.values import is_slug
from proxy.text import Text


class DraftStep(StrEnum):
    """The steps in their order, named as in the path."""

    FOLDER = "folder"
    TYPES = "types"
    IDENTIFIER = "identifier"
    HTTPS = "https"
    REVIEW = "review"

    @property
    def path(self) -> str:
        """Where its page is."""
        return "/connectors/new" if self is DraftStep.FOLDER else f"/connectors/new/{self}"


STEPS = tuple(DraftStep)

STEP_NAMES = {
    DraftStep.FOLDER: Text("Folder"),
    DraftStep.TYPES: Text("Content types"),
    DraftStep.IDENTIFIER: Text("Identifier"),
    DraftStep.HTTPS: Text("HTTPS"),
    DraftStep.REVIEW: Text("Review"),
}

MODELS: dict[DraftStep, type[Fields]] = {
    DraftStep.FOLDER: FolderFields,
    DraftStep.TYPES: TypesFields,
    DraftStep.IDENTIFIER: IdentifierFields,
    DraftStep.HTTPS: HttpsFields,
    DraftStep.REVIEW: DetailFields,
}

# What a draft holds, and how the page of folders stands open.
_NAMES = tuple(dict.fromkeys(name for model in MODELS.values() for name in model.model_fields))
BROWSING = ("open", "q")

_LONGEST_SUGGESTION = 40


@dataclass(frozen=True, slots=True)
class Draft:
    """Names and values, as they were given; unknown names are left out."""

    given: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, query: MultiMapping[Any]) -> "Draft":
        """Return the draft that a query or a posted form holds."""
        names = (*_NAMES, *BROWSING)
        return cls(
            tuple(
                (name, value)
                for name in names
                for value in query.getall(name, ())
                if isinstance(value, str) and value
            )
        )

    def values(self, name: str) -> tuple[str, ...]:
        """Return the values of a name."""
        return tuple(value for each, value in self.given if each == name)

    def value(self, name: str) -> str:
        """Return the first value of a name, empty without any."""
        return next(iter(self.values(name)), "")

    def form(self, step: DraftStep, query: MultiMapping[Any]) -> Form[Any]:
        """Return the form of a step, read from the query."""
        return forms.read(query, MODELS[step])

    def carried(self, *, without: Collection[str]) -> tuple[tuple[str, str], ...]:
        """Return what a form carries along, hidden: all but its own fields."""
        return tuple(each for each in self.given if each[0] not in without)

    def url(self, step: DraftStep) -> str:
        """Return the address of a step with this draft."""
        kept = [each for each in self.given if step is DraftStep.FOLDER or each[0] not in BROWSING]
        return step.path + ("?" + urlencode(kept) if kept else "")

    def with_opened(self, folder_ids: Iterable[str]) -> "Draft":
        """Return the draft with these folders open."""
        rest = tuple(each for each in self.given if each[0] != "open")
        return Draft((*rest, *(("open", each) for each in dict.fromkeys(folder_ids))))


def own_fields(step: DraftStep) -> frozenset[str]:
    """Return the names of the fields that the page of a step shows."""
    browsing = BROWSING if step is DraftStep.FOLDER else ()
    return frozenset({*MODELS[step].model_fields, *browsing})


def first_incomplete(query: MultiMapping[Any], *, before: DraftStep) -> DraftStep | None:
    """Return the first step before one that is not filled in well; None if all are."""
    for step in STEPS[: STEPS.index(before)]:
        if forms.read(query, MODELS[step]).value is None:
            return step
    return None


def suggested_slug(name: str, *, taken: Collection[str]) -> str:
    """Return a slug for a folder's name that no connector has yet."""
    apart = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9]+", "-", apart).strip("-")[:_LONGEST_SUGGESTION].strip("-")
    slug = stem or "files"
    numbered = (f"{slug}-{number}" for number in count(2))
    return next(each for each in chain([slug], numbered) if is_slug(each) and each not in taken)
