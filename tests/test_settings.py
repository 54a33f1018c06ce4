"""Settings: one table, every problem at once, no secret in any message."""

from ipaddress import ip_network
from pathlib import Path

import pytest

from proxy.errors import ConfigurationError
from proxy.settings import Listen, Settings, env_name, load, table
from tests.settings_documents import (
    ENV_EXAMPLE,
    HANDBOOK,
    REMEDY,
    in_env_example,
    in_markdown,
    marked,
)

SECRET = "k3y-that-nobody-may-read"
CREDENTIALS = {"TDC_CLIENT_ID": "acme", "TDC_APP_ID": "app", "TDC_APP_KEY": SECRET}


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        pytest.param("listen", "127.0.0.1:80", Listen(host="127.0.0.1", port=80), id="address"),
        pytest.param("listen", "[::]:8080", Listen(host="::", port=8080), id="IPv6 address"),
        pytest.param("admin_listen", "localhost:0", Listen(host="localhost", port=0), id="name"),
        pytest.param("api_url", "https://a.example/", "https://a.example", id="slash at the end"),
        pytest.param("cdn_url", "http://127.0.0.1:9000", "http://127.0.0.1:9000", id="plain base"),
        pytest.param("public_url", "https://a.example/dl", "https://a.example/dl", id="below"),
        pytest.param(
            "trusted_proxies",
            "10.0.0.0/8, ::1",
            (ip_network("10.0.0.0/8"), ip_network("::1/128")),
            id="networks",
        ),
        pytest.param("trusted_proxies", "10.1.2.3/8", (ip_network("10.0.0.0/8"),), id="host bits"),
        pytest.param("forwarded", "Forwarded", ("forwarded",), id="RFC 7239"),
        pytest.param(
            "forwarded",
            "X-Forwarded-For, X-Forwarded-Proto",
            ("x-forwarded-for", "x-forwarded-proto"),
            id="forwarding fields",
        ),
        pytest.param(
            "origin_hosts",
            "*.Thron.com,files.example.com:8443 [::1]:9",
            ("*.thron.com", "files.example.com:8443", "[::1]:9"),
            id="hosts",
        ),
        pytest.param("source_path", "/api/{clientId}/file", "/api/{clientId}/file", id="path"),
        pytest.param("connect_timeout_s", "0.5", 0.5, id="seconds"),
        pytest.param("drain_s", "0", 0, id="no drain"),
        pytest.param("max_downloads", " 7 ", 7, id="blanks around"),
        pytest.param("log_level", "DEBUG", "debug", id="level in capitals"),
        pytest.param("referer", "https://www.example.com/", "https://www.example.com/", id="field"),
    ],
)
def test_good_value(name: str, text: str, value: object) -> None:
    """A value in an operator's spelling becomes what it means."""
    assert getattr(load({env_name(name): text}), name) == value


@pytest.mark.parametrize(
    ("name", "text", "fix"),
    [
        pytest.param("listen", "8080", "HOST:PORT", id="port alone"),
        pytest.param("listen", "0.0.0.0:65536", "HOST:PORT", id="port too high"),
        pytest.param("listen", ":8080", "HOST:PORT", id="no host"),
        pytest.param("listen", "0.0.0.0:http", "HOST:PORT", id="port by name"),
        pytest.param("api_url", "acme-view.thron.com", "https://", id="no scheme"),
        pytest.param("api_url", "ftp://acme.example", "https://", id="other scheme"),
        pytest.param("api_url", "https://a.example/?q=1", "without query", id="query"),
        pytest.param("api_url", f"https://u:{SECRET}@a.example", "user", id="password in a base"),
        pytest.param("public_url", "https://[::1", "https://", id="broken host"),
        pytest.param("trusted_proxies", "10.0.0.0/8,office", "10.0.0.0/8", id="no network"),
        pytest.param("forwarded", "forwarded,x-forwarded-for", "forwarded alone", id="both kinds"),
        pytest.param("forwarded", "x-real-ip", "x-forwarded-for", id="another field"),
        pytest.param("origin_hosts", "https://a.example", "*.thron.com", id="URL for a host"),
        pytest.param("origin_hosts", "a.*.com", "*.thron.com", id="star in the middle"),
        pytest.param("source_path", "https://a.example/x", "content/downloadSource", id="URL"),
        pytest.param("source_path", "/api/x?clientId=acme", "clientId", id="query in a path"),
        pytest.param("source_path", "/api/{tenant}/x", "{clientId}", id="another placeholder"),
        pytest.param("connect_timeout_s", "0", "greater than 0", id="no time"),
        pytest.param("connect_timeout_s", "inf", "finite", id="for ever"),
        pytest.param("read_gap_s", "nan", "", id="no number"),
        pytest.param("drain_s", "-1", "greater than or equal to 0", id="negative"),
        pytest.param("resolution_ttl_s", "a while", "valid number", id="words"),
        pytest.param("max_downloads", "0", "greater than or equal to 1", id="none"),
        pytest.param("max_downloads", "1.5", "valid integer", id="half a download"),
        pytest.param("log_level", "loud", "debug, info, warning, error", id="level"),
        pytest.param("referer", "https://a.example/\r\nX: y", "printable", id="field injection"),
        pytest.param("user_agent", "Grüße", "ASCII", id="not ASCII"),
        pytest.param("outbound_proxy", "proxy:3128", "http://user:password@", id="no proxy URL"),
        pytest.param("ca_file", "/nowhere/ca.pem", "/nowhere/ca.pem", id="no file"),
        pytest.param("client_id", "https://acme.thron.com", "such as acme", id="URL for a tenant"),
    ],
)
def test_bad_value(name: str, text: str, fix: str) -> None:
    """A value that cannot be used is told by its setting's name, with the fix."""
    with pytest.raises(ConfigurationError) as caught:
        load({**CREDENTIALS, env_name(name): text})
    (problem,) = caught.value.problems
    assert problem.startswith(f"{env_name(name)}: ")
    assert fix in problem
    assert SECRET not in problem


def test_every_problem_at_once(tmp_path: Path) -> None:
    """One start tells all that is wrong, wherever it stands."""
    toml = tmp_path / "connector.toml"
    toml.write_text('drain_s = -1\nlog_lvel = "info"\n')
    with pytest.raises(ConfigurationError) as caught:
        load(
            {
                "TDC_CONFIG": str(toml),
                "TDC_CLIENT_ID": "acme",
                "TDC_LISTEN": "80",
                "TDC_MAX_DOWNLOAD": "5",
                "TDC_REFERER_FILE": str(tmp_path / "none"),
                "TDC_TLS_CERT": "/nowhere/cert.pem",
            }
        )
    told = "\n".join(caught.value.problems)
    for words in (
        "TDC_DRAIN_S: ",
        "log_lvel is not a setting; did you mean log_level?",
        "TDC_APP_ID is missing",
        "TDC_APP_KEY is missing",
        "TDC_LISTEN: ",
        "TDC_MAX_DOWNLOAD is not a setting; did you mean TDC_MAX_DOWNLOADS?",
        "TDC_REFERER_FILE: cannot read",
        "TDC_TLS_CERT: cannot read /nowhere/cert.pem",
        "TDC_TLS_KEY is missing",
        "TDC_TLS_LISTEN is missing",
    ):
        assert words in told
    assert len(caught.value.problems) == 10


def test_unlike_any_setting() -> None:
    """A name that is near to none is told with where the names stand."""
    with pytest.raises(ConfigurationError, match="serve --help"):
        load({"TDC_ZZZZZZZZ": "1"})


def test_nothing_given_is_the_set_up_state() -> None:
    """Without any setting the connector can start, to be set up."""
    settings = load({"PATH": "/bin", "TDC_LISTEN": ""})
    assert not settings.is_set_up
    assert settings == Settings()


def test_precedence(tmp_path: Path) -> None:
    """The environment goes before the file it names, before TOML, before the default."""
    toml = tmp_path / "connector.toml"
    toml.write_text('drain_s = 1\nread_gap_s = 1\nlog_level = "error"\n')
    named = tmp_path / "two"
    named.write_text("2\n")
    settings = load(
        {
            "TDC_CONFIG": str(toml),
            "TDC_DRAIN_S_FILE": str(named),
            "TDC_READ_GAP_S_FILE": str(named),
            "TDC_READ_GAP_S": "3",
        }
    )
    assert (settings.drain_s, settings.read_gap_s, settings.log_level) == (2, 3, "error")
    assert settings.connect_timeout_s == Settings().connect_timeout_s


def test_lists_in_toml(tmp_path: Path) -> None:
    """TOML has lists of its own, and text with commas means the same."""
    toml = tmp_path / "connector.toml"
    toml.write_text('origin_hosts = ["a.example", "b.example"]\ntrusted_proxies = "::1"\n')
    settings = load({"TDC_CONFIG": str(toml)})
    assert settings.origin_hosts == ("a.example", "b.example")
    assert settings.trusted_proxies == (ip_network("::1"),)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b'app_key = "' + SECRET.encode(), id="broken TOML"),
        pytest.param(b"\xff\xfe" + SECRET.encode(), id="no UTF-8"),
        pytest.param(f'app_key = ["{SECRET}"]\nclient_id = 5'.encode(), id="wrong types"),
        pytest.param(f'app_key = "{SECRET}"'.encode(), id="companions missing"),
    ],
)
def test_bad_file_is_told_without_what_it_holds(tmp_path: Path, text: bytes) -> None:
    """A TOML file that cannot be used is named; no value of it is repeated."""
    toml = tmp_path / "connector.toml"
    toml.write_bytes(text)
    with pytest.raises(ConfigurationError) as caught:
        load({"TDC_CONFIG": str(toml)})
    assert SECRET not in str(caught.value) + repr(caught.value)


def test_secrets_by_file(tmp_path: Path) -> None:
    """A secret may come from a file, whose last line break is not part of it."""
    key = tmp_path / "key"
    key.write_text(f"{SECRET}\n")
    settings = load({"TDC_CLIENT_ID": "acme", "TDC_APP_ID": "app", "TDC_APP_KEY_FILE": str(key)})
    assert settings.app_key is not None
    assert settings.app_key.get_secret_value() == SECRET
    assert settings.is_set_up


def test_secrets_stay_out_of_repr() -> None:
    """Neither the app key nor the database's password shows when settings are printed."""
    database = f"postgresql+asyncpg://connector:{SECRET}@db.example/connector"
    settings = load({**CREDENTIALS, "TDC_DATABASE_URL": database})
    assert SECRET not in f"{settings!r} {settings} {settings.app_key}"


def test_bases_of_the_tenant() -> None:
    """API and delivery are the tenant's hosts unless others are named."""
    settings = load(CREDENTIALS)
    assert settings.api_base == "https://acme-view.thron.com"
    assert settings.cdn_base == "https://acme-cdn.thron.com"
    assert load({**CREDENTIALS, "TDC_CDN_URL": "http://a"}).cdn_base == "http://a"


@pytest.mark.parametrize(
    ("given", "plain", "secure"),
    [
        pytest.param(
            {"TDC_LISTEN": "192.0.2.1:8080"},
            "http://192.0.2.1:8080",
            "https://192.0.2.1",
            id="guessed",
        ),
        pytest.param(
            {"TDC_PUBLIC_URL": "https://dl.example/x"},
            "https://dl.example/x",
            "https://dl.example/x",
            id="https",
        ),
        pytest.param(
            {"TDC_PUBLIC_URL": "http://dl.example:8080"},
            "http://dl.example:8080",
            "https://dl.example",
            id="plain",
        ),
    ],
)
def test_bases_of_printed_urls(given: dict[str, str], plain: str, secure: str) -> None:
    """Printed URLs have the base that is set, or a guess that is marked as one."""
    settings = load(given)
    assert (settings.public_base, settings.secure_base) == (plain, secure)
    assert settings.is_public_url_guessed == ("TDC_PUBLIC_URL" not in given)


def test_guess_of_every_interface() -> None:
    """Where every interface listens, the guess is this machine's name."""
    assert "0.0.0.0" not in load({}).public_base


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        pytest.param(
            {"STATE_DIRECTORY": "/var/lib/a:/var/lib/b", "HOME": "/root"},
            "sqlite+aiosqlite:////var/lib/a/connector.db",
            id="systemd's",
        ),
        pytest.param(
            {"HOME": "/home/x"},
            "sqlite+aiosqlite:////home/x/.local/state/thron-connector/connector.db",
            id="the user's",
        ),
    ],
)
def test_database_in_the_state_directory(environ: dict[str, str], url: str) -> None:
    """Unless set, the database is a file in the state directory of this machine."""
    assert load(environ).database(environ) == url


def test_every_setting_says_what_it_is() -> None:
    """Name, default and help of every field stand in the table, in the fields' order."""
    assert [name for name, _, _ in table()] == [env_name(name) for name in Settings.model_fields]
    assert all(help_ for _, _, help_ in table())


def test_printed_defaults_are_the_defaults() -> None:
    """What the table prints as a default can be given, and changes nothing."""
    printed = {name: default for name, default, _ in table() if default != "unset"}
    assert load(printed) == Settings()


def test_env_example_lists_the_settings() -> None:
    """The example file for systemd and compose holds exactly the table."""
    assert ENV_EXAMPLE.read_text("utf-8") == in_env_example(), REMEDY


def test_handbook_lists_the_settings() -> None:
    """The handbook holds exactly the table, between its two markers."""
    shown = marked(HANDBOOK.read_text("utf-8"))
    assert shown is not None, "put the two markers of settings on lines of docs/settings.md"
    assert shown == in_markdown(), REMEDY


@pytest.mark.parametrize(
    ("changed", "has_proxy"),
    [
        pytest.param({}, False, id="no public URL"),
        pytest.param({"public_url": "https://dl.example.com"}, True, id="https ends elsewhere"),
        pytest.param({"public_url": "http://dl.example.com"}, False, id="plain, reached directly"),
        pytest.param(
            {
                "public_url": "http://dl.example.com",
                "listen": Listen(host="127.0.0.1", port=8080),
            },
            True,
            id="listens on loopback alone",
        ),
        pytest.param(
            {"public_url": "http://localhost", "listen": Listen(host="::1", port=8080)},
            False,
            id="for this machine alone",
        ),
        pytest.param(
            {
                "public_url": "https://dl.example.com",
                "tls_listen": Listen(host="0.0.0.0", port=8443),
            },
            False,
            id="native HTTPS",
        ),
        pytest.param(
            {
                "public_url": "https://dl.example.com",
                "trusted_proxies": (ip_network("10.0.0.0/8"),),
            },
            False,
            id="named",
        ),
    ],
)
def test_has_unnamed_proxy(changed: dict[str, object], *, has_proxy: bool) -> None:
    """A public URL that the listeners cannot be is that of a proxy, which is to be named."""
    assert Settings().model_copy(update=changed).has_unnamed_proxy == has_proxy
