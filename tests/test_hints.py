"""Failures, each with a hint at what helps."""

import pytest

from proxy.errors import (
    ContentMissing,
    CredentialsRefused,
    GatewayError,
    OriginProhibited,
    OriginUnreachable,
    ThronAnswerInvalid,
    ThronBusy,
    ThronRefused,
    ThronUnreachable,
)
from proxy.hints import with_hint


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        pytest.param(
            ThronUnreachable("no route"), "no route; check that this machine", id="network"
        ),
        pytest.param(ThronBusy("429"), "429; try again in a minute", id="busy"),
        pytest.param(ThronAnswerInvalid("a page"), "a page; check TDC_API_URL", id="no API"),
        pytest.param(OriginUnreachable("reset"), "reset; check that this machine", id="origin"),
        pytest.param(ContentMissing("gone"), "gone; check in THRON that the content", id="missing"),
        pytest.param(ThronRefused("denied"), "denied; ask the owner", id="otherwise"),
    ],
)
def test_hint(failure: GatewayError, words: str) -> None:
    """A failure is told with its fix; where none is known, with the caller's."""
    assert with_hint(failure, otherwise="ask the owner").startswith(words)


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(ThronAnswerInvalid("not JSON; check TDC_API_URL"), id="names a setting"),
        pytest.param(OriginProhibited("name it in TDC_ORIGIN_HOSTS"), id="prohibited"),
        pytest.param(CredentialsRefused("the app key is another's"), id="login"),
    ],
)
def test_own_words(failure: GatewayError) -> None:
    """A failure that names its fix is told as it is."""
    assert with_hint(failure) == str(failure)
