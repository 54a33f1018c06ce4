# ruff: noqa: INP001 - one file, for Lambda
"""A Lambda function (function URL, Python 3.11) that purges CloudFront as the connector orders.

For the preset "webhook" of a purge hook; docs/caches.md has the rest. Its role needs
cloudfront:CreateInvalidation; its environment DISTRIBUTION_ID, and WEBHOOK_SECRET, which is what
the hook's secret_file holds.
"""

import base64
import hashlib
import hmac
import json
import os
import time
from collections.abc import Mapping
from typing import Any

# Older messages are a recording that somebody plays back (https://www.standardwebhooks.com).
_TOLERANCE_S = 300


def is_ours(headers: Mapping[str, str], body: str, *, secret: str, now: float) -> bool:
    """Tell whether the connector has sent a message, and just now."""
    id_, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not timestamp.isdecimal() or abs(now - int(timestamp)) > _TOLERANCE_S:
        return False
    key = secret.encode()
    if secret.startswith("whsec_"):
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    digest = hmac.digest(key, f"{id_}.{timestamp}.{body}".encode(), hashlib.sha256)
    expected = f"v1,{base64.b64encode(digest).decode()}"
    return hmac.compare_digest(headers.get("webhook-signature", "").encode(), expected.encode())


def invalidation(body: str) -> dict[str, Any]:
    """Return the InvalidationBatch of a message; a repeated one is not a second one."""
    message = json.loads(body)
    items = [f"#{tag}" for tag in message["data"]["tags"]]
    return {
        "CallerReference": message["id"],
        "Paths": {"Quantity": len(items), "Items": items},
    }


def handler(
    event: Mapping[str, Any], _: object, *, environ: Mapping[str, str] = os.environ
) -> dict[str, int]:
    """Answer a message of the connector; what fails is sent again."""
    body = event.get("body", "")
    if event.get("isBase64Encoded"):
        body = base64.b64decode(body).decode()
    secret = environ["WEBHOOK_SECRET"].strip()
    if not is_ours(event["headers"], body, secret=secret, now=time.time()):
        return {"statusCode": 403}
    import boto3  # noqa: PLC0415 - Lambda has it, the tests do not

    boto3.client("cloudfront").create_invalidation(
        DistributionId=environ["DISTRIBUTION_ID"], InvalidationBatch=invalidation(body)
    )
    return {"statusCode": 204}
