"""Which pages of a list are offered beside the one that is shown; pure."""

GAP = 0
"""Stands between pages that do not follow each other."""

_AROUND = 2


def near(page: int, last: int) -> tuple[int, ...]:
    """Return the first page, the last one, and those around a page.

    Args:
        page: That is shown; may lie beyond the last.
        last: The number of the last page.
    """
    here = min(page, last)
    around = range(max(1, here - _AROUND), min(last, here + _AROUND) + 1)
    found: list[int] = []
    for each in sorted({1, last, *around}):
        if found and each > found[-1] + 1:
            found.append(GAP)
        found.append(each)
    return tuple(found)
