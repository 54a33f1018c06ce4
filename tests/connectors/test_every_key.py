"""A key of a connector stands everywhere: where one is missing, these tests name the place.

Once a key was added to the model, the TOML document and the API, and the next save in the console
erased it, because its form did not know it.
"""

import re
import tomllib
from collections.abc import Callable, Collection, Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from pydantic.fields import FieldInfo

from proxy.admin.api.openapi import document
from proxy.admin.web.connector_differences import differences_told
from proxy.admin.web.connector_fields import AllFields, fields_of
from proxy.catalogue import schema
from proxy.connectors.changes import differences
from proxy.connectors.document import export, parse
from proxy.connectors.model import KEYS, Connector, ConnectorSpec, Identifier
from proxy.connectors.store import connector_of, row_of
from proxy.thron.content import ContentType
from tests.admin.nouns import OPERATIONS

HOME = Path(__file__).parents[2]
HANDBOOK = HOME / "docs" / "connectors.md"
TEMPLATES = HOME / "proxy" / "admin" / "web" / "templates"

# The fields of the console's form that say a key, where they are called something else.
FIELDS_OF_KEY: Mapping[str, tuple[str, ...]] = {
    "content_types": ("types",),
    "identifier": ("by",),
    "metadata": ("by", "key"),
    "force_https": ("https",),
}

# What another value of a key is where its type alone does not tell.
OTHERS: Mapping[str, Any] = {
    "slug": "skus",
    "folder": "brochures",
    "identifier": Identifier.METADATA,
    "metadata": "sku",
    "only_published": True,  # a rendition, which is another delivery, is of what is published
    "host": "media.example.com",
    "cdn_max_age_s": 86_400,
    "content_types": frozenset({ContentType.IMAGE}),
}


def another(key: str, field: FieldInfo) -> Any:
    """Return a value of a key other than its default."""
    if key in OTHERS:
        return OTHERS[key]
    if isinstance(field.default, StrEnum):
        return next(each for each in type(field.default) if each is not field.default)
    if isinstance(field.default, bool):
        return not field.default
    return field.default + 1 if isinstance(field.default, int) else "other"


PLAIN = Connector(slug="plain", folder="f", identifier=Identifier.CONTENT_ID)
OTHER = Connector(**{key: another(key, each) for key, each in Connector.model_fields.items()})


def said_by(fields: Collection[str]) -> set[str]:
    """Return the keys that some fields of the console's form say."""
    return {key for key in KEYS if set(FIELDS_OF_KEY.get(key, (key,))) <= set(fields)}


def in_templates() -> set[str]:
    """Return the names of fields in the templates of the console's form."""
    found: set[str] = set()
    for name in ("connector_edit.html", "connector_parts.html"):
        text = (TEMPLATES / name).read_text("utf-8")
        found |= set(re.findall(r'(?:name="|\(form, ")(\w+)"', text))
    return found


def told_on_page() -> set[str]:
    """Return the keys of which the console tells, before it saves, that they would differ."""
    found = set()
    for key in KEYS:
        old, other = getattr(PLAIN, key), getattr(OTHER, key)
        change = {key: not old if isinstance(old, bool) else other}
        new = PLAIN.model_copy(
            update={**change, **({"folder_id": "f-2"} if key == "folder" else {})}
        )
        if differences_told(PLAIN, new, differences(PLAIN, new), folders={}):
            found.add(key)
    return found


def in_toml() -> Iterable[str]:
    """Return the keys of an exported table."""
    found: Mapping[str, Any] = tomllib.loads(export([OTHER]))["connector"][0]
    return found


def in_api() -> set[str]:
    """Return the keys of the API's document."""
    schemas = document(OPERATIONS, version="1")["components"]["schemas"]
    return set(schemas["ConnectorSpec"]["properties"])


def in_handbook() -> set[str]:
    """Return the keys of the sample document."""
    return set(re.findall(r"^ *#? *(\w+) = ", HANDBOOK.read_text("utf-8"), re.MULTILINE))


# Each with the fields that it has to know, and those that it does.
PLACES: Mapping[str, tuple[set[str], Callable[[], Iterable[str]]]] = {
    "the TOML document": ({*KEYS}, in_toml),
    "the sample in docs/connectors.md": ({*KEYS}, in_handbook),
    "the API": ({*KEYS}, in_api),
    "AllFields of admin/web/connector_fields.py": (
        {*KEYS},
        lambda: said_by(AllFields.model_fields),
    ),
    "connector_edit.html, or details() of connector_parts.html": (
        {*KEYS},
        lambda: said_by(in_templates()),
    ),
    "_FACTS of admin/web/connector_differences.py": ({*KEYS} - {"slug"}, told_on_page),
    "the database's row": ({*Connector.model_fields}, lambda: row_of(OTHER)),
    "the table of catalogue/schema.py": (
        {*Connector.model_fields},
        schema.connector.columns.keys,
    ),
    "the audit": ({*Connector.model_fields}, lambda: differences(None, OTHER)),
}


@pytest.mark.parametrize("place", PLACES)
def test_every_place_knows_every_key(place: str) -> None:
    """No key is missing anywhere."""
    wanted, known = PLACES[place]
    missing = sorted(wanted.difference(known()))
    assert not missing, f"{place} lacks {', '.join(missing)} of Connector"


def test_what_is_written_is_read_back() -> None:
    """TOML, JSON and the database's row give back every key as it was."""
    as_written = OTHER.model_copy(update={"folder_id": "", "classification_id": None})
    assert parse(export([OTHER])) == (as_written,)
    sent = ConnectorSpec.model_validate_json(OTHER.model_dump_json(include=set(KEYS)))
    assert Connector(**dict(sent)) == as_written
    assert connector_of(row_of(OTHER)) == OTHER


def test_a_save_in_the_console_keeps_every_key() -> None:
    """What the form does not say stays as it is, and what it says is what there was."""
    saved = fields_of(OTHER).connector(OTHER)
    assert {key: getattr(saved, key) for key in KEYS if key != "folder"} == {
        key: getattr(OTHER, key) for key in KEYS if key != "folder"
    }
