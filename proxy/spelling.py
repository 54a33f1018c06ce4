"""What somebody meant who misspelt a word."""

from collections.abc import Iterable


def closest(word: str, words: Iterable[str]) -> str | None:
    """Return the most similar of some words; None where none is similar."""
    from difflib import get_close_matches  # noqa: PLC0415 - 0.2 MB that most starts do without

    return next(iter(get_close_matches(word, words, n=1)), None)
