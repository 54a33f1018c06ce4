"""The compose file: what it names is there, and its settings are settings."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from yarl import URL

from proxy.catalogue.engine import place
from proxy.edge.hooks import read_hooks
from tests.deploy.recipes import DEPLOY, loaded

COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
CONNECTOR: dict[str, Any] = COMPOSE["services"]["connector"]


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """Make the secrets as the first comment of the file says."""
    subprocess.run(["sh", DEPLOY / "compose-secrets.sh"], cwd=tmp_path, check=True)
    return tmp_path / "secrets"


def test_settings(secrets: Path) -> None:
    """The connector starts with what the file and the secrets give it."""
    environ = {name: str(value) for name, value in CONNECTOR["environment"].items()}
    environ["TDC_PUBLIC_URL"] = "http://localhost"  # as the file has it where none is exported
    settings = loaded(environ, secrets={"/run/secrets": secrets, "/etc/thron-connector": DEPLOY})
    where = place(settings.database_url or "")
    assert (where.url.host, where.url.database) == ("postgresql", "connector")
    assert where.url.password == (secrets / "database-password").read_text()
    assert settings.secret_keys
    assert not settings.has_unnamed_proxy


def test_secrets_are_made_once(secrets: Path) -> None:
    """A second run changes no secret: the database has the first ones."""
    before = {path.name: path.read_text() for path in secrets.iterdir()}
    again = subprocess.run(
        ["sh", DEPLOY / "compose-secrets.sh"],
        cwd=secrets.parent,
        check=False,
        capture_output=True,
    )
    assert again.returncode != 0
    assert {path.name: path.read_text() for path in secrets.iterdir()} == before
    assert secrets.stat().st_mode & 0o077 == 0
    assert {COMPOSE["secrets"][name]["file"] for name in COMPOSE["secrets"]} == {
        f"secrets/{name}" for name in before
    }


def test_what_services_name_is_there() -> None:
    """Secrets, volumes and files that a service uses are defined or shipped."""
    for service in COMPOSE["services"].values():
        assert set(service.get("secrets", ())) <= COMPOSE["secrets"].keys()
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert source in COMPOSE["volumes"] or (DEPLOY / source).is_file()
        for name in service.get("depends_on", ()):
            assert (
                "healthcheck" in COMPOSE["services"][name] or "build" in COMPOSE["services"][name]
            )
    build = CONNECTOR["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).is_file()


def test_varnish_is_purged() -> None:
    """The hook is a file of the connector's container, and leads to Varnish."""
    place = CONNECTOR["environment"]["TDC_PURGE_HOOKS"]
    (source,) = [each.split(":")[0] for each in CONNECTOR["volumes"] if f":{place}:" in each]
    (hook,) = read_hooks(DEPLOY / source)
    port = COMPOSE["services"]["varnish"]["environment"]["VARNISH_HTTP_PORT"]
    assert hook.url == f"http://127.0.0.1:{port}/"


def test_varnish_reaches_the_connector() -> None:
    """Varnish finds the connector where its recipe says, and the connector believes it."""
    assert COMPOSE["services"]["varnish"]["network_mode"] == "service:connector"
    recipe = (DEPLOY / "varnish.vcl").read_text("utf-8")
    host, port = CONNECTOR["environment"]["TDC_LISTEN"].split(":")
    assert f'.host = "{host}"' in recipe
    assert f'.port = "{port}"' in recipe
    assert CONNECTOR["environment"]["TDC_TRUSTED_PROXIES"] == host


def test_downloads_may_finish() -> None:
    """Compose waits longer than running downloads may take."""
    grace = int(CONNECTOR["stop_grace_period"].removesuffix("s"))
    assert grace > int(CONNECTOR["environment"]["TDC_DRAIN_S"])


def test_console_is_not_public() -> None:
    """The admin listener is published on the machine's loopback alone."""
    published = [port for port in CONNECTOR["ports"] if port.endswith(":8081")]
    assert published == ["127.0.0.1:8081:8081"]


def test_varnish_takes_the_hook() -> None:
    """It is told at the port where it listens, from an address that it lets purge, in its words.

    That Varnish forgets then is shown by the real one (tests/fronts/test_purge_hooks.py).
    """
    recipe, varnish = (DEPLOY / "varnish.vcl").read_text("utf-8"), COMPOSE["services"]["varnish"]
    (hook,) = read_hooks(DEPLOY / "purge-hooks.toml")
    url, (purgers,) = URL(hook.url), re.findall(r"acl purgers \{(.*?)\}", recipe, re.DOTALL)
    assert varnish["network_mode"] == "service:connector"
    assert url.port == varnish["environment"]["VARNISH_HTTP_PORT"]
    assert f'"{url.host}";' in purgers
    assert f'req.method == "{hook.method}"' in recipe
    assert [f"if (req.http.{name}\n" in recipe for name in hook.fields] == [True]
    assert "./varnish.vcl:/etc/varnish/default.vcl:ro" in varnish["volumes"]
