"""The Kubernetes manifests: valid by the API's schema, and in agreement with each other."""

from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from proxy import __version__
from tests.deploy.recipes import DEPLOY, loaded

MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
OLDEST = "1.30"  # the first with a sleep in preStop


def _of_kind(kind: str) -> dict[str, Any]:
    documents = [yaml.safe_load(path.read_text("utf-8")) for path in MANIFESTS]
    (found,) = [each for each in documents if each["kind"] == kind]
    manifest: dict[str, Any] = found
    return manifest


POD: dict[str, Any] = _of_kind("Deployment")["spec"]["template"]
CONTAINER: dict[str, Any] = POD["spec"]["containers"][0]


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.stem)
def test_valid(path: Path) -> None:
    """A manifest is one that the API takes, with no key that it does not know."""
    kubernetes_validate.validate(yaml.safe_load(path.read_text("utf-8")), OLDEST, strict=True)


def test_settings(tmp_path: Path) -> None:
    """The connector starts with what the Deployment and the Secret give it."""
    secret = _of_kind("Secret")["stringData"]
    secret |= {"secret-key": "x" * 44, "admin-password-hash": f"$argon2id${'x' * 40}"}
    for name, text in secret.items():
        (tmp_path / name).write_text(text)
    (mount,) = CONTAINER["volumeMounts"]
    environ = {each["name"]: each["value"] for each in CONTAINER["env"]}
    settings = loaded(environ, secrets={mount["mountPath"]: tmp_path})
    assert settings.is_set_up
    assert settings.secret_keys
    assert not settings.has_unnamed_proxy


def test_image_is_the_release() -> None:
    """The Deployment names the image of this release."""
    assert CONTAINER["image"].endswith(f"/thron-connector:{__version__}")


def test_parts_agree() -> None:
    """Service, budget and volume name the pods and the Secret that there are."""
    labels = POD["metadata"]["labels"]
    assert _of_kind("Deployment")["spec"]["selector"]["matchLabels"] == labels
    assert _of_kind("Service")["spec"]["selector"] == labels
    assert _of_kind("PodDisruptionBudget")["spec"]["selector"]["matchLabels"] == labels
    (volume,) = POD["spec"]["volumes"]
    assert volume["secret"]["secretName"] == _of_kind("Secret")["metadata"]["name"]


def test_downloads_may_finish() -> None:
    """Kubernetes waits until the pod is forgotten, for running downloads, and a little more."""
    settings = {each["name"]: each["value"] for each in CONTAINER["env"]}
    lame_duck_s, drain_s = int(settings["TDC_LAME_DUCK_S"]), int(settings["TDC_DRAIN_S"])
    assert POD["spec"]["terminationGracePeriodSeconds"] > lame_duck_s + drain_s


def test_pod_has_no_rights() -> None:
    """The pod runs as the image's user, cannot write its root, and may do nothing special."""
    whole, own = POD["spec"]["securityContext"], CONTAINER["securityContext"]
    assert f"USER {whole['runAsUser']}:" in (DEPLOY / "Dockerfile").read_text("utf-8")
    assert whole["runAsNonRoot"]
    assert own["readOnlyRootFilesystem"]
    assert not own["allowPrivilegeEscalation"]
    assert own["capabilities"] == {"drop": ["ALL"]}
