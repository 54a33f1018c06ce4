"""Purge hooks: by which request each cache in front is told to forget tags.

A hook is a template. A preset fills in what its kind of cache wants; whatever the file says of it
counts for more. Where a placeholder stands in the URL, a field or the body, it is replaced by:

- ``{tags}``, ``{tags_comma}``: the tags, with spaces or commas between
- ``{tags_json}``: as a JSON array
- ``{tags_regex}``: a regular expression that finds one of them in Surrogate-Key
- ``{secret}``: what the file of the hook's secret holds
- ``{id}``, ``{timestamp}``, ``{signature}``: as Standard Webhooks has them
"""

import base64
import binascii
import hashlib
import hmac
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from yarl import URL

from proxy.errors import ConfigurationError

SETTING = "TDC_PURGE_HOOKS"
_TAGS = ("{tags}", "{tags_comma}", "{tags_json}", "{tags_regex}")
_JSON = {"Content-Type": "application/json"}

PRESETS: Mapping[str, Mapping[str, Any]] = {
    # deploy/varnish.vcl; needs varnish-modules.
    "varnish-xkey": {
        "method": "PURGE",
        "fields": {"xkey-purge": "{tags}"},
        "tags_per_request": 50,
    },
    # The same recipe, with a ban, which Varnish knows by itself.
    "varnish-ban": {
        "method": "BAN",
        "fields": {"ban-surrogate-key": "{tags_regex}"},
        "tags_per_request": 50,
    },
    # https://www.fastly.com/documentation/reference/api/purging/
    "fastly": {
        "url": "https://api.fastly.com/service/{service}/purge",
        "fields": {"Fastly-Key": "{secret}", "Accept": "application/json", **_JSON},
        "body": '{"surrogate_keys": {tags_json}}',
        "tags_per_request": 256,
        "needs": ("service", "secret_file"),
    },
    # https://developers.cloudflare.com/cache/how-to/purge-cache/purge-by-tags/
    "cloudflare": {
        "url": "https://api.cloudflare.com/client/v4/zones/{zone}/purge_cache",
        "fields": {"Authorization": "Bearer {secret}", **_JSON},
        "body": '{"tags": {tags_json}}',
        "tags_per_request": 30,
        "needs": ("zone", "secret_file"),
    },
    # https://www.standardwebhooks.com: whoever receives it can tell that it is from us.
    "webhook": {
        "fields": {
            "webhook-id": "{id}",
            "webhook-timestamp": "{timestamp}",
            "webhook-signature": "{signature}",
            **_JSON,
        },
        "body": '{"type": "cache.purge", "timestamp": {timestamp}, "data": {"tags": {tags_json}}}',
        "tags_per_request": 500,
        "needs": ("secret_file",),
    },
}


@dataclass(frozen=True, slots=True)
class HookRequest:
    """What is sent to a cache; the secret may stand anywhere in it."""

    method: str
    url: str = field(repr=False)
    fields: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class PurgeHook:
    """How one cache is told.

    Attributes:
        name: Under which its progress is kept.
        tags_per_request: At most.
    """

    name: str
    method: str
    url: str = field(repr=False)
    fields: Mapping[str, str] = field(repr=False)
    body: str = field(repr=False)
    tags_per_request: int
    secret: SecretStr

    def requests(
        self, tags: Sequence[str], *, number: int, timestamp: int
    ) -> Iterator[HookRequest]:
        """Give the requests that purge some tags.

        Args:
            tags: Any number of them.
            number: Of the newest purge that they are of: the same again is the same message.
            timestamp: Unix seconds.
        """
        for first in range(0, len(tags), self.tags_per_request):
            some = tags[first : first + self.tags_per_request]
            yield self._request(some, id_=f"{number}-{first}", timestamp=timestamp)

    def _request(self, tags: Sequence[str], *, id_: str, timestamp: int) -> HookRequest:
        secret = self.secret.get_secret_value()
        values = {
            "{tags}": " ".join(tags),
            "{tags_comma}": ",".join(tags),
            "{tags_json}": orjson.dumps(list(tags)).decode(),
            "{tags_regex}": rf"(^|\s)({'|'.join(map(re.escape, tags))})(\s|$)",
            "{secret}": secret,
            "{id}": id_,
            "{timestamp}": str(timestamp),
        }
        body = _filled(self.body, values)
        if any("{signature}" in each for each in (self.url, *self.fields.values())):
            signed = f"{id_}.{timestamp}.{body}".encode()
            digest = hmac.digest(_signing_key(secret), signed, hashlib.sha256)
            values["{signature}"] = f"v1,{base64.b64encode(digest).decode()}"
        fields = {name: _filled(value, values) for name, value in self.fields.items()}
        return HookRequest(self.method, _filled(self.url, values), fields, body.encode())


class _HookSpec(BaseModel):
    """A hook as the file has it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    preset: str | None = None
    url: str | None = None
    method: str = Field("POST", pattern=r"^[A-Z]{1,20}$")
    fields: dict[str, str] = Field(default_factory=dict)
    body: str = ""
    tags_per_request: int = Field(30, ge=1, le=1000)
    secret_file: Path | None = None
    service: str = Field("", pattern=r"^[A-Za-z0-9]*$")
    zone: str = Field("", pattern=r"^[A-Za-z0-9]*$")


def read_hooks(path: Path) -> tuple[PurgeHook, ...]:
    """Return the hooks of a file.

    Raises:
        ConfigurationError: It cannot be used; all that is wrong with it is told.
    """
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise ConfigurationError([f"{SETTING}: {path} is no TOML file: {exc}."]) from exc
    tables = document.pop("hook", None)
    if document or not isinstance(tables, list) or not tables:
        raise ConfigurationError([f"{SETTING}: {path} holds tables [[hook]], and nothing else."])
    hooks: list[PurgeHook] = []
    problems: list[str] = []
    for index, table in enumerate(tables, start=1):
        name = table.get("name") if isinstance(table, dict) else None
        try:
            hooks.append(_hook(table))
        except _Unfit as exc:
            problems += [f"{SETTING}: hook {name or index}: {each}" for each in exc.problems]
    names = [each.name for each in hooks]
    twice = sorted({each for each in names if names.count(each) > 1})
    problems += [f"{SETTING}: hook {each}: this name is there twice." for each in twice]
    if problems:
        raise ConfigurationError(problems)
    return tuple(hooks)


class _Unfit(Exception):
    """A hook that cannot be used."""

    def __init__(self, *problems: str) -> None:
        super().__init__(*problems)
        self.problems = problems


def _hook(table: object) -> PurgeHook:
    if not isinstance(table, dict):
        raise _Unfit("is not a table.")
    preset = table.get("preset")
    if preset is not None and preset not in PRESETS:
        raise _Unfit(f"preset: choose from {', '.join(PRESETS)}, or write the request yourself.")
    filled_in = dict(PRESETS[preset]) if preset is not None else {}
    needed = filled_in.pop("needs", ())
    fields = table.get("fields", {})
    own = {"fields": {**filled_in.get("fields", {}), **fields}} if isinstance(fields, dict) else {}
    try:
        spec = _HookSpec.model_validate({**filled_in, **table, **own})
    except ValidationError as exc:
        errors = exc.errors(include_url=False, include_input=False, include_context=False)
        raise _Unfit(
            *(f"{'.'.join(map(str, each['loc']))}: {each['msg']}." for each in errors)
        ) from exc
    problems = [f"{key} is missing." for key in needed if not getattr(spec, key)]
    url = (spec.url or "").replace("{service}", spec.service).replace("{zone}", spec.zone)
    template = [url, *spec.fields.values(), spec.body]
    if not _is_http(url):
        problems.append("url: write where the cache is told, such as http://varnish:6081/.")
    if not any(tag in each for each in template for tag in _TAGS):
        problems.append(
            "names no tags: a content's URLs end with any file name, so that no list of URLs is"
            " ever whole. A cache that purges by URL alone keeps short lifetimes (max_age_s)."
        )
    if any("\r" in each or "\n" in each for item in spec.fields.items() for each in item):
        problems.append("fields: a line break cannot be sent.")
    secret = _secret(spec.secret_file, problems)
    needs_secret = any(mark in each for each in template for mark in ("{secret}", "{signature}"))
    if needs_secret and spec.secret_file is None and "secret_file" not in needed:
        problems.append("secret_file is missing.")
    if problems:
        raise _Unfit(*problems)
    return PurgeHook(
        spec.name, spec.method, url, spec.fields, spec.body, spec.tags_per_request, secret
    )


def _secret(path: Path | None, problems: list[str]) -> SecretStr:
    if path is None:
        return SecretStr("")
    try:
        secret = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as exc:
        problems.append(f"secret_file: cannot read {path} ({type(exc).__name__}).")
        return SecretStr("")
    if not secret or not secret.isascii() or not secret.isprintable():
        problems.append(f"secret_file: {path} does not hold one line of ASCII.")
    return SecretStr(secret)


def _signing_key(secret: str) -> bytes:
    """Return the key of a Standard Webhooks secret, or the octets of any other text."""
    if secret.startswith("whsec_"):
        try:
            return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except binascii.Error:
            pass
    return secret.encode()


def _is_http(url: str) -> bool:
    try:
        parsed = URL(url)
    except ValueError:
        return False
    return parsed.scheme in {"http", "https"} and bool(parsed.host)


def _filled(template: str, values: Mapping[str, str]) -> str:
    """Return a template with its placeholders replaced, and nothing in their values."""
    return re.sub("|".join(map(re.escape, values)), lambda found: values[found.group()], template)
