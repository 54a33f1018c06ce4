"""Turns switches and faults into the behaviour in which bytes are sent."""

from dataclasses import replace
from typing import Any

from proxy.sandbox.faults import Fault, Faults, Kind
from proxy.sandbox.static import ServerBehaviour
from proxy.sandbox.switches import Switches


def of_static(switches: Switches) -> ServerBehaviour:
    """Return how the CDN sends published files."""
    return ServerBehaviour(
        ranges=switches.static_ranges,
        length=switches.static_length,
        validator=switches.static_validator,
        last_modified=switches.static_validator != "none",
        head_refused=not switches.static_head,
        multi_range=switches.static_multi_range,
    )


def of_source(switches: Switches) -> ServerBehaviour:
    """Return how source files are sent, by the API host or by the storage."""
    return ServerBehaviour(
        ranges=switches.source_ranges,
        length=switches.source_length,
        validator=switches.source_validator,
        last_modified=switches.source_validator != "none",
        head_refused=not switches.source_head,
        multi_range="whole",
    )


def with_faults(
    behaviour: ServerBehaviour, striking: tuple[Fault, ...], faults: Faults
) -> ServerBehaviour:
    """Return a behaviour with what goes wrong added."""
    changes: dict[str, Any] = {}
    for fault in striking:
        changes.update(_changes(fault))
    return replace(behaviour, **changes, go_on=faults.go_on) if changes else behaviour


def _changes(fault: Fault) -> dict[str, Any]:
    changes: dict[Kind, dict[str, Any]] = {
        # Without an octet to stall or reset at, both happen before the answer: see edge.
        Kind.STALL: {"stall_at": fault.at},
        Kind.RESET: {"reset_at": fault.at},
        Kind.TRUNCATED: {"truncate_at": fault.at or 0},
        Kind.TRICKLE: {"trickle_bytes_s": fault.octets_per_s},
        Kind.MEDIA_TYPE: {"media_type": fault.media_type},
        Kind.NO_LENGTH: {"length": False},
        Kind.NO_VALIDATOR: {"validator": "none", "last_modified": False},
        Kind.WEAK_VALIDATOR: {"validator": "weak"},
        Kind.CHANGING_VALIDATOR: {"validator": "changing"},
        Kind.RANGE_IGNORED: {"ranges": False},
        Kind.RANGE_SHIFTED: {"range_shifted": True},
        Kind.CODED: {"coded": True},
        Kind.HEAD_REFUSED: {"head_refused": True},
    }
    return changes.get(fault.kind, {})
