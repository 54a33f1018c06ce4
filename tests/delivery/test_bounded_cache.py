"""The TTL cache with a bound."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.delivery.bounded_cache import BoundedCache
from tests.waiting import until


async def test_a_value_is_kept_until_it_is_deleted() -> None:
    """What is set is there, whatever its truth value; what is deleted is not."""
    cache: BoundedCache[str] = BoundedCache(ttl_s=60, max_entries=10)
    assert await cache.get("key") is None
    await cache.set("key", "")
    assert await cache.get("key") == ""
    await cache.delete("key")
    await cache.delete("never there")
    assert await cache.get("key") is None
    assert len(cache) == 0


async def test_a_value_ends_with_its_time() -> None:
    """After the TTL there is none, and nothing of it is counted."""
    cache: BoundedCache[str] = BoundedCache(ttl_s=0.01, max_entries=10)
    await cache.set("key", "value")

    async def is_gone() -> bool:
        return await cache.get("key") is None

    await until(is_gone)
    assert len(cache) == 0


async def test_the_least_recently_used_goes_first() -> None:
    """A value that was read outlives one that was not."""
    cache: BoundedCache[int] = BoundedCache(ttl_s=60, max_entries=2)
    await cache.set("a", 1)
    await cache.set("b", 2)
    await cache.get("a")
    await cache.set("c", 3)
    assert [await cache.get(key) for key in "abc"] == [1, None, 3]


async def test_what_is_read_without_waiting() -> None:
    """It is what reading with a wait gives: until it is deleted, or its time has come."""
    cache: BoundedCache[int] = BoundedCache(ttl_s=60, max_entries=2)
    assert cache.peek("a") is None
    await cache.set("a", 1)
    await cache.set("b", 2)
    assert cache.peek("a") == await cache.get("a") == 1
    await cache.get("b")
    cache.peek("a")
    await cache.set("c", 3)
    assert [cache.peek(key) for key in "abc"] == [1, None, 3]
    await cache.delete("a")
    assert cache.peek("a") is None
    await cache.forget(lambda value: value == 3)
    assert cache.peek("c") is None
    brief: BoundedCache[int] = BoundedCache(ttl_s=0.01, max_entries=2)
    await brief.set("a", 1)

    async def is_gone() -> bool:
        return brief.peek("a") is None

    await until(is_gone)


@given(
    st.lists(st.tuples(st.sampled_from(["set", "get", "delete"]), st.integers(0, 9)), max_size=60)
)
def test_it_never_holds_more_than_its_bound(deeds: list[tuple[str, int]]) -> None:
    """Whatever is done, the bound holds, and a value is what was set last."""

    async def run() -> None:
        cache: BoundedCache[int] = BoundedCache(ttl_s=60, max_entries=3)
        model: dict[str, int] = {}
        for step, (deed, number) in enumerate(deeds):
            key = str(number)
            match deed:
                case "set":
                    await cache.set(key, step)
                    model[key] = step
                case "get":
                    assert await cache.get(key) in {None, model.get(key)}
                case _:
                    await cache.delete(key)
                    model.pop(key, None)
            assert len(cache) <= 3

    asyncio.run(run())


@pytest.mark.parametrize(("ttl_s", "max_entries"), [(0, 1), (-1, 1), (1, 0)])
def test_what_would_be_for_ever_is_refused(ttl_s: float, max_entries: int) -> None:
    """A TTL of 0 is for ever in aiocache; here it is an error, as is no room."""
    with pytest.raises(ValueError, match="above zero"):
        BoundedCache(ttl_s=ttl_s, max_entries=max_entries)
