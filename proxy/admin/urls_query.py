"""What of the summary table is shown, as a page's or a call's query says it; pure."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Annotated, Any, Self
from urllib.parse import urlencode

from multidict import MultiMapping
from pydantic import BeforeValidator, Field, PrivateAttr

from proxy.admin.api.operations import Model
from proxy.admin.validation import lenient
from proxy.catalogue.collisions import AddressStatus
from proxy.catalogue.url_rows import Selection, Sort

NO_LANGUAGE = "-"
"""Stands for lines without a language."""

_PAGE = 50
_LARGEST = 500
# Of a page for people: with more it would be no light one.
_LARGEST_SHOWN = 250
# Offsets stay in what every database counts with.
_LAST = 1_000_000


class Order(StrEnum):
    """Which way lines are sorted."""

    UP = "asc"
    DOWN = "desc"


def several(value: Any) -> Any:
    """Return a parameter that may be repeated as a list, however often it is there."""
    return [value] if isinstance(value, str) else value


_Language = Annotated[str, Field(pattern=r"^(-|[a-z0-9_-]{1,64})$")]
_Type = Annotated[str, Field(pattern=r"^[A-Z_]{1,32}$")]


class LinesQuery(Model):
    """Which lines of the table."""

    q: str = Field(
        "", max_length=200, description="words to find in title, identifier or file name"
    )
    type: Annotated[frozenset[_Type], BeforeValidator(several)] = Field(
        frozenset(), max_length=10, description="VIDEO, IMAGE, AUDIO, OTHER"
    )
    language: Annotated[frozenset[_Language], BeforeValidator(several)] = Field(
        frozenset(), max_length=50, description="lower case; - for rows without one"
    )
    status: Annotated[frozenset[AddressStatus], BeforeValidator(several)] = Field(
        frozenset(), description="status; default: every one but removed"
    )
    sort: Sort = Sort.TITLE
    order: Order = Order.UP
    names: bool = Field(default=False, description="whether URLs end with the file name")

    @property
    def selection(self) -> Selection:
        """Return the lines that are asked for."""
        return Selection(
            search=self.q,
            types=frozenset(self.type),
            languages=frozenset("" if each == NO_LANGUAGE else each for each in self.language),
            statuses=frozenset(self.status),
        )

    @property
    def is_descending(self) -> bool:
        """Whether the sort is turned round."""
        return self.order is Order.DOWN


class UrlsQuery(LinesQuery):
    """Which page of the table."""

    page: int = Field(1, ge=1, le=_LAST)
    size: int = Field(_PAGE, ge=1, le=_LARGEST, description="rows per page")
    _usual: Mapping[str, Any] = PrivateAttr(default_factory=dict)

    @classmethod
    def lenient(cls, query: MultiMapping[str], **usual: Any) -> Self:
        """Return what a page's address says, what cannot be understood left out.

        Args:
            query: Of the address.
            usual: What holds where it says nothing, if that is not the default of the API.
        """
        found = lenient(cls, query, **usual)
        made = found.model_copy(update={"size": min(found.size, _LARGEST_SHOWN)})
        made._usual = usual  # noqa: SLF001 - of this class
        return made

    @property
    def offset(self) -> int:
        """How many lines come before the page."""
        return (self.page - 1) * self.size

    @property
    def is_narrowed(self) -> bool:
        """Whether lines are left out."""
        return bool(self.q or self.type or self.language or self.status)

    def href(self, path: str, **changed: Any) -> str:
        """Return the address of the table with some things changed; what is usual is left out.

        Args:
            path: Of the page.
            changed: By name; a change of what is shown leads to the first page.
        """
        first = {} if changed.keys() <= {"page"} else {"page": 1}
        shown = type(self).model_validate({**self.model_dump(), **first, **changed})
        shown._usual = self._usual  # noqa: SLF001 - of this class
        query = urlencode(shown.pairs())
        return f"{path}?{query}" if query else path

    def pairs(self, *, without: Iterable[str] = ()) -> list[tuple[str, str]]:
        """Return the query as fields of a form, without those that are as usual."""
        defaults = {name: each.default for name, each in type(self).model_fields.items()}
        usual = {**defaults, **self._usual}
        return [
            (name, text)
            for name, default in usual.items()
            if name not in without and (value := getattr(self, name)) != default
            for text in _texts(value)
        ]


def _texts(value: Any) -> list[str]:
    if isinstance(value, bool):
        return ["on" if value else "off"]
    if isinstance(value, frozenset):
        return sorted(str(each) for each in value)
    return [str(value)]
