"""Dumps of every schema that there has been, with a row in each table.

``python -m tests.catalogue.dump`` writes those of the newest; older ones are never edited.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from sqlalchemy import Connection, Dialect, MetaData, Table, create_mock_engine, make_url
from sqlalchemy.schema import ExecutableDDLElement

from proxy.catalogue import schema

DUMPS = Path(__file__).parent / "dumps"
DIALECTS: Mapping[str, Dialect] = {
    "sqlite": make_url("sqlite+aiosqlite://").get_dialect()(),
    "postgresql": make_url("postgresql+asyncpg://").get_dialect()(),
}

_NOON = "'2024-05-01 12:00:00.000000'"

# SQL values by column; a number that the database gives is not named.
ROWS: Mapping[str, Mapping[str, str]] = {
    "alembic_version": {"version_num": f"'{schema.HEAD}'"},
    "revision": {"id": "1", "number": "7"},
    "connector": {
        "slug": "'brochures'",
        "folder": "'brochures-folder'",
        "folder_id": "'f-1'",
        "identifier": "'metadata'",
        "metadata": "'sku'",
        "classification_id": "'c-1'",
        "enabled": "true",
        "subfolders": "true",
        "content_types": "'AUDIO VIDEO'",
        "force_https": "false",
        "delivery": "'published'",
        "disposition": "'inline'",
        "max_age_s": "60",
        "robots": "'noindex'",
        "host": "'media.example.com'",
        "only_published": "true",
        "cdn_max_age_s": "86400",
    },
    "tenant": {
        "id": "1",
        "client_id": "'acme'",
        "app_id": "'app'",
        "app_key": "'app-key-in-plain-text'",
        "pkey": "'pkey-in-plain-text'",
        "root_category_id": "'root'",
        "username": "'somebody'",
    },
    "thron_session": {"id": "1", "lease_owner": "'nobody'", "lease_until": "0.5"},
    "audit": {
        "at": _NOON,
        "actor": "'cli'",
        "action": "'connector created'",
        "subject": "'brochures'",
        "detail": """'{"slug": {"old": null, "new": "brochures"}}'""",
    },
    "purge": {
        "at": _NOON,
        "kind": "'all'",
        "value": "''",
        "actor": "'cli'",
        "revision": "7",
        "is_repeat": "true",
    },
    "replica": {"id": "'r-1'", "beats": "3", "purge": "1", "revision": "7"},
    "purge_hook": {"name": "'varnish'", "done": "1"},
    "password": {"id": "1", "hash": "'$argon2id$hash'", "at": _NOON},
    "session": {
        "mark": "'m-1'",
        "password_mark": "'p-1'",
        "created": _NOON,
        "used": _NOON,
        "client": "'a browser'",
    },
    "device": {"mark": "'d-1'", "password_mark": "'p-1'", "created": _NOON},
    "api_token": {
        "name": "'ci'",
        "mark": "'t-1'",
        "hint": "'tdc_abcd'",
        "can_change": "true",
        "created": _NOON,
    },
    "onboarding": {"id": "1", "ended": _NOON},
    "catalogued": {
        "connector": "'brochures'",
        "client_id": "'acme'",
        "shape": "'shape-1'",
        "naming": "'naming-1'",
    },
    "content": {
        "connector": "'brochures'",
        "id": "'content-1'",
        "content_type": "'VIDEO'",
        "titles": """'{"EN": "Spring"}'""",
        "was_published": "true",
        "is_servable": "true",
        "channels": "'WEB'",
        "first_seen": _NOON,
        "changed": _NOON,
        "run": "1",
        "digest": "'digest-1'",
        "media_type": "'video/mp4'",
        "size": "5000000000",
        "modified_s": "1714564800",
    },
    "address": {
        "connector": "'brochures'",
        "language": "''",
        "value": "'SKU 1'",
        "content_id": "'content-1'",
        "is_current": "true",
        "is_addressable": "true",
        "since": _NOON,
        "status": "'ok'",
        "serves": "true",
        "content_type": "'VIDEO'",
        "title": "'Spring'",
        "title_key": "'spring'",
        "updated_s": "1714564800",
        "search": "'spring sku 1'",
        "is_shortened": "false",
        "media_type": "'video/mp4'",
        "size": "5000000000",
        "modified_s": "1714564800",
    },
    "content_version": {
        "content_id": "'content-1'",
        "version_id": "'v-1'",
        "size": "5000000000",
        "first_seen": _NOON,
    },
    "sync_run": {
        "connector": "'brochures'",
        "kind": "'full'",
        "state": "'done'",
        "started": _NOON,
        "seen": "1",
        "added": "1",
        "changed": "0",
        "removed": "0",
        "skipped": "0",
    },
    "link_check": {
        "connector": "'brochures'",
        "scope": "'all'",
        "state": "'done'",
        "started": _NOON,
        "beat": _NOON,
        "expected": "1",
        "checked": "1",
        "problems": "0",
    },
    "link_result": {
        "line": "1",
        "connector": "'brochures'",
        "check_id": "1",
        "status": "200",
        "is_ok": "true",
        "since": _NOON,
        "checked": _NOON,
    },
}


def dump(tables: MetaData, dialect: Dialect) -> str:
    """Return SQL that makes tables, with a row in each."""
    return "".join(f"{' '.join(each.split())};\n" for each in _statements(tables, dialect))


def _statements(tables: MetaData, dialect: Dialect) -> Iterator[str]:
    made: list[str] = []

    def note(statement: ExecutableDDLElement, *_: object, **__: object) -> None:
        made.append(str(statement.compile(dialect=dialect)))

    engine = create_mock_engine(f"{dialect.name}://", note)
    for table in tables.sorted_tables:
        made.clear()
        table.create(engine, checkfirst=False)
        yield made[0]
        yield from sorted(made[1:], key=lambda index: index.partition(" INDEX ")[2])
        yield _insert(table)


def _insert(table: Table) -> str:
    values = {name: value for name, value in ROWS[table.name].items() if name in table.columns}
    return f'INSERT INTO "{table.name}" ({", ".join(values)}) VALUES ({", ".join(values.values())})'  # noqa: S608 - written here


def restore(connection: Connection, name: str) -> None:
    """Make the tables and rows of a dump in an empty database."""
    file = DUMPS / connection.dialect.name / f"{name}.sql"
    for statement in file.read_text("utf-8").splitlines():
        connection.exec_driver_sql(statement)


def newest(dialect: str) -> Path:
    """Return the file of the newest schema's dump."""
    return DUMPS / dialect / f"{schema.HEAD}.sql"


if __name__ == "__main__":
    for name, dialect in DIALECTS.items():
        newest(name).write_text(dump(schema.TABLES, dialect), "utf-8")
