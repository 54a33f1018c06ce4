"""Address to Delivery: the TTL, verification in the background, stale answers and negatives."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from proxy.catalogue.purges import Purge, PurgeKind
from proxy.connectors.addresses import Address
from proxy.connectors.model import Connector, DeliveryMode
from proxy.delivery.bulkhead import Bulkhead
from proxy.delivery.circuit_breaker import CircuitBreaker
from proxy.delivery.delivery_builder import DeliveryBuilder
from proxy.delivery.lookup import Lookup
from proxy.delivery.rate_limiter import RateLimiter
from proxy.delivery.resolver import Lifetimes, Resolved, Resolver
from proxy.delivery.retrying_caller import RetryingCaller
from proxy.errors import ThronBusy, ThronRefused, ThronTimeout, ThronUnreachable, UnknownAddress
from proxy.sandbox.faults import Fault, Kind
from proxy.sandbox.server import Sandbox
from tests.running import Running, by_id, by_name, by_sku, running
from tests.waiting import PATIENCE_S, until

FILM = "b68d7e9f-7488-4ff1-bdfe-3af6768a631f"
BY_ID = Address("files", None, FILM)
BY_NAME = Address("media", "en", "strada-sl-film")


@dataclass(slots=True)
class Bench:
    """A resolver in front of a sandbox, with a clock of its own."""

    thron: Sandbox
    resolver: Resolver
    connectors: dict[str, Connector]
    running: Running
    seconds: list[float] = field(default_factory=lambda: [0.0])
    others: list[Resolver] = field(default_factory=list)

    async def resolve(self, address: Address, *, client: str = "") -> Resolved:
        """Resolve an address in its connector."""
        connector = self.connectors[address.connector]
        return await self.resolver.resolve(connector, address, client=client)

    def another(
        self, *, silent_s: float, stale_after_s: float = 60, look_up_s: float = 60
    ) -> Resolver:
        """Return a resolver that is told how long THRON has been silent."""
        made = resolver_of(
            self.running,
            now=lambda: self.seconds[0],
            silent_s=silent_s,
            stale_after_s=stale_after_s,
            look_up_s=look_up_s,
        )
        self.others.append(made)
        return made

    @property
    def questions(self) -> int:
        """How many searches THRON has had."""
        return len(self.thron.log.of("api", "search")) + len(
            self.thron.log.of("api", "findByProperties")
        )

    def rewind(self) -> None:
        """Forget the questions so far."""
        self.thron.log.clear()


@pytest.fixture
async def bench(thron: Sandbox, tmp_path: Path) -> AsyncIterator[Bench]:
    async with open_bench(thron, tmp_path, stale_after_s=60) as patient:
        yield patient


@pytest.fixture
async def impatient(thron: Sandbox, tmp_path: Path) -> AsyncIterator[Bench]:
    async with open_bench(thron, tmp_path, stale_after_s=0.05) as bench:
        yield bench


@asynccontextmanager
async def open_bench(
    thron: Sandbox, tmp_path: Path, *, stale_after_s: float
) -> AsyncIterator[Bench]:
    wanted = (
        by_id(thron, delivery=DeliveryMode.PUBLISHED),
        by_name(thron, delivery=DeliveryMode.PUBLISHED),
    )
    seconds = [0.0]
    async with running(thron, tmp_path, *wanted) as connector:
        resolver = resolver_of(connector, now=lambda: seconds[0], stale_after_s=stale_after_s)
        connectors = {each.slug: each for each in connector.gateway.watch.connectors.all}
        made = Bench(thron, resolver, connectors, connector, seconds)
        yield made
        for each in (resolver, *made.others):
            await each.aclose()


def resolver_of(
    connector: Running,
    *,
    now: Callable[[], float],
    silent_s: float | None = None,
    stale_after_s: float = 60,
    look_up_s: float = 60,
) -> Resolver:
    """Return a resolver beside that of a running connector.

    Args:
        connector: In front of a sandbox.
        now: The clock of the resolver.
        silent_s: What it is told of THRON's silence; the truth if None.
        stale_after_s: With its questions about what it knows.
        look_up_s: With its questions about anything.
    """
    keeper, thron = connector.tenant.thron, connector.thron
    client_id = thron.client_id
    delivery_builder = DeliveryBuilder(
        keeper, client_id=client_id, api_url=thron.api_url, cdn_url=thron.cdn_url
    )
    return Resolver(
        Lookup(keeper, connector.tenant.search, longest_s=look_up_s),
        deliver=delivery_builder.build,
        lifetimes=Lifetimes(
            resolution_ttl_s=60,
            negative_ttl_s=10,
            stale_if_error_s=1000,
            max_resolutions=10,
            stale_after_s=stale_after_s,
            look_up_s=look_up_s,
        ),
        rate_limiter=RateLimiter(at_once=4, per_s=1000, max_wait_s=PATIENCE_S, now=time.monotonic),
        look_ups=Bulkhead(places=4),
        caller=RetryingCaller(
            CircuitBreaker(),
            silent_s=lambda: keeper.silent_s if silent_s is None else silent_s,
            now=now,
            random=lambda: 0.5,
        ),
        now=now,
    )


@pytest.mark.parametrize("address", [BY_ID, BY_NAME], ids=["content id", "prettyID"])
async def test_fresh_then_early_then_lapsed(bench: Bench, address: Address) -> None:
    """A hit asks nothing; a late one verifies behind the answer, a lapsed one before it."""
    first = await bench.resolve(address)
    assert (first.forwarded, first.ttl_s) == ("uri-miss", 60)
    bench.rewind()
    bench.seconds[0] = 47
    hit = await bench.resolve(address)
    assert (hit.forwarded, hit.ttl_s, bench.questions) == (None, 13, 0)
    bench.seconds[0] = 50
    early = await bench.resolve(address)
    assert (early.forwarded, early.ttl_s) == (None, 10)

    async def is_verified() -> bool:
        return (await bench.resolve(address)).ttl_s == 60

    await until(is_verified)
    assert bench.questions == 1
    bench.seconds[0] = 111
    lapsed = await bench.resolve(address)
    assert (lapsed.forwarded, lapsed.ttl_s) == ("stale", 60)
    assert bench.questions == 2


async def test_what_is_gone_is_gone_with_its_ttl(bench: Bench) -> None:
    """Unlinked: served until the end of the TTL, then 404, remembered for a while."""
    await bench.resolve(BY_ID)
    bench.thron.unlink(FILM)
    assert (await bench.resolve(BY_ID)).forwarded is None
    bench.seconds[0] = 60
    for _ in range(3):
        with pytest.raises(UnknownAddress):
            await bench.resolve(BY_ID)


async def test_negatives_are_remembered(bench: Bench) -> None:
    """What is not there is asked for once."""
    bench.rewind()
    for _ in range(5):
        with pytest.raises(UnknownAddress):
            await bench.resolve(replace(BY_NAME, value="nothing"))
    assert bench.questions == 1


async def test_a_renamed_content_goes_on_and_says_its_name(bench: Bench) -> None:
    """A former prettyID leads to its content, until another content claims it."""
    await bench.resolve(BY_NAME)
    bench.thron.tenant.rename(FILM, now=time.time(), pretty_ids=(("EN", "new-name"),))
    bench.seconds[0] = 60
    former = (await bench.resolve(BY_NAME)).resolution
    assert former.delivery.content_id == FILM
    assert former.current is not None
    assert former.current.value == "new-name"
    other = bench.thron.tenant.find("logo")
    bench.thron.tenant.rename(other.id, now=time.time(), pretty_ids=(("EN", "strada-sl-film"),))
    bench.seconds[0] = 120
    assert (await bench.resolve(BY_NAME)).resolution.delivery.content_id == other.id


async def test_stale_while_thron_is_down_and_no_longer(bench: Bench) -> None:
    """A lapsed resolution is served for as long as the settings allow."""
    await bench.resolve(BY_ID)
    bench.thron.api_down = True
    bench.seconds[0] = 1060
    stale = await bench.resolve(BY_ID)
    assert (stale.forwarded, stale.ttl_s) == ("stale", -1000)
    bench.seconds[0] = 1061
    with pytest.raises(ThronUnreachable):
        await bench.resolve(BY_ID)


async def test_stale_while_thron_is_silent(impatient: Bench) -> None:
    """Nobody waits out a THRON that does not answer; its answer counts once it comes."""
    await impatient.resolve(BY_ID)
    impatient.thron.faults.add(Fault(Kind.STALL, "api", times=None))
    impatient.seconds[0] = 60
    stale = await impatient.resolve(BY_ID)
    assert (stale.forwarded, stale.ttl_s) == ("stale", 0)
    impatient.thron.faults.clear()

    async def is_verified() -> bool:
        return (await impatient.resolve(BY_ID)).ttl_s == 60

    await until(is_verified)


async def test_nobody_waits_for_a_silent_thron(bench: Bench) -> None:
    """Where nothing is answered to anybody, a lapsed link is served stale at once."""
    resolver = bench.another(silent_s=3600, stale_after_s=3600)
    connector = bench.connectors["files"]
    await resolver.resolve(connector, BY_ID)
    bench.thron.faults.add(Fault(Kind.STALL, "api", times=None))
    bench.seconds[0] = 60
    assert (await resolver.resolve(connector, BY_ID)).forwarded == "stale"
    assert resolver.outage is None  # nobody has waited
    bench.thron.faults.clear()

    async def is_verified() -> bool:
        return (await resolver.resolve(connector, BY_ID)).ttl_s == 60

    await until(is_verified)


@pytest.mark.parametrize(("silent_s", "failures"), [(3600.0, 1), (0.0, 0)])
async def test_slow_is_not_down(bench: Bench, silent_s: float, failures: int) -> None:
    """A question that takes too long is a failure only where THRON answered nobody meanwhile."""
    resolver = bench.another(silent_s=silent_s, look_up_s=0.05)
    bench.thron.faults.add(Fault(Kind.STALL, "api", times=None))
    with pytest.raises(ThronTimeout) as late:
        await resolver.resolve(bench.connectors["media"], BY_NAME)
    assert late.value.status == 503
    assert late.value.retry_after_s
    assert (resolver.outage.failures if resolver.outage else 0) == failures


async def test_a_refusal_is_no_outage(bench: Bench) -> None:
    """Where THRON says no, nothing is served stale."""
    await bench.resolve(BY_ID)
    bench.thron.faults.add(Fault(Kind.STATUS, "api", times=None, status=403))
    bench.seconds[0] = 60
    with pytest.raises(ThronRefused):
        await bench.resolve(BY_ID)


async def test_after_failures_in_a_row_thron_is_left_alone(bench: Bench) -> None:
    """Five of them; then unknown addresses are refused without a question for a while."""
    bench.thron.faults.add(Fault(Kind.STATUS, "api", times=None))
    bench.rewind()
    for number in range(20):
        with pytest.raises(ThronUnreachable) as failed:
            await bench.resolve(replace(BY_NAME, value=f"name-{number}"))
        assert failed.value.retry_after_s
    assert bench.questions == 5
    outage = bench.resolver.outage
    assert outage is not None
    assert (outage.failures, outage.since) == (5, 0)
    assert outage.problem
    bench.thron.faults.clear()
    bench.seconds[0] = 6
    assert (await bench.resolve(BY_NAME)).forwarded == "uri-miss"
    assert bench.resolver.outage is None
    assert bench.resolver.remembered == 1


async def test_a_changed_connector_voids_what_was_known(bench: Bench) -> None:
    """Its resolutions and its negatives, each asked for anew."""
    await bench.resolve(BY_ID)
    bench.rewind()
    bench.connectors["files"] = bench.connectors["files"].model_copy(update={"max_age_s": 1})
    assert (await bench.resolve(BY_ID)).forwarded == "uri-miss"
    assert bench.questions == 1


@pytest.mark.parametrize("was_there", [True, False], ids=["then gone", "then there"])
async def test_an_answer_from_before_a_purge_is_not_remembered(
    bench: Bench, *, was_there: bool
) -> None:
    """Though it comes last, after the answers to what was asked since the purge."""
    names = {True: (("EN", "strada-sl-film"),), False: (("EN", "elsewhere"),)}
    bench.thron.tenant.rename(FILM, now=time.time(), pretty_ids=names[was_there])
    bench.thron.faults.add(Fault(Kind.STALL, "api", at=1, target="findByProperties"))
    early = asyncio.create_task(bench.resolve(BY_NAME))
    await bench.thron.faults.hit.wait()  # answered as it is now, but for the last octets
    bench.thron.tenant.rename(FILM, now=time.time(), pretty_ids=names[not was_there])
    await bench.resolver.purge(Purge(PurgeKind.ALL))
    late = await asyncio.gather(bench.resolve(BY_NAME), return_exceptions=True)
    bench.thron.faults.clear()
    await asyncio.wait({early})
    assert isinstance(early.exception(), UnknownAddress) is not was_there
    bench.rewind()
    again = await asyncio.gather(bench.resolve(BY_NAME), return_exceptions=True)
    assert [isinstance(each[0], UnknownAddress) for each in (late, again)] == [was_there] * 2
    assert bench.questions == 0


async def test_what_an_origin_told_is_kept_unless_verified_meanwhile(bench: Bench) -> None:
    """The completed delivery replaces the one it came from, and no newer one."""
    first = (await bench.resolve(BY_ID)).resolution
    told = replace(first.delivery, file_name="told.mp4")
    await bench.resolver.complete(first, BY_ID, told)
    completed = (await bench.resolve(BY_ID)).resolution
    assert completed.delivery == told
    newer = await bench.resolver.verified(completed, BY_ID)
    await bench.resolver.complete(completed, BY_ID, replace(told, file_name="late.mp4"))
    assert (await bench.resolve(BY_ID)).resolution == newer


async def test_it_is_bounded(bench: Bench) -> None:
    """More addresses than it holds push out the oldest: THRON is asked again."""
    contents = [each for each in bench.thron.tenant.contents() if each.status == "PUBLISHED"]
    visible = [each for each in contents if bench.thron.tenant.sees(each)][:15]
    for content in visible:
        with_types = bench.connectors["files"].content_types
        if content.content_type in with_types:
            await bench.resolve(Address("files", None, content.id))
    bench.rewind()
    assert (await bench.resolve(Address("files", None, visible[0].id))).forwarded == "uri-miss"


async def test_nothing_outlives_it(bench: Bench) -> None:
    """A question that THRON never answers ends with the resolver."""
    bench.thron.faults.add(Fault(Kind.STALL, "api", times=None))
    waiting = asyncio.create_task(bench.resolve(BY_ID))

    async def is_asked() -> bool:
        return bool(bench.thron.faults.struck)

    await until(is_asked)
    await bench.resolver.aclose()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not [task for task in asyncio.all_tasks() if task.get_name() in {"resolution", "batch"}]


async def test_look_ups_are_shared_among_clients(bench: Bench) -> None:
    """A client that waits for several is refused the next one; what it shares costs nothing."""
    bench.thron.faults.add(Fault(Kind.STALL, "api", times=None))
    waiting = [
        asyncio.create_task(bench.resolve(address, client="a")) for address in (BY_ID, BY_NAME)
    ]
    await bench.thron.faults.hit.wait()
    other = Address("media", "en", "logo-vector")
    with pytest.raises(ThronBusy):
        await bench.resolve(other, client="a")
    waiting += [
        asyncio.create_task(bench.resolve(address, client=client))
        for address, client in ((BY_ID, "a"), (other, "b"))
    ]
    await asyncio.sleep(0)
    bench.thron.faults.clear()
    await asyncio.gather(*waiting)


async def test_an_older_content_takes_a_value(thron: Sandbox, tmp_path: Path) -> None:
    """Whoever had it last is not asked alone: of several the oldest has it."""
    seconds = [0.0]
    async with running(thron, tmp_path, by_sku(thron)) as connector:
        resolver = resolver_of(connector, now=lambda: seconds[0])
        (products,) = connector.gateway.watch.connectors.all
        named = [
            each
            for each in thron.tenant.contents()
            if thron.tenant.sees(each)
            and each.status == "PUBLISHED"
            and [key for _, key, _, _ in each.imetadata] == ["sku"]
        ]
        older, newer = sorted(named, key=lambda each: each.creation_date)[:2]
        address = Address("products", None, newer.imetadata[0][3])
        first = await resolver.resolve(products, address)
        assert first.resolution.delivery.content_id == newer.id
        thron.tenant.change(older.id, now=0.0, imetadata=newer.imetadata)
        seconds[0] = 61
        second = await resolver.resolve(products, address)
        assert second.resolution.delivery.content_id == older.id
        await resolver.aclose()
