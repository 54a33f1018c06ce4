"""What caches in front may keep for long is verified though nobody asks for it."""

from pathlib import Path

import pytest

from proxy.connectors.model import DeliveryMode
from proxy.delivery.circuit_breaker import CircuitBreaker
from proxy.delivery.lookup import Lookup
from proxy.delivery.retrying_caller import RetryingCaller
from proxy.delivery.reverification import Reverification
from proxy.sandbox.faults import Fault, Kind
from proxy.sandbox.server import Sandbox
from proxy.thron.content import ContentType
from tests.running import Running, by_id, running

HOUR_S, DAY_S = 3600.0, 86_400


def reverification(connector: Running, changed: list[str], *, later_s: float = 0) -> Reverification:
    """Return one over what a running connector remembers, so many seconds later."""
    tenant = connector.tenant
    return Reverification(
        Lookup(tenant.thron, tenant.search),
        resolutions=lambda: tenant.resolver.resolutions,
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
        pytest.param(DAY_S, DAY_S + 1, id="no cache can hold it any more"),
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
