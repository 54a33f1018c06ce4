"""Purge hooks: by which request each cache in front is told to forget tags.

A hook is a template. A preset fills in what its kind of cache wants; whatever the file says of it
counts for more. Where a placeholder stands in the URL, a field or the body, it is replaced by:

- ``{tags}``, ``{tags_comma}``: the tags, with spaces or commas between
- ``{tags_json}``: as a JSON array
- ``{tags_regex}``: a regular expression that finds one of them in Surrogate-Key
- ``{secret}``: what the file of the hook's secret holds
- ``{id}``, ``{timestamp}``, ``{signature}``: as Standard Webhooks has them

In the URL what is filled in is percent-encoded.
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
from typing import Annotated, Any
from urllib.parse import quote

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError
from yarl import URL

from proxy.errors import ConfigurationError

SETTING = "TDC_PURGE_HOOKS"
_TAGS = frozenset({"{tags}", "{tags_comma}", "{tags_json}", "{tags_regex}"})
_FILLED_IN = _TAGS | {"{secret}", "{id}", "{timestamp}", "{signature}"}
_JSON = {"Content-Type": "application/json"}
_STANDARD_SECRET = "whsec_"  # noqa: S105 - what such a secret begins with

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
        "body": (
            '{"type": "cache.purge", "id": "{id}", "timestamp": {timestamp},'
            ' "data": {"tags": {tags_json}}}'
        ),
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
        self, tags: Sequence[str], *, message: str, timestamp: int
    ) -> Iterator[HookRequest]:
        """Give the requests that purge some tags.

        Args:
            tags: Any number of them.
            message: Its id: a receiver does nothing about one that it has seen.
            timestamp: Unix seconds.
        """
        for first in range(0, len(tags), self.tags_per_request):
            some = tags[first : first + self.tags_per_request]
            yield self._request(some, id_=f"{message}-{first}", timestamp=timestamp)

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
            values["{signature}"] = signature(secret, id_=id_, timestamp=timestamp, body=body)
        fields = {name: _filled(value, values) for name, value in self.fields.items()}
        in_url = {mark: quote(value, safe=",") for mark, value in values.items()}
        return HookRequest(self.method, _filled(self.url, in_url), fields, body.encode())


def signature(secret: str, *, id_: str, timestamp: int, body: str) -> str:
    """Return a message's signature as Standard Webhooks has it."""
    signed = f"{id_}.{timestamp}.{body}".encode()
    digest = hmac.digest(_signing_key(secret), signed, hashlib.sha256)
    return f"v1,{base64.b64encode(digest).decode()}"


# RFC 9110, 5.6.2 and 5.5.
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FIELD_VALUE = re.compile(r"[\t\x20-\x7e]*")
# The framing of a message is the client's.
_FRAMING = frozenset({"connection", "content-length", "te", "trailer", "transfer-encoding"})


def _sendable(fields: dict[str, str]) -> dict[str, str]:
    for name, value in fields.items():
        if not _TOKEN.fullmatch(name) or name.lower() in _FRAMING:
            raise ValueError(name)
        if not _FIELD_VALUE.fullmatch(value):
            raise ValueError(value)
    return fields


def _http_url(text: str) -> str:
    url = URL(re.sub(r"\{[a-z_]+\}", "x", text))
    if url.scheme not in {"http", "https"} or not url.host or not re.fullmatch(r"[!-~]+", text):
        raise ValueError(text)
    return text


class _HookSpec(BaseModel):
    """A hook as the file has it; a key's description says what it has to be."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)

    name: str = Field(
        "",
        pattern=r"^[a-z0-9][a-z0-9-]{0,62}$",
        validate_default=True,
        description="give the hook a name of lower-case letters, digits and -, 63 at most",
    )
    preset: str | None = Field(
        None,
        pattern=f"^({'|'.join(PRESETS)})$",
        description=f"choose from {', '.join(PRESETS)}, or write the request yourself",
    )
    url: Annotated[str, AfterValidator(_http_url)] = Field(
        "",
        validate_default=True,
        description="write where the cache is notified, such as http://varnish:6081/, in ASCII and"
        " without blanks",
    )
    method: str = Field(
        "POST", pattern=r"^[A-Z]{1,20}$", description="write a method in capitals, such as POST"
    )
    fields: Annotated[dict[str, str], AfterValidator(_sendable)] = Field(
        default_factory=dict,
        description='write names and values such as { Accept = "*/*" }: in ASCII, without a line'
        f" break, and none of {', '.join(sorted(_FRAMING))}",
    )
    body: str = Field("", description="write a text")
    tags_per_request: int = Field(30, ge=1, le=1000, description="write a number from 1 to 1000")
    secret_file: str | None = Field(None, description="write the path of a file")
    service: str = Field(
        "", pattern=r"^[A-Za-z0-9]*$", description="write the id of the Fastly service"
    )
    zone: str = Field(
        "", pattern=r"^[A-Za-z0-9]*$", description="write the id of the Cloudflare zone"
    )


def read_hooks(path: Path) -> tuple[PurgeHook, ...]:
    """Return the hooks of a file.

    Raises:
        ConfigurationError: It cannot be used; all that is wrong with it is told.
    """
    place = f"{SETTING}: {path}"
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise ConfigurationError([f"{place} cannot be read as TOML: {exc}."]) from exc
    tables = document.pop("hook", None)
    if document or not isinstance(tables, list) or not tables:
        raise ConfigurationError([f"{place}: write tables [[hook]], and nothing else."])
    hooks: list[PurgeHook] = []
    problems: list[str] = []
    for index, table in enumerate(tables, start=1):
        name = table.get("name") if isinstance(table, dict) else None
        found: list[str] = []
        hook = _hook(table, found)
        if not found:
            hooks.append(hook)
        problems += [f"{place}: hook {name or index}: {each}." for each in found]
    names = [each.name for each in hooks]
    twice = sorted({each for each in names if names.count(each) > 1})
    problems += [f"{place}: hook {each}: name: give each hook another." for each in twice]
    if problems:
        raise ConfigurationError(problems)
    return tuple(hooks)


def _hook(table: object, problems: list[str]) -> PurgeHook:
    """Return a hook, of use only if no problem was found with it."""
    keys = table if isinstance(table, dict) else {}
    preset, fields = keys.get("preset"), keys.get("fields", {})
    filled_in = dict(PRESETS.get(preset, {})) if isinstance(preset, str) else {}
    needed = filled_in.pop("needs", ())
    if isinstance(fields, dict):
        fields = {**filled_in.get("fields", {}), **fields}
    given = {**filled_in, **keys, "fields": fields}
    wrong: set[object] = set()
    try:
        spec = _HookSpec.model_validate(given)
    except ValidationError as exc:
        wrong = {each["loc"][0] for each in exc.errors(include_url=False, include_context=False)}
        # What else is wrong is looked for with the keys that are right.
        right = {key: value for key, value in given.items() if key not in wrong}
        spec = _HookSpec.model_construct(**right)
    known = _HookSpec.model_fields
    problems += [
        f"{key}: {known[key].description}" if key in known else f"{key}: this key means nothing"
        for key in sorted(map(str, wrong))
    ]
    url = spec.url.replace("{service}", spec.service).replace("{zone}", spec.zone)
    template = [url, *spec.fields.values(), spec.body]
    used = {mark for each in template for mark in re.findall(r"\{[a-z_]+\}", each)}
    if used & {"{secret}", "{signature}"}:
        needed = ("secret_file", *needed)
    problems += [
        f"{key}: {known[key].description}"
        for key in dict.fromkeys(needed)
        if key not in wrong and not getattr(spec, key)
    ]
    problems += [
        f"{mark}: choose from {', '.join(sorted(_FILLED_IN))}"
        for mark in sorted(used - _FILLED_IN - {"{service}", "{zone}"})
    ]
    if not used & _TAGS and not wrong & {"url", "fields", "body", "preset"}:
        problems.append(
            "names no tags: a content's URLs end with any file name, so that no list of URLs is"
            " ever whole. A cache that purges by URL alone keeps short lifetimes (max_age_s)"
        )
    secret = _secret(spec.secret_file, problems)
    if "{signature}" in used and not _is_signing_secret(secret.get_secret_value()):
        problems.append(
            f"secret_file: what begins with {_STANDARD_SECRET} goes on in Base64: write"
            f" {_STANDARD_SECRET} and what `openssl rand -base64 32` prints, here and where the"
            f" signature is checked, or a text without {_STANDARD_SECRET}"
        )
    return PurgeHook(
        spec.name,
        spec.method,
        url,
        spec.fields,
        spec.body,
        spec.tags_per_request,
        secret,
    )


def _secret(path: str | None, problems: list[str]) -> SecretStr:
    if path is None:
        return SecretStr("")
    try:
        secret = Path(path).read_text("utf-8").strip()
    except (OSError, ValueError) as exc:
        problems.append(f"secret_file: {path} cannot be read ({type(exc).__name__})")
        return SecretStr("")
    if not secret or not secret.isascii() or not secret.isprintable():
        problems.append(f"secret_file: write one line of ASCII into {path}")
    return SecretStr(secret)


def _signing_key(secret: str) -> bytes:
    """Return the key of a Standard Webhooks secret, or the bytes of any other text.

    Raises:
        binascii.Error: A Standard Webhooks secret is not in Base64.
    """
    if secret.startswith(_STANDARD_SECRET):
        return base64.b64decode(secret.removeprefix(_STANDARD_SECRET), validate=True)
    return secret.encode()


def _is_signing_secret(secret: str) -> bool:
    try:
        _signing_key(secret)
    except binascii.Error:
        return False
    return secret != _STANDARD_SECRET


def _filled(template: str, values: Mapping[str, str]) -> str:
    """Return a template with its placeholders replaced, and nothing in their values."""
    return re.sub("|".join(map(re.escape, values)), lambda found: values[found.group()], template)
