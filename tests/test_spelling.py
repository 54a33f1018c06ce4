"""A misspelt word is recognised, and one that means something else is not."""

import pytest

from proxy.spelling import closest

WORDS = ("pretty_id", "content_id", "metadata")


@pytest.mark.parametrize(
    ("word", "meant"),
    [("pretyid", "pretty_id"), ("metdata", "metadata"), ("metadata", "metadata"), ("slug", None)],
)
def test_closest(word: str, meant: str | None) -> None:
    """The most similar of the words, or none."""
    assert closest(word, WORDS) == meant
    assert closest(word, ()) is None
