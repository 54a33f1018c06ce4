"""Reads members of THRON's JSON, and forgives what its services do differently.

A member may be missing, null or named otherwise, one value may stand for a list, and a date may be
shortened or a number.

Rule 1: nothing here raises for anything that JSON can hold.
Rule 2: null and missing are the same (docs/thron.md 1.2).
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NoReturn

import orjson

Members = Mapping[str, Any]

_YEAR = re.compile(r"[0-9]{4}")
_YEAR_MONTH = re.compile(r"[0-9]{4}-[0-9]{2}")
_EPOCH_MS = re.compile(r"-?[0-9]{5,17}")
_INTEGER = re.compile(r"-?[0-9]{1,18}")


def parse(body: bytes) -> Any:
    """Return the JSON value of a body.

    A byte order mark is skipped. Where strict parsing fails, invalid UTF-8 and lone surrogates
    become replacement characters, so that one odd title does not lose a whole listing.

    Raises:
        ValueError: The body is not JSON.
    """
    body = body.removeprefix(b"\xef\xbb\xbf")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(body.decode("utf-8", "replace"), parse_constant=_refuse, strict=False)
    except RecursionError as exc:
        raise ValueError("nested too deeply") from exc


def members(value: Any) -> Members:
    """Return an object's members, none for anything else."""
    return value if isinstance(value, dict) else {}


def text(of: Members, *names: str) -> str | None:
    """Return the first scalar among members of these names, as text.

    THRON names one thing differently by service: ``locale`` and ``lang`` (docs/thron.md 3.1).
    """
    for name in names:
        value = of.get(name)
        if value is not None and (found := as_text(value)) is not None:
            return found
    return None


def as_text(value: Any) -> str | None:
    """Return a scalar as text, None for null, objects and lists."""
    if isinstance(value, str):
        if value.isascii():
            return value
        # A lone surrogate could not be encoded later.
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return None


def items(of: Members, *names: str) -> tuple[Any, ...]:
    """Return the list of the first of these names that is there; a single value is a list of one.

    Null elements are dropped.
    """
    for name in names:
        value = of.get(name)
        if value is None:
            continue
        if isinstance(value, list | tuple):
            return tuple([each for each in value if each is not None])
        return (value,)
    return ()


def number(of: Members, *names: str) -> int | None:
    """Return a whole number of at least zero, from a number or its digits."""
    for name in names:
        value = of.get(name)
        if isinstance(value, str) and _INTEGER.fullmatch(value):
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
    return None


def flag(of: Members, name: str, *, default: bool) -> bool:
    """Return a truth value, from a boolean or its word."""
    value = of.get(name)
    if isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    return value if isinstance(value, bool) else default


def date(of: Members, *names: str) -> datetime | None:
    """Return a moment in UTC.

    Accepted: ISO 8601 with any offset or none (UTC), shortened to a year or month, and
    milliseconds since 1970 (docs/thron.md 1.2). Anything else is None.
    """
    for name in names:
        found = _as_date(of.get(name))
        if found is not None:
            return found
    return None


def _as_date(value: Any) -> datetime | None:
    if isinstance(value, str):
        value = value.strip()
        if _EPOCH_MS.fullmatch(value):
            value = int(value)
        elif _YEAR.fullmatch(value):
            value += "-01-01"
        elif _YEAR_MONTH.fullmatch(value):
            value += "-01"
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000, tz=UTC)
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):  # outside of what a datetime can hold
        pass
    return None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
