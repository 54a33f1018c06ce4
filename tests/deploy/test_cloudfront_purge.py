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
handler: Callable[..., dict[str, int]] = FUNCTION["handler"]
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


def test_standard_webhooks() -> None:
    """What any Standard Webhooks library signs is taken (their published example)."""
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    assert is_ours(headers, '{"test": 2432232314}', secret=secret, now=1_614_265_330)


@pytest.mark.parametrize("event", [{"headers": {}}, {"headers": {}, "body": "{}"}])
def test_a_stranger_s_request(event: dict[str, Any]) -> None:
    """It is refused, and nothing of AWS is asked."""
    environ = {"WEBHOOK_SECRET": "whsec_c2VjcmV0IG9mIGEgaG9vaw==\n"}
    assert handler(event, None, environ=environ) == {"statusCode": 403}


def test_invalidation(tmp_path: Path) -> None:
    """Tags are invalidated, once for each message."""
    _, body = message(tmp_path, "s3cret")
    assert invalidation(body) == {
        "CallerReference": "7-0",
        "Paths": {"Quantity": 2, "Items": ["#connector-files", "#content-b%2Fc"]},
    }
