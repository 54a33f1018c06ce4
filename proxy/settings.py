"""One table of settings: name, default, check and help.

A value comes from the environment (``TDC_NAME``), a file that ``TDC_NAME_FILE`` points to, the
TOML file in ``TDC_CONFIG``, or the default, in this order. Plain pydantic reads it, and the
environment is an argument, so that what is loaded depends on nothing else.
"""

import re
import socket
import tomllib
from collections.abc import Callable, Mapping
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
)
from yarl import URL

from proxy.errors import ConfigurationError
from proxy.semantics.forwarded import FORWARDED, X_FORWARDED, TrustedProxies, valid_host
from proxy.spelling import closest

PREFIX = "TDC_"
_LEVELS = ("debug", "info", "warning", "error")
_SHORTEST_KEY = 32
_TOGETHER = (
    (("client_id", "app_id", "app_key"), "set all three, or none for the set-up state"),
    (("tls_cert", "tls_key", "tls_listen"), "native HTTPS needs certificate, key and listener"),
)


class Listen(BaseModel):
    """An address to listen on."""

    model_config = ConfigDict(frozen=True)

    host: str
    port: int = Field(ge=0, le=65535)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def local(self) -> "Listen":
        """The same, as it is reached from this machine."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        return Listen(host=host, port=self.port)


def _listen(value: object) -> object:
    if not isinstance(value, str):
        return value
    host, colon, port = value.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535 or not host.strip("[]"):  # noqa: PLR2004 - the last port
        raise ValueError("write HOST:PORT, such as 0.0.0.0:8080 or [::]:8080")
    return {"host": host.strip("[]"), "port": int(port)}


def _comma_separated(value: object) -> object:
    if isinstance(value, str):
        return tuple(part for part in re.split(r"[\s,]+", value) if part)
    return tuple(value) if isinstance(value, list) else value


def _networks(value: object) -> object:
    parts = _comma_separated(value)
    if not isinstance(parts, tuple):
        return parts
    try:
        return tuple(ip_network(str(part), strict=False) for part in parts)
    except ValueError as exc:
        raise ValueError(f"{exc}; write networks such as 10.0.0.0/8,::1/128") from exc


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _base_url(value: str) -> str:
    try:
        url = URL(value)
        usable = url.scheme in {"http", "https"} and bool(url.host) and url.port is not None
    except ValueError:
        usable = False
    if not usable or url.query_string or url.fragment or url.user or url.password:
        raise ValueError("write a base such as https://media.example.com, without query or user")
    return value.rstrip("/")


def _proxy_url(value: SecretStr) -> SecretStr:
    try:
        url = URL(value.get_secret_value())
        usable = url.scheme == "http" and bool(url.host) and url.path in {"", "/"}
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("write it such as http://user:password@proxy.example.com:3128")
    return value


def _field_value(value: str) -> str:
    if not value.isprintable() or not value.isascii():
        raise ValueError("write printable ASCII only: it is sent as a header field")
    return value


def _origin_host(value: str) -> str:
    if not re.fullmatch(r"(\*\.)?[a-z0-9._-]+(:\d+)?|\[[0-9a-f:.]+\](:\d+)?", value.lower()):
        raise ValueError(
            f"{value!r} is not a host; write names such as *.thron.com,files.example.com or"
            " 10.0.0.7:9000"
        )
    return value.lower()


def _source_path(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._~/-]+", value.replace("{clientId}", "-")):
        raise ValueError(
            "write a path alone, such as /api/xadmin/resources/content/downloadSource; the tenant"
            " is put in place of {clientId}, or else into the query"
        )
    return value


def _host_name(value: str) -> str:
    name = valid_host(value)
    if name is None or ":" in value:
        raise ValueError(
            f"{value!r} is not a host; write names such as console.example.com, no port"
        )
    return name


def _tenant_name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", value):
        raise ValueError("write the tenant's name alone, such as acme for https://acme.thron.com")
    return value


def _readable(value: Path) -> Path:
    try:
        with value.open("rb"):
            return value
    except OSError as exc:
        raise ValueError(f"cannot read {value}: {exc.strerror}") from exc


def _password_hash(value: SecretStr) -> SecretStr:
    if not re.fullmatch(r"\$argon2id\$[ -~]{40,500}", value.get_secret_value()):
        raise ValueError("write an argon2id hash, as thron-connector password --hash prints it")
    return value


def _secret_keys(value: SecretStr) -> SecretStr:
    keys = value.get_secret_value().split()
    if not keys or min(map(len, keys)) < _SHORTEST_KEY:
        raise ValueError(
            f"write a random text of {_SHORTEST_KEY} characters or more, without spaces; make one"
            " with: openssl rand -base64 32"
        )
    return value


class Pump(StrEnum):
    """What carries octets from an origin to a client, where it can."""

    AUTO = "auto"
    ORDINARY = "ordinary"
    DIRECT = "direct"
    SPLICE = "splice"


def _level(value: str) -> str:
    if value.lower() not in _LEVELS:
        raise ValueError(f"write one of {', '.join(_LEVELS)}")
    return value.lower()


def _forwarding_fields(value: object) -> object:
    parts = _comma_separated(value)
    if not isinstance(parts, tuple):
        return parts
    names = tuple(str(part).lower() for part in parts)
    if names == (FORWARDED,) or (names and set(names) <= set(X_FORWARDED)):
        return names
    raise ValueError(
        f"name the fields that your proxy writes: some of {','.join(X_FORWARDED)},"
        f" or {FORWARDED} alone"
    )


ListenAddress = Annotated[Listen, BeforeValidator(_listen)]
BaseUrl = Annotated[str, AfterValidator(_base_url)]
FieldValue = Annotated[str, AfterValidator(_field_value)]
ReadableFile = Annotated[Path, AfterValidator(_readable)]
Networks = Annotated[tuple[IPv4Network | IPv6Network, ...], BeforeValidator(_networks)]
Hosts = Annotated[
    tuple[Annotated[str, AfterValidator(_origin_host)], ...], BeforeValidator(_comma_separated)
]
ForwardingFields = Annotated[tuple[str, ...], BeforeValidator(_forwarding_fields)]
HostNames = Annotated[
    tuple[Annotated[str, AfterValidator(_host_name)], ...], BeforeValidator(_comma_separated)
]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Settings(BaseModel):
    """Everything that the operator can set; each field's description is its help."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    client_id: Annotated[str, AfterValidator(_tenant_name)] | None = Field(
        None, description="the THRON tenant, such as acme; unset: set-up state"
    )
    app_id: str | None = Field(
        None, min_length=1, description="the AppID of the tenant's Custom Application"
    )
    app_key: SecretStr | None = Field(None, min_length=1, description="its AppKey")
    username: str | None = Field(
        None,
        min_length=1,
        description="a THRON user to act as (apps/su), for an application that cannot see the"
        " folder's contents itself",
    )
    api_url: BaseUrl | None = Field(
        None, description="THRON's API; unset: https://{client_id}-view.thron.com"
    )
    cdn_url: BaseUrl | None = Field(
        None, description="THRON's delivery; unset: https://{client_id}-cdn.thron.com"
    )
    source_path: Annotated[str, AfterValidator(_source_path)] | None = Field(
        None,
        description="path of THRON's downloadSource, where `check` does not find it by itself;"
        " can contain {clientId}",
    )
    listen: ListenAddress = Field(
        Listen(host="0.0.0.0", port=8080), description="the public listener"
    )
    admin_listen: ListenAddress = Field(
        Listen(host="127.0.0.1", port=8081),
        description="the admin listener: console, its API, probes and metrics",
    )
    metrics_listen: ListenAddress | None = Field(
        None,
        description="a listener for metrics and probes alone, such as 0.0.0.0:8082; the admin"
        " listener then has no metrics",
    )
    tls_cert: ReadableFile | None = Field(
        None, description="certificate chain (PEM) of a native HTTPS listener beside the plain one"
    )
    tls_key: ReadableFile | None = Field(None, description="its private key (PEM)")
    tls_listen: ListenAddress | None = Field(
        None, description="where that listener is, such as 0.0.0.0:8443"
    )
    public_url: BaseUrl | None = Field(
        None, description="base of every URL we print; unset: guessed from this machine's name"
    )
    trusted_proxies: Networks = Field(
        (), description="networks of the proxies in front, whose word on the client counts"
    )
    forwarded: ForwardingFields = Field(
        X_FORWARDED,
        description="the fields that these proxies write, of x-forwarded-for,"
        " x-forwarded-proto and x-forwarded-host, or forwarded (RFC 7239) alone; no other counts",
    )
    database_url: str | None = Field(
        None,
        repr=False,  # it may hold a password
        description="postgresql+asyncpg://... or sqlite+aiosqlite:///PATH; unset: SQLite in"
        " $STATE_DIRECTORY or ~/.local/state/thron-connector",
    )
    secret_key: Annotated[SecretStr, AfterValidator(_secret_keys)] | None = Field(
        None,
        description="encrypts the secrets in the database, the same for every replica; after a"
        " change the new one, a space, and the old one; unset: SQLite has a key file beside it,"
        " PostgreSQL gets no secrets",
    )
    origin_hosts: Hosts = Field(
        ("*.thron.com",),
        description="hosts that content can come from; plain http and private addresses only for"
        " hosts named here in full",
    )
    ca_file: ReadableFile | None = Field(
        None, description="more certificate authorities (PEM) for connections to THRON"
    )
    outbound_proxy: Annotated[SecretStr, AfterValidator(_proxy_url)] | None = Field(
        None, description="HTTP proxy towards THRON, with user and password where it wants them"
    )
    referer: FieldValue | None = Field(
        None, description="Referer sent to origins, for a tenant with domain protection"
    )
    user_agent: FieldValue | None = Field(None, description="User-Agent sent to origins")
    resolution_ttl_s: Seconds = Field(
        60, description="how long a resolved address counts without asking THRON again"
    )
    negative_ttl_s: Seconds = Field(10, description="the same for an address without content")
    stale_if_error_s: Seconds = Field(
        86400, description="how long known addresses go on while THRON cannot answer"
    )
    max_resolutions: int = Field(
        100_000, ge=1, description="resolved addresses kept in memory, in each delivery process"
    )
    sync_interval_s: float = Field(
        600,
        ge=0,
        allow_inf_nan=False,
        description="how often changed contents are listed, and every sixth time all; 0: only when"
        " asked",
    )
    purge_hooks: ReadableFile | None = Field(
        None,
        description="TOML file: the caches in front to notify when a content changes"
        " (docs/caches.md)",
    )
    max_connections: int | None = Field(
        None,
        ge=1,
        description="open connections of clients; when full, the longest idle one of the address"
        " with the most is closed; unset: as many as the limit of open files allows, 10000 at most",
    )
    max_downloads: int = Field(
        2000, ge=1, description="downloads at once; more get 503, where no stalled one gives way"
    )
    max_downloads_per_client: int = Field(
        0, ge=0, description="the same for one client address; more get 429; 0: no limit"
    )
    min_rate_bytes_s: int = Field(
        1024, ge=0, description="a client that takes less, averaged over 300 s, is let go"
    )
    connect_timeout_s: Seconds = Field(5, description="to connect to THRON or an origin")
    first_byte_timeout_s: Seconds = Field(15, description="for an origin's answer to begin")
    read_gap_s: Seconds = Field(15, description="between two reads from an origin")
    pump: Pump = Field(
        Pump.AUTO,
        description="auto, or the one pump to use where it can be, in case of trouble: ordinary,"
        " direct or splice",
    )
    lame_duck_s: float = Field(
        5,
        ge=0,
        allow_inf_nan=False,
        description="after SIGTERM connections are still taken for so long, while /readyz is 503",
    )
    drain_s: float = Field(
        3600, ge=0, description="how long active downloads have to finish, on a stop or a reload"
    )
    workers: int = Field(
        1,
        ge=1,
        le=64,
        description="delivery processes on this machine, beside one for the console, with limits on"
        " connections, downloads and questions to THRON together; 1: one process does everything",
    )
    admin_password_hash: Annotated[SecretStr, AfterValidator(_password_hash)] | None = Field(
        None,
        description="argon2id hash of the console's password; unset: a link to set one is printed"
        " at the first start",
    )
    admin_hosts: HostNames = Field(
        (),
        description="names that the console answers to, such as console.example.com; loopback"
        " names and IP addresses it always answers to",
    )
    log_level: Annotated[str, AfterValidator(_level)] = Field(
        "info", description="debug, info, warning or error"
    )

    @property
    def is_set_up(self) -> bool:
        """Whether credentials are given."""
        return self.client_id is not None

    @property
    def secret_keys(self) -> tuple[str, ...]:
        """The keys of the database's secrets, newest first."""
        return tuple(self.secret_key.get_secret_value().split()) if self.secret_key else ()

    @property
    def api_base(self) -> str:
        """Base URL of THRON's API (docs/thron.md 1.1)."""
        return self.api_url or f"https://{self.client_id}-view.thron.com"

    @property
    def cdn_base(self) -> str:
        """Base URL of THRON's public delivery (docs/thron.md 1.1)."""
        return self.cdn_url or f"https://{self.client_id}-cdn.thron.com"

    @property
    def proxies(self) -> TrustedProxies:
        """The proxies in front, and the fields that they write."""
        return TrustedProxies(self.trusted_proxies, self.forwarded)

    @property
    def can_force_https(self) -> bool:
        """Whether a request can ever be known to be HTTPS: natively or by a trusted proxy."""
        return self.tls_listen is not None or bool(self.trusted_proxies)

    @property
    def has_unnamed_proxy(self) -> bool:
        """Whether clients reach the listeners only by a proxy in front, and none is trusted."""
        if self.trusted_proxies or self.public_url is None:
            return False
        public = URL(self.public_url)
        ends_tls = public.scheme == "https" and self.tls_listen is None
        is_local = _is_loopback(self.listen.host) and not _is_loopback(public.host or "")
        return ends_tls or (is_local and self.tls_listen is None)

    @property
    def is_public_url_guessed(self) -> bool:
        """Whether ``public_base`` is a guess, to be marked so wherever it is printed."""
        return self.public_url is None

    @property
    def public_base(self) -> str:
        """Base of every URL that we print."""
        if self.public_url is not None:
            return self.public_url
        host = self.listen.host
        if host in {"0.0.0.0", "::"}:
            host = socket.gethostname()
        return f"http://{Listen(host=host, port=self.listen.port)}"

    @property
    def secure_base(self) -> str:
        """The https base of the same URLs."""
        public = URL(self.public_base)
        if public.scheme == "https":
            return self.public_base
        port = self.tls_listen.port if self.tls_listen is not None else 443
        return str(public.with_scheme("https").with_port(port)).rstrip("/")

    def database(self, environ: Mapping[str, str]) -> str:
        """Return the database URL, in the state directory of this machine where none is set."""
        if self.database_url is not None:
            return self.database_url
        return f"sqlite+aiosqlite:///{state_directory(environ) / 'connector.db'}"


def state_directory(environ: Mapping[str, str]) -> Path:
    """Return where the connector keeps its state on this machine; it may not be there yet."""
    if state := environ.get("STATE_DIRECTORY", "").split(":")[0]:
        return Path(state).absolute()
    # Only now: a user of a container has no home.
    return (Path(environ.get("HOME") or Path.home()) / ".local/state/thron-connector").absolute()


def env_name(field: str) -> str:
    """Return the environment name of a settings field."""
    return PREFIX + field.upper()


def load(environ: Mapping[str, str]) -> Settings:
    """Return the settings of an environment.

    Args:
        environ: Names and values, such as ``os.environ``; only ``TDC_*`` is read.

    Raises:
        ConfigurationError: With every problem, each naming its setting and the fix.
    """
    problems: list[str] = []
    values = _from_toml(environ, problems) | _from_environment(environ, problems)
    problems += (
        f"{env_name(name)} is missing: {fix}"
        for names, fix in _TOGETHER
        if any(name in values for name in names)
        for name in names
        if name not in values
    )
    return _validated(values, problems)


def dump(settings: Settings) -> dict[str, Any]:
    """Return settings as a JSON document, secrets too: for other processes of this connector."""
    secrets = {
        name: value.get_secret_value() for name, value in settings if isinstance(value, SecretStr)
    }
    return settings.model_dump(mode="json") | secrets


def restore(document: Mapping[str, Any]) -> Settings:
    """Return the settings that ``dump`` made a document of.

    Raises:
        ConfigurationError: A file that they name cannot be read any more.
    """
    return _validated(document, [])


def listen_address(environ: Mapping[str, str]) -> Listen:
    """Return TDC_LISTEN, whatever is wrong with the other settings; its default if it is itself."""
    values = _from_toml(environ, []) | _from_environment(environ, [])
    try:
        return Settings.model_validate({"listen": values["listen"]}).listen
    except (KeyError, ValidationError):
        return Settings().listen


def table() -> tuple[tuple[str, str, str], ...]:
    """Return name, default and help of every setting, in the order of docs/settings.md."""
    rows = []
    for name, field in Settings.model_fields.items():
        match field.default:
            case None | ():
                default = "unset"
            case tuple(values):
                default = ",".join(values)
            case float(number):
                default = f"{number:g}"
            case other:
                default = str(other)
        rows.append((env_name(name), default, field.description or ""))
    return tuple(rows)


def _validated(values: Mapping[str, Any], problems: list[str]) -> Settings:
    try:
        settings = Settings.model_validate(values)
    except ValidationError as exc:
        problems += (
            f"{env_name(str(error['loc'][0]))}: {error['msg'].removeprefix('Value error, ')}"
            for error in exc.errors(include_url=False, include_input=False)
        )
    if problems:
        raise ConfigurationError(problems)
    return settings


def _from_environment(environ: Mapping[str, str], problems: list[str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for variable, text in environ.items():
        if not variable.startswith(PREFIX) or variable == PREFIX + "CONFIG":
            continue
        name = variable.removeprefix(PREFIX).lower()
        if name in Settings.model_fields:
            if text.strip():  # an empty variable is how compose files say "not set"
                values[name] = text.strip()
        elif (target := name.removesuffix("_file")) in Settings.model_fields and target != name:
            try:
                values.setdefault(target, Path(text).read_text("utf-8").strip())
            except (OSError, UnicodeDecodeError) as exc:
                fix = "name a readable text file"
                problems.append(f"{variable}: cannot read {text}: {exc}; {fix}")
        else:
            problems.append(f"{variable} is not a setting{_nearest(name, env_name)}")
    return values


def _from_toml(environ: Mapping[str, str], problems: list[str]) -> dict[str, Any]:
    path = environ.get(PREFIX + "CONFIG")
    if not path:
        return {}
    try:
        document = tomllib.loads(Path(path).read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        problems.append(f"TDC_CONFIG: cannot read {path}: {exc}")
        return {}
    problems += (
        f"{path}: {name} is not a setting{_nearest(name, str)}"
        for name in document.keys() - Settings.model_fields.keys()
    )
    return {name: document[name] for name in document.keys() & Settings.model_fields.keys()}


def _nearest(name: str, spell: Callable[[str], str]) -> str:
    meant = closest(name, Settings.model_fields)
    return f"; did you mean {spell(meant)}?" if meant else "; see thron-connector serve --help"
