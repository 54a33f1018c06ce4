"""What caches in front may keep for long is verified though nobody asks for it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from proxy.connectors.model import Connector, DeliveryMode, Identifier
from proxy.delivery.batch_loader import BatchLoader
from proxy.delivery.circuit_breaker import CircuitBreaker
from proxy.delivery.lookup import Lookup
from proxy.delivery.resolution import Delivery, Resolution
from proxy.delivery.retrying_caller import RetryingCaller
from proxy.delivery.reverification import Reverification
from proxy.errors import (
    ThronAnswerInvalid,
    ThronBadRequest,
    ThronError,
    ThronFailed,
    ThronTimeout,
    ThronUnreachable,
)
from proxy.sandbox.faults import Fault, Kind
from proxy.sandbox.server import Sandbox
from proxy.thron.content import Content, ContentType
from tests.running import Running, by_id, running
from tests.waiting import PATIENCE_S

HOUR_S, DAY_S = 3600.0, 86_400


def reverification(connector: Running, changed: list[str], *, later_s: float = 0) -> Reverification:
    """Return one over what a running connector remembers, so many seconds later."""
    tenant = connector.tenant
    return Reverification(
        Lookup(tenant.thron, tenant.search, longest_s=PATIENCE_S).members,
        resolutions=lambda: tenant.resolver.resolutions,
        served_for_s=HOUR_S,
        changed=changed.append,
        caller=RetryingCaller(
            CircuitBreaker(), silent_s=lambda: 0, now=lambda: 0, random=lambda: 0
        ),
        now=lambda: max(each.verified_at for each in tenant.resolver.resolutions) + later_s,
        pause_s=0,
    )


@pytest.mark.parametrize("change", ["nothing", "new version", "unlinked"])
@pytest.mark.parametrize("delivery", DeliveryMode)
async def test_a_change_is_noticed(
    thron: Sandbox, tmp_path: Path, change: str, delivery: DeliveryMode
) -> None:
    """A content that was replaced or withdrawn since it was served is told, and no other."""
    film, poster = (thron.tenant.find(each).id for each in ("strada-sl-film", "logo"))
    wanted = by_id(thron, delivery=delivery, cdn_max_age_s=DAY_S)
    async with running(thron, tmp_path, wanted, resolution_ttl_s=HOUR_S) as connector:
        for each in (film, poster):
            assert (await connector.ask("HEAD", f"/files/{each}")).status == 200
        if change == "new version":
            thron.publish_new_version(film, b"new")
        elif change == "unlinked":
            thron.unlink(film)
        changed: list[str] = []
        thron.log.clear()
        await reverification(connector, changed).go_round()
        assert changed == ([] if change == "nothing" else [film])
        assert len(thron.log.of("api", "search")) == 1


@pytest.mark.parametrize(
    ("cdn_max_age_s", "later_s"),
    [
        pytest.param(None, 0, id="no longer than elsewhere"),
        pytest.param(300, 0, id="the same"),
        pytest.param(DAY_S, DAY_S + HOUR_S + 1, id="no cache can hold it any more"),
    ],
)
async def test_what_is_left_alone(
    thron: Sandbox, tmp_path: Path, cdn_max_age_s: int | None, later_s: float
) -> None:
    """Where no cache keeps it longer than anybody, or can hold it at all, THRON is not asked."""
    film = thron.tenant.find("logo").id
    wanted = by_id(thron, cdn_max_age_s=cdn_max_age_s)
    async with running(thron, tmp_path, wanted, resolution_ttl_s=HOUR_S) as connector:
        assert (await connector.ask("HEAD", f"/files/{film}")).status == 200
        thron.log.clear()
        await reverification(connector, [], later_s=later_s).go_round()
        assert not thron.log.of("api", "search")


async def test_thron_s_outage_changes_nothing(thron: Sandbox, tmp_path: Path) -> None:
    """Where THRON cannot be asked nothing is said of any content."""
    film = thron.tenant.find("logo").id
    wanted = by_id(thron, cdn_max_age_s=DAY_S)
    async with running(thron, tmp_path, wanted, resolution_ttl_s=HOUR_S) as connector:
        assert (await connector.ask("HEAD", f"/files/{film}")).status == 200
        thron.faults.add(Fault(Kind.STATUS, where="api", times=None))
        changed: list[str] = []
        await reverification(connector, changed).go_round()
        assert changed == []


async def test_one_bad_question_costs_the_others_nothing(thron: Sandbox, tmp_path: Path) -> None:
    """Where THRON answers nothing of use about some contents, it is still asked about others."""
    film, poster = (thron.tenant.find(each).id for each in ("strada-sl-film", "logo"))
    # Of another type, another folder's question.
    wanted = [
        by_id(thron, slug, cdn_max_age_s=DAY_S, content_types=frozenset({content_type}))
        for slug, content_type in (("films", ContentType.VIDEO), ("images", ContentType.IMAGE))
    ]
    async with running(thron, tmp_path, *wanted, resolution_ttl_s=HOUR_S) as connector:
        for path in (f"/films/{film}", f"/images/{poster}"):
            assert (await connector.ask("HEAD", path)).status == 200
        thron.unlink(poster)
        search = "/content/search/"
        thron.faults.add(Fault(Kind.HTML, where="api", target=search))
        changed: list[str] = []
        await reverification(connector, changed).go_round()
        assert thron.faults.struck == 1
        assert changed == [poster]


async def test_a_cache_may_have_got_it_at_the_last_moment(thron: Sandbox, tmp_path: Path) -> None:
    """Its lifetime there begins with the answer, which may be as old as what is remembered."""
    film = thron.tenant.find("logo").id
    wanted = by_id(thron, cdn_max_age_s=DAY_S)
    async with running(thron, tmp_path, wanted, resolution_ttl_s=HOUR_S) as connector:
        assert (await connector.ask("HEAD", f"/files/{film}")).status == 200
        thron.unlink(film)
        changed: list[str] = []
        await reverification(connector, changed, later_s=DAY_S + HOUR_S - 1).go_round()
        assert changed == [film]


FILES, OTHERS = (
    Connector(
        slug=each,
        folder="f",
        folder_id="f",
        identifier=Identifier.CONTENT_ID,
        max_age_s=1,
        cdn_max_age_s=DAY_S,
    )
    for each in ("files", "others")
)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@dataclass
class Thron:
    """Answers about any content but some, whose company gets no answer either.

    Attributes:
        bad: These ids.
        failure: What becomes of a question about one of them.
        updated: Of all contents.
        questions: The ids of each.
        asked: Slug and id of all that was asked about.
        clock: Seconds; a question takes one.
    """

    bad: set[str] = field(default_factory=set)
    failure: type[ThronError] = ThronAnswerInvalid
    updated: datetime | None = NOON
    questions: list[tuple[str, ...]] = field(default_factory=list)
    asked: set[tuple[str, str]] = field(default_factory=set)
    clock: float = 0.0

    def __post_init__(self) -> None:
        """Answer ids that wait at the same time together."""
        self._batches = BatchLoader(self._answer, most=50, divided_on=(ThronFailed,))

    async def _answer(self, ids: tuple[str, ...]) -> dict[str, Content]:
        self.questions.append(ids)
        self.clock += 1
        if self.bad & set(ids):
            raise self.failure("bad")
        return {each: Content(each, "IMAGE", last_update=self.updated) for each in ids}

    async def members(self, connector: Connector, ids: Iterable[str]) -> Sequence[Content]:
        """Return those of some contents that there are."""
        self.asked |= {(connector.slug, each) for each in ids}
        found = [await self._batches.get(each) for each in ids]
        return [each for each in found if each is not None]

    def over(
        self, ids: Iterable[str], changed: list[str], *connectors: Connector
    ) -> Reverification:
        """Return a reverification of contents that are remembered."""
        known = [
            Resolution(each, Delivery(id_, each.delivery, (), id_), 0.0, updated=NOON)
            for each in connectors or (FILES,)
            for id_ in ids
        ]
        self.breaker = CircuitBreaker()
        return Reverification(
            self.members,
            resolutions=lambda: known,
            served_for_s=HOUR_S,
            changed=changed.append,
            caller=RetryingCaller(
                self.breaker, silent_s=lambda: 0, now=lambda: self.clock, random=lambda: 0
            ),
            now=lambda: self.clock,
            pause_s=0,
        )


IDS = [f"{each:03}" for each in range(200)]


@pytest.mark.parametrize("failure", [ThronAnswerInvalid, ThronBadRequest, ThronFailed])
async def test_one_bad_id_costs_its_company_nothing(failure: type[ThronError]) -> None:
    """The others of its batch are asked about again in the same round, it alone from then on."""
    thron, changed = Thron(bad={"007"}, failure=failure), list[str]()
    verifying = thron.over(IDS, changed)
    thron.updated = NOON + timedelta(seconds=1)
    await verifying.go_round()
    assert sorted(changed) == [each for each in IDS if each != "007"]
    assert len(thron.questions) <= 4 + 2 * 6 + 2
    thron.questions.clear()
    await verifying.go_round()
    assert [each for each in thron.questions if "007" in each][:1] == [("007",)]
    thron.bad.clear()
    changed.clear()
    await verifying.go_round()
    assert sorted(changed) == IDS


async def test_many_bad_ids_starve_nobody() -> None:
    """However many there are, the others are verified each round; the bad ones take turns."""
    bad = set(IDS[:50:3]) | set(IDS[50::7])  # in every batch
    thron, changed = Thron(bad=bad), list[str]()
    verifying = thron.over(IDS, changed, FILES, OTHERS)
    for _ in range(80):  # to find which they are
        await verifying.go_round(at_most_s=20)
    thron.updated = NOON + timedelta(seconds=1)
    thron.asked.clear()
    for _ in range(20):
        changed.clear()
        thron.questions.clear()
        await verifying.go_round(at_most_s=20)
        assert set(changed) == set(IDS) - bad
        assert len(thron.questions) <= 22
    assert thron.asked == {(each.slug, id_) for each in (FILES, OTHERS) for id_ in IDS}


async def test_thron_s_outage_ends_the_round() -> None:
    """Where it answers about nothing, not even what it last answered about, it is left alone."""
    thron, changed = Thron(), list[str]()
    verifying = thron.over(IDS, changed)
    await verifying.go_round()
    thron.questions.clear()
    thron.bad = set(IDS)
    await verifying.go_round()
    assert len(thron.questions) == 4  # three, and the one that it had answered about


@pytest.mark.parametrize("failure", [ThronTimeout, ThronUnreachable])
async def test_a_bad_id_is_no_outage(failure: type[ThronError]) -> None:
    """One that THRON never answers about closes no breaker, and the next round goes round it."""
    thron, changed = Thron(bad={"007"}, failure=failure), list[str]()
    verifying = thron.over(IDS, changed)
    for _ in range(10):
        await verifying.go_round()
        assert thron.breaker.retry_in_s(thron.clock) == 0
    assert {id_ for _, id_ in thron.asked} == set(IDS)
    thron.updated = NOON + timedelta(seconds=1)
    await verifying.go_round()
    assert sorted(changed) == [each for each in IDS if each != "007"]


async def test_a_late_answer_is_not_newer_than_it_is() -> None:
    """One that tells an older version than is known tells of no change."""
    thron, changed = Thron(), list[str]()
    verifying = thron.over(IDS[:3], changed)
    thron.updated = NOON - timedelta(seconds=1)
    await verifying.go_round()
    assert changed == []
    thron.updated = None
    await verifying.go_round()
    assert changed == IDS[:3]
