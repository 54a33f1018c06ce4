"""The function for CloudFront takes what the hook sends, and nothing else."""

import runpy
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from proxy.edge.hooks import read_hooks
from tests.deploy.recipes import DEPLOY

FUNCTION = runpy.run_path(str(DEPLOY / "cloudfront_purge.py"))
is_ours: Callable[..., bool] = FUNCTION["is_ours"]
invalidation: Callable[[str], dict[str, Any]] = FUNCTION["invalidation"]
NOW = 1_700_000_000
TAGS = ["connector-files", "content-b%2Fc"]


def message(home: Path, secret: str) -> tuple[Mapping[str, str], str]:
    """Return what the connector sends for TAGS."""
    (home / "secret").write_text(secret)
    (file := home / "hooks.toml").write_text(
        f'hook = [{{name = "c", preset = "webhook", url = "https://x/", '
        f'secret_file = "{home / "secret"}"}}]'
    )
    (hook,) = read_hooks(file)
    (request,) = hook.requests(TAGS, message="7", timestamp=NOW)
    return request.fields, request.body.decode()


@pytest.mark.parametrize("secret", ["s3cret", "whsec_c2VjcmV0IG9mIGEgaG9vaw=="])
def test_signed(tmp_path: Path, secret: str) -> None:
    """By the hook's secret a message is known; a changed, old or unsigned one is refused."""
    headers, body = message(tmp_path, secret)
    assert is_ours(headers, body, secret=secret, now=NOW + 100)
    assert not is_ours(headers, body, secret="another", now=NOW)
    assert not is_ours(headers, body.replace("files", "other"), secret=secret, now=NOW)
    assert not is_ours(headers, body, secret=secret, now=NOW + 301)
    assert not is_ours({}, body, secret=secret, now=NOW)


def test_invalidation(tmp_path: Path) -> None:
    """Tags are invalidated, once for each message."""
    _, body = message(tmp_path, "s3cret")
    assert invalidation(body) == {
        "CallerReference": "7-0",
        "Paths": {"Quantity": 2, "Items": ["#connector-files", "#content-b%2Fc"]},
    }
