"""How somebody likes the summary table: its columns, its rows a page, file names in URLs.

The browser keeps it in a cookie, so that it holds for every connector and the next visit.
"""

from enum import StrEnum
from typing import Annotated, Literal, Self

from aiohttp import web
from pydantic import BaseModel, BeforeValidator, ValidationError

from proxy.admin.auth.cookies import read as read_cookie
from proxy.admin.auth.request_context import CONTEXT

TABLE_COOKIE = "tdc_table"

SIZES = (50, 100, 250)


class Column(StrEnum):
    """A column that can be hidden; title and URL are always there."""

    THUMBNAIL = "thumbnail"
    TYPE = "type"
    LANGUAGE = "language"
    IDENTIFIER = "identifier"
    STATUS = "status"
    SIZE = "size"
    MEDIA_TYPE = "media_type"
    MODIFIED = "modified"
    UPDATED = "updated"
    FILE_NAME = "file_name"
    CONTENT_ID = "content_id"


USUAL = frozenset(
    {
        *(Column.THUMBNAIL, Column.TYPE, Column.STATUS),
        *(Column.SIZE, Column.MEDIA_TYPE, Column.MODIFIED),
    }
)


class TableView(BaseModel):
    """What was chosen."""

    size: Annotated[Literal[50, 100, 250], BeforeValidator(int)] = 50
    # Mail clients, design suites and CMS importers look at the extension.
    names: bool = True
    columns: frozenset[Column] = USUAL

    @classmethod
    def parse(cls, cookie: str) -> Self:
        """Return what a cookie says; the usual view where it says nothing that can be read."""
        size, _, rest = cookie.partition(".")
        names, _, columns = rest.partition(".")
        chosen = columns.split("-") if columns else []
        try:
            return cls.model_validate({"size": size, "names": names, "columns": chosen})
        except ValidationError:
            return cls()

    @property
    def cookie(self) -> str:
        """What the browser keeps of it."""
        columns = "-".join(sorted(self.columns))
        return f"{self.size}.{'on' if self.names else 'off'}.{columns}"


def view_of(request: web.Request) -> TableView:
    """Return what the browser of a request keeps."""
    return TableView.parse(read_cookie(request, TABLE_COOKIE, is_secure=request[CONTEXT].is_secure))
