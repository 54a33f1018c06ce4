"""What of a link check is shown, as a page's or a call's query says it; pure."""

from typing import Any, Self
from urllib.parse import urlencode

from multidict import MultiMapping
from pydantic import Field

from proxy.admin.api.operations import Model
from proxy.admin.validation import lenient
from proxy.link_check.results import LinkStatus

_LAST = 1_000_000
# Of a page for people: with more it would be no light one.
_SHOWN = 50


class LinksQuery(Model):
    """Which lines, by what came of them."""

    show: LinkStatus = Field(LinkStatus.PROBLEMS, description="by the result of their last check")
    q: str = Field(
        "", max_length=200, description="words to find in title, identifier or file name"
    )
    page: int = Field(1, ge=1, le=_LAST)
    size: int = Field(_SHOWN, ge=1, le=500, description="rows per page")

    @classmethod
    def lenient(cls, query: MultiMapping[str], *, otherwise: LinkStatus) -> Self:
        """Return what a page's address says, what cannot be understood left out.

        Args:
            query: Of the address.
            otherwise: What is shown where it does not say.
        """
        found = lenient(cls, query, show=otherwise)
        return found.model_copy(update={"size": min(found.size, _SHOWN)})

    @property
    def offset(self) -> int:
        """How many lines come before the page."""
        return (self.page - 1) * self.size

    def href(self, path: str, **changed: Any) -> str:
        """Return the address of the page with some things changed."""
        first = {} if changed.keys() <= {"page"} else {"page": 1}
        shown = {"show": self.show, "q": self.q, "page": self.page, **first, **changed}
        pairs = [(name, str(value)) for name, value in shown.items() if value not in ("", 1)]
        return f"{path}?{urlencode(pairs)}"
