"""Content codings of an answer that was asked for without any.

This gateway asks origins for ``identity``, and neither codes nor decodes. An origin that codes all
the same may be passed on to a client that says it can decode it, and to no other.
"""

import re

from multidict import MultiMapping

from proxy.semantics.entity_tags import parse_entity_tag
from proxy.semantics.field_lines import TOKEN, combined

_PARTIAL = 206
_CODING = re.compile(TOKEN)
_WEIGHT = re.compile(r"[qQ]=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)")
_IDENTITY = "identity"
# Other names of the same (RFC 9110, 8.4.1).
_SAME = {"x-gzip": "gzip", "x-compress": "compress"}


def codings(fields: MultiMapping[str]) -> tuple[str, ...] | None:
    """Return the codings of an answer in lower case, in the order applied.

    Returns:
        Empty for an answer as it is; None where Content-Encoding cannot be read, so that nobody
        knows what the octets are.

    RFC 9110, 8.4.
    """
    if "Content-Encoding" not in fields:
        return ()
    listed = combined(fields, "Content-Encoding") or ""
    names = [name for name in (item.strip(" \t").lower() for item in listed.split(",")) if name]
    if any(_CODING.fullmatch(name) is None for name in names):
        return None
    return tuple(_SAME.get(name, name) for name in names if name != _IDENTITY)


def is_acceptable(fields: MultiMapping[str], *, status: int, accept_encoding: str | None) -> bool:
    """Tell whether a client that accepts these codings can read the content of an answer.

    A part of coded content is of use only beside parts of the very same octets; codings that are
    made anew for each answer differ, so that it takes a strong entity-tag (RFC 9110, 8.8.1).

    Args:
        fields: The answer's field section.
        status: 200 or 206.
        accept_encoding: The client's Accept-Encoding, repeated lines combined. Without one RFC
            9110, 12.5.3 allows any coding, but such clients save what comes as the file.
    """
    applied = codings(fields)
    if not applied:
        return applied is not None
    if status == _PARTIAL:
        tag = parse_entity_tag(combined(fields, "ETag") or "")
        if tag is None or tag.weak:
            return False
    weights = _weights(accept_encoding or "")
    return all(weights.get(name, weights.get("*", 0)) > 0 for name in applied)


def _weights(accept_encoding: str) -> dict[str, float]:
    """Return the weight of each coding that is named; members that cannot be read do not count."""
    weights: dict[str, float] = {}
    for member in accept_encoding.split(","):
        name, semicolon, parameter = (part.strip(" \t") for part in member.partition(";"))
        weight = _WEIGHT.fullmatch(parameter)
        if _CODING.fullmatch(name) and (weight is not None or not semicolon):
            known = _SAME.get(name.lower(), name.lower())
            weights[known] = float(weight[1]) if weight is not None else 1.0
    return weights
