"""How many downloads at once, and from whom."""

import asyncio

import pytest

from proxy.delivery.admission import Admission
from proxy.errors import Overloaded, TooManyForClient


async def test_more_than_allowed_are_refused_at_once() -> None:
    """The one too many is told when to come back, and a place that is free again is given."""
    admission = Admission(max_downloads=2, max_per_client=0)
    with admission.admitted("a"), admission.admitted("a"):
        assert admission.running == 2
        with pytest.raises(Overloaded) as refused, admission.admitted("b"):
            pass
        assert refused.value.retry_after_s
    with admission.admitted("b"):
        assert admission.running == 1
    assert admission.running == 0


async def test_one_client_does_not_take_all() -> None:
    """Its own limit binds a client, and nobody else."""
    admission = Admission(max_downloads=10, max_per_client=1)
    with admission.admitted("a"):
        with pytest.raises(TooManyForClient), admission.admitted("a"):
            pass
        with admission.admitted("b"):
            pass
    with admission.admitted("a"):
        pass


async def test_a_download_that_fails_gives_its_place_back() -> None:
    """Errors inside the block are counted out too."""
    admission = Admission(max_downloads=1, max_per_client=1)
    with pytest.raises(RuntimeError), admission.admitted("a"):
        raise RuntimeError
    assert admission.running == 0
    with admission.admitted("a"):
        pass


async def test_a_drain_ends_with_the_last_download() -> None:
    """Who waits for the end is told that nothing is left."""
    admission = Admission(max_downloads=10, max_per_client=0)
    assert await admission.drained(at_most_s=60) == 0
    with admission.admitted("a"):
        waiting = asyncio.create_task(admission.drained(at_most_s=60))
        await asyncio.sleep(0)
        assert not waiting.done()
    assert await waiting == 0


async def test_a_drain_that_takes_too_long_says_what_is_left() -> None:
    """The number of downloads that are still running comes back."""
    admission = Admission(max_downloads=10, max_per_client=0)
    with admission.admitted("a"), admission.admitted("b"):
        assert await admission.drained(at_most_s=0.01) == 2
