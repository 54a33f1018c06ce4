"""The source file, in whichever form a tenant gives it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from proxy.connectors.model import DeliveryMode
from proxy.delivery.origin_client import OriginClient, OriginResponse
from proxy.delivery.resolution import Delivery
from proxy.delivery.source_file import SourceFiles
from proxy.errors import GatewayError, OriginAnswerInvalid, OriginGone, ThronError, ThronRefused
from proxy.sandbox.faults import Fault, Kind
from proxy.sandbox.server import Sandbox
from proxy.thron.delivery_urls import source_urls
from tests.delivery.taking import read_whole
from tests.running import Running, running

KIT = "88ab533c-2f8d-4746-8910-ccf985a96b48"


@pytest.fixture
async def whole(thron: Sandbox, tmp_path: Path) -> AsyncIterator[Running]:
    async with running(thron, tmp_path) as connector:
        yield connector


class Clock:
    """Monotonic seconds that go on when they are told to."""

    seconds = 0.0

    def __call__(self) -> float:
        """Return them."""
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def files(whole: Running, origin_client: OriginClient, clock: Clock) -> SourceFiles:
    return SourceFiles(origin_client, whole.tenant.thron, now=clock)


def delivery(thron: Sandbox, content_id: str = KIT, file_name: str = "kit.zip") -> Delivery:
    """Return the delivery of a content's source file."""
    sources = source_urls(thron.api_url, thron.client_id, content_id=content_id, save_as="kit.zip")
    return Delivery(content_id, DeliveryMode.ORIGINAL, sources, file_name)


async def opened(files: SourceFiles, thron: Sandbox, **more: Any) -> OriginResponse:
    """Open the press kit."""
    fields = [("Accept", "*/*"), *more.get("fields", [])]
    return await files.open(delivery(thron), fields=fields)


@pytest.mark.parametrize(
    ("token_in", "requests"),
    [
        pytest.param(("GET header",), 1, id="in a field"),
        pytest.param(("POST form",), 2, id="in a form"),
        pytest.param(("GET query",), 3, id="in the query"),
    ],
)
@pytest.mark.parametrize("source_by", ["bytes", "redirect"])
async def test_the_manner_that_works_is_remembered(
    whole: Running, files: SourceFiles, token_in: tuple[str, ...], requests: int, source_by: Any
) -> None:
    """Each is tried in turn once; then the one that worked is the only one."""
    thron = whole.thron
    thron.switches.source_token_in = token_in
    thron.switches.source_by = source_by
    thron.log.clear()
    for count in (requests, requests + 1):
        answer = await opened(files, thron)
        with closing(answer.response):
            assert await read_whole(answer.response) == thron.tenant.bytes_of(KIT)
        assert len(thron.log.of("api", "downloadSource")) == count
        assert answer.is_redirected is (source_by == "redirect")
    assert thron.logins == 1


@pytest.mark.parametrize(
    ("path", "requests"),
    [("content/downloadSource/{clientId}", 2), ("dashboard/downloadSourceFile", 3)],
)
@pytest.mark.parametrize("token_in", ["GET header", "POST form"])
async def test_the_path_that_works_is_remembered(
    whole: Running, files: SourceFiles, path: Any, requests: int, token_in: str
) -> None:
    """With its form; a path that is not there is asked in one form only."""
    thron = whole.thron
    thron.switches.source_path = path
    thron.switches.source_token_in = (token_in,)
    thron.log.clear()
    count = requests + (1 if token_in == "POST form" else 0)
    for expected in (count, count + 1):
        answer = await opened(files, thron)
        with closing(answer.response):
            assert await read_whole(answer.response) == thron.tenant.bytes_of(KIT)
        assert len(thron.log.of("api", "downloadSource")) == expected


@pytest.mark.parametrize(
    "changed",
    [
        {"source_token_in": ("POST form",)},
        {"source_token_in": ("GET query",)},
        {"source_path": "dashboard/downloadSourceFile"},
        {"source_path": "dashboard/downloadSourceFile", "source_token_in": ("GET query",)},
    ],
    ids=str,
)
async def test_what_has_worked_and_does_no_more_is_learnt_anew(
    whole: Running, files: SourceFiles, changed: dict[str, Any]
) -> None:
    """At once; a token that is refused where it was taken before may cost one login."""
    thron = whole.thron
    (await opened(files, thron)).response.close()
    for name, value in changed.items():
        setattr(thron.switches, name, value)
    for _ in range(2):
        answer = await opened(files, thron)
        with closing(answer.response):
            assert await read_whole(answer.response) == thron.tenant.bytes_of(KIT)
    thron.log.clear()
    (await opened(files, thron)).response.close()
    assert len(thron.log.of("api", "downloadSource")) == 1
    assert thron.logins <= 2


async def test_a_content_that_fails_teaches_nothing(
    whole: Running, files: SourceFiles, clock: Clock
) -> None:
    """The ways are tried again once a minute at most, however many contents are refused."""
    thron = whole.thron
    (await opened(files, thron)).response.close()
    thron.tenant.app.may_share = False
    asked = []
    for seconds in (0, 1, 59, 60, 61):
        clock.seconds = seconds
        thron.log.clear()
        with pytest.raises(ThronRefused):
            await opened(files, thron)
        asked.append(len(thron.log.of("api", "downloadSource")))
    assert asked[1:3] == [1, 1]
    assert asked[4] == 1
    assert min(asked[0], asked[3]) > 1
    assert thron.logins == 2  # the first refusal where answers were usual
    thron.tenant.app.may_share = True
    (await opened(files, thron)).response.close()


async def test_a_content_that_thron_misses_by_name_is_asked_for_once(
    whole: Running, files: SourceFiles
) -> None:
    """The service has answered, so that no other path or form can help."""
    thron = whole.thron
    thron.log.clear()
    with pytest.raises(OriginGone):
        await files.open(delivery(thron, "nothing"), fields=[])
    assert len(thron.log.of("api", "downloadSource")) == 1


async def test_a_tenant_without_the_service(whole: Running, files: SourceFiles) -> None:
    """404 at every path is no lack of a right; once several contents say so, it is the tenant."""
    thron = whole.thron
    thron.switches.source_path = "none"
    with pytest.raises(OriginGone, match=r"the content is gone, or .*TDC_SOURCE_PATH"):
        await files.open(delivery(thron), fields=[])
    for content_id in ("another", KIT, "a-third"):
        with pytest.raises(OriginGone) as failed:
            await files.open(delivery(thron, content_id), fields=[])
    assert "this tenant has no such service" in str(failed.value)
    assert "TDC_SOURCE_PATH" in str(failed.value)
    assert "share right" not in str(failed.value)
    thron.switches.source_path = "content/downloadSource"
    (await opened(files, thron)).response.close()


@pytest.mark.parametrize("status", [302, 303, 307, 308])
async def test_the_storage_gets_no_token(whole: Running, files: SourceFiles, status: int) -> None:
    """A redirect is followed by GET, without body and token, whatever its status."""
    thron = whole.thron
    thron.switches.source_by = "redirect"
    thron.switches.source_redirect_status = status
    thron.switches.source_token_in = ("POST form",)
    answer = await opened(files, thron, fields=[("Range", "bytes=0-9")])
    with closing(answer.response):
        assert answer.response.status == 206
    (stored,) = thron.log.of("storage")
    assert (stored.method, stored.body, stored.value("Range")) == ("GET", b"", "bytes=0-9")
    assert not [token for token in thron.tokens.all if stored.holds(token)]


@pytest.mark.parametrize("refusal", ["403 text", "418 envelope", "200 envelope", "403 envelope"])
async def test_an_ended_token_is_renewed_once(
    whole: Running, files: SourceFiles, refusal: Any
) -> None:
    """However THRON says so, ten at once cost one login and each gets its file."""
    thron = whole.thron
    (await opened(files, thron)).response.close()
    thron.switches.expired_as = refusal
    thron.expire_tokens()
    for answer in await asyncio.gather(*[opened(files, thron) for _ in range(10)]):
        with closing(answer.response):
            assert await read_whole(answer.response) == thron.tenant.bytes_of(KIT)
    assert thron.logins == 2


@pytest.mark.parametrize("refusal", ["403 text", "418 envelope", "200 envelope", "200 html"])
async def test_a_right_that_lacks_is_no_dead_token(
    whole: Running, files: SourceFiles, refusal: Any
) -> None:
    """A good token that is refused means a right that lacks: no login."""
    thron = whole.thron
    thron.switches.source_denied_as = refusal
    thron.tenant.app.may_share = False
    with pytest.raises(ThronRefused):
        await opened(files, thron)
    assert thron.logins == 1


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(Kind.HTML, "source", times=None), ThronRefused),
        (Fault(Kind.STATUS, "source", times=None, status=404), OriginGone),
        (Fault(Kind.REDIRECT_LOOP, "source", times=None), OriginAnswerInvalid),
    ],
)
async def test_what_is_no_file(
    whole: Running, files: SourceFiles, fault: Fault, error: type[GatewayError]
) -> None:
    """No form of the request gives it: the error is named."""
    whole.thron.faults.add(fault)
    with pytest.raises(error):
        await opened(files, whole.thron)


async def test_a_file_that_looks_like_an_error_is_none(whole: Running, files: SourceFiles) -> None:
    """JSON and HTML that were uploaded come as they are."""
    thron = whole.thron
    for name in ("newsletter-spring-2024", "price-list-2024"):
        content = thron.tenant.find(name)
        answer = await files.open(delivery(thron, content.id, content.version.file_name), fields=[])
        with closing(answer.response):
            assert await read_whole(answer.response) == thron.tenant.bytes_of(content.id)


async def test_the_service_was_there_once(whole: Running, files: SourceFiles, clock: Clock) -> None:
    """What several contents said of it counts no more once one was given."""
    thron = whole.thron
    thron.switches.source_path = "none"
    for content_id in ("another", KIT, "a-third"):
        with pytest.raises(OriginGone):
            await files.open(delivery(thron, content_id), fields=[])
    thron.switches.source_path = "content/downloadSource"
    (await opened(files, thron)).response.close()
    thron.switches.source_path = "none"
    clock.seconds += 3600
    with pytest.raises(OriginGone, match="the content is gone, or"):
        await files.open(delivery(thron), fields=[])


async def test_a_page_behind_a_redirect(whole: Running, files: SourceFiles) -> None:
    """A storage that shows a page, such as of a sign-in, gives no file."""
    whole.thron.switches.source_by = "redirect"
    whole.thron.faults.add(Fault(Kind.HTML, "storage", times=None))
    with pytest.raises(ThronError):
        await opened(files, whole.thron)
