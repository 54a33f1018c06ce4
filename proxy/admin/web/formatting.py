"""Amounts as people read them: octets, rates, spans of time, shares; pure."""

from proxy.admin.web.i18n import Language, Words

_UNIT = 1000  # decimal units, as disks, networks and browsers have them
_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
_MINUTE_S, _HOUR_S = 60, 3600


def octets(amount: float, words: Words) -> str:
    """Return a number of octets, such as ``1.2 MB``."""
    scaled, unit = float(amount), _UNITS[0]
    for bigger in _UNITS[1:]:
        if scaled < _UNIT - 0.5:
            break
        scaled, unit = scaled / _UNIT, bigger
    return f"{_short(scaled, words, is_whole=unit == 'B')} {unit}"


def rate(octets_s: float, words: Words) -> str:
    """Return a rate, such as ``1.2 MB/s``."""
    return f"{octets(octets_s, words)}/s"


def span(seconds: float, words: Words) -> str:
    """Return a span of time, such as ``45 ms``, ``1.2 s``, ``3 min 5 s``, ``2 h 10 min``."""
    if seconds < 1:
        return f"{round(seconds * 1000)} ms"
    if seconds < _MINUTE_S:
        return f"{_short(seconds, words)} s"
    if seconds < _HOUR_S:
        minutes, rest = divmod(int(seconds), _MINUTE_S)
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, rest = divmod(int(seconds), _HOUR_S)
    minutes = rest // _MINUTE_S
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def share(part: int, whole: int, words: Words) -> str:
    """Return a share in percent; it is 100 % or 0 % only where nothing, or all, is missing."""
    if part in {0, whole}:
        return "0 %" if part == 0 else "100 %"
    return f"{_decimal(min(99.9, max(0.1, 100 * part / whole)), words, digits=1)} %"


def _short(value: float, words: Words, *, is_whole: bool = False) -> str:
    has_digits = not is_whole and value < 100 - 0.05
    return _decimal(value, words, digits=1 if has_digits else 0)


def _decimal(value: float, words: Words, *, digits: int) -> str:
    text = f"{value:.{digits}f}"
    return text.replace(".", ",") if words.language is Language.ITALIAN else text
