"""Amounts as people read them: sizes, rates, spans of time, shares; pure."""

from proxy.admin.web.i18n import Words

_UNIT = 1000  # decimal units, as disks, networks and browsers have them
_UNITS = ("byte", "kilobyte", "megabyte", "gigabyte", "terabyte", "petabyte")
_MINUTE_S, _HOUR_S = 60, 3600


def size(octets: float, words: Words) -> str:
    """Return a number of bytes, such as ``1.2 MB``."""
    from babel.units import format_unit

    scaled, unit = float(octets), _UNITS[0]
    for bigger in _UNITS[1:]:
        if scaled < _UNIT - 0.5:
            break
        scaled, unit = scaled / _UNIT, bigger
    return format_unit(
        scaled,
        f"digital-{unit}",
        length="long" if unit == "byte" else "short",
        format=_pattern(scaled, is_whole=unit == "byte"),
        locale=words.locale,
    )


def rate(octets_s: float, words: Words) -> str:
    """Return a rate, such as ``1.2 MB/s``."""
    return f"{size(octets_s, words)}/s"


def span(seconds: float, words: Words) -> str:
    """Return a span of time, such as ``45 ms``, ``1.2 s``, ``3 min 5 s``, ``2 h 10 min``.

    These symbols are international (SI); English words for them would be longer.
    """
    from babel.numbers import format_decimal

    if seconds < 1:
        return f"{round(seconds * 1000)} ms"
    if seconds < _MINUTE_S:
        return f"{format_decimal(seconds, _pattern(seconds), locale=words.locale)} s"
    if seconds < _HOUR_S:
        minutes, rest = divmod(int(seconds), _MINUTE_S)
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, rest = divmod(int(seconds), _HOUR_S)
    minutes = rest // _MINUTE_S
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def share(part: int, whole: int, words: Words) -> str:
    """Return a share in percent; it is 100% or 0% only where nothing, or all, is missing."""
    from babel.numbers import format_percent

    if part in {0, whole}:
        value = 1.0 if part else 0.0
    else:
        value = min(0.999, max(0.001, round(part / whole, 3)))
    return format_percent(value, locale=words.locale, decimal_quantization=False)


def _pattern(value: float, *, is_whole: bool = False) -> str:
    """Return the number pattern that shows no more than three digits."""
    return "#,##0" if is_whole or value >= 100 - 0.05 else "#,##0.0"
