"""Questions are asked again after what may pass, and after nothing else."""

import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from proxy.backoff import Backoff
from proxy.errors import ThronBusy, ThronError, ThronRefused, ThronUnreachable
from proxy.sandbox.server import Fault, Kind, Sandbox
from proxy.thron.client import Client
from proxy.thron.messages import SearchCriteria, search
from proxy.thron.retry import Retrying
from proxy.thron.session import Credentials
from proxy.thron.token_keeper import TokenKeeper

_SEARCH = "/content/search"


@pytest.fixture
async def retrying(client: Client, credentials: Credentials) -> AsyncIterator[Retrying]:
    async with TokenKeeper(client, credentials, now=time.time, random=lambda: 0.0) as keeper:
        await keeper.session()
        yield Retrying(keeper, backoff=Backoff(first_s=0.001, longest_s=0.01))


async def ask(retrying: Retrying, thron: Sandbox) -> None:
    await retrying.ask(search(thron.client_id, SearchCriteria()))


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault(Kind.STATUS, "api", times=3, target=_SEARCH), id="503"),
        pytest.param(Fault(Kind.BUSY, "api", times=3, target=_SEARCH), id="429"),
        pytest.param(Fault(Kind.RESET, "api", times=3, target=_SEARCH), id="reset"),
    ],
)
async def test_what_may_pass_passes(retrying: Retrying, thron: Sandbox, fault: Fault) -> None:
    """A few failures are not seen."""
    thron.faults.add(fault)
    await ask(retrying, thron)
    assert len(thron.log.of("api", _SEARCH)) == 4


@pytest.mark.parametrize(
    ("fault", "error", "questions"),
    [
        pytest.param(Fault(Kind.STATUS, "api", times=None), ThronUnreachable, 4, id="for good"),
        pytest.param(
            Fault(Kind.BUSY, "api", times=None, retry_after="120"), ThronBusy, 1, id="for long"
        ),
        pytest.param(
            Fault(Kind.STATUS, "api", times=None, status=403), ThronRefused, 1, id="a refusal"
        ),
    ],
)
async def test_what_does_not_pass_is_told(
    retrying: Retrying, thron: Sandbox, fault: Fault, error: type[ThronError], questions: int
) -> None:
    """What lasts is told after a few questions; what waiting does not cure, at once."""
    thron.faults.add(replace(fault, target=_SEARCH))
    with pytest.raises(error):
        await ask(retrying, thron)
    assert len(thron.log.of("api", _SEARCH)) == questions
