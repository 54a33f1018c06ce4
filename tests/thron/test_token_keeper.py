"""The token keeper against a simulated THRON: how often it logs in, and what callers see."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from itertools import count

import aiohttp
import pytest
from structlog.testing import capture_logs

from proxy.backoff import Backoff
from proxy.errors import (
    CredentialsRefused,
    ThronAnswerInvalid,
    ThronError,
    ThronRefused,
    ThronUnreachable,
    TokenRejected,
)
from proxy.sandbox.server import Fault, Kind, Sandbox
from proxy.thron.client import Client
from proxy.thron.messages import SearchCriteria, detail_source, search
from proxy.thron.session import Credentials
from proxy.thron.token_keeper import TokenKeeper
from proxy.thron.token_schedule import Schedule
from tests.thron.conftest import until

LOGIN, VALIDATE = "/loginApp/", "/validateToken/"
ASKED = {"service": "search", "subject": "contents"}
HASTY = Schedule(retry=Backoff(first_s=0.01, longest_s=0.02))


def keeper_of(
    client: Client,
    credentials: Credentials,
    *,
    schedule: Schedule | None = None,
    now: Callable[[], float] = time.monotonic,
) -> TokenKeeper:
    """Return a keeper without jitter."""
    return TokenKeeper(client, credentials, now=now, random=lambda: 0.0, schedule=schedule)


def asked(thron: Sandbox, path: str) -> int:
    """Return how many requests of this kind THRON received."""
    return len(thron.log.of("api", path))


async def test_logs_in_by_itself(client: Client, credentials: Credentials, thron: Sandbox) -> None:
    """The keeper has a session soon after it is entered, without being asked."""
    async with keeper_of(client, credentials) as keeper:
        await until(lambda: keeper.state.logged_in)
        session = await keeper.session()
        assert (session.pkey, session.root_category_id) == (thron.pkey, thron.root_folder_id)
        assert keeper.state.problem is None
        assert keeper.state.logins == thron.logins == 1
        assert session.token not in repr(session)


async def test_first_callers_share_a_login(
    client: Client, credentials: Credentials, thron: Sandbox
) -> None:
    """A hundred first callers are answered after one login."""
    async with keeper_of(client, credentials) as keeper:
        sessions = await asyncio.gather(*(keeper.session() for _ in range(100)))
        assert len({session.token for session in sessions}) == 1
        assert thron.logins == 1


@pytest.mark.parametrize(
    "expired_as", ["403 text", "418 envelope", "403 envelope", "200 envelope", "401 text"]
)
async def test_all_tokens_expire(
    client: Client, credentials: Credentials, thron: Sandbox, expired_as: str
) -> None:
    """Fifty calls that meet an expired token are all answered after exactly one new login."""
    thron.switches.expired_as = expired_as  # type: ignore[assignment] # a parameter's type is str
    question = search(thron.client_id, SearchCriteria(folder_id=thron.root_folder_id))
    async with keeper_of(client, credentials) as keeper:
        await keeper.ask(question)
        running = [asyncio.create_task(keeper.ask(question)) for _ in range(50)]
        await until(lambda: asked(thron, "/content/search/") > 10)
        thron.expire_tokens()
        late = [asyncio.create_task(keeper.ask(question)) for _ in range(50)]
        pages = await asyncio.gather(*running, *late)
        assert len({page.contents for page in pages}) == 1
        assert thron.logins == 2
        assert keeper.state.logins == 2


@pytest.mark.parametrize(
    "expired_as", ["403 text", "400 text", "500 text", "302 redirect", "401 text"]
)
async def test_a_validation_that_lies(
    client: Client, credentials: Credentials, thron: Sandbox, expired_as: str
) -> None:
    """However an end of the session is told, it costs one login, whatever validateToken says."""
    thron.switches.expired_as = expired_as  # type: ignore[assignment] # a parameter's type is str
    thron.switches.validate_lies = True
    question = search(thron.client_id, SearchCriteria(folder_id=thron.root_folder_id))
    clock = [0.0]
    async with keeper_of(client, credentials, now=lambda: clock[0]) as keeper:
        assert (await keeper.ask(question)).contents
        for ends in range(1, 4):
            thron.expire_tokens()
            clock[0] = 61.0 * ends
            pages = await asyncio.gather(*(keeper.ask(question) for _ in range(10)))
            assert all(page.contents for page in pages)
            assert thron.logins == 1 + ends


async def test_what_a_new_session_is_refused_too(
    client: Client, credentials: Credentials, thron: Sandbox
) -> None:
    """A question that fails whatever the session costs one login, not one for each time."""
    question = search(thron.client_id, SearchCriteria(folder_id=thron.root_folder_id))
    clock = [0.0]
    async with keeper_of(client, credentials, now=lambda: clock[0]) as keeper:
        await keeper.ask(question)
        thron.faults.add(Fault(Kind.STATUS, "api", None, target="/content/search/", status=400))
        for minute in range(20):
            clock[0] = 61.0 * minute
            with pytest.raises(ThronAnswerInvalid, match="400"):
                await keeper.ask(question)
        assert thron.logins == 2


@pytest.mark.parametrize("su_app_key", ["app key", "token"])
async def test_a_user_to_act_as(client: Client, thron: Sandbox, su_app_key: str) -> None:
    """With a username the token is that user's, whichever key THRON wants for it."""
    thron.switches.app_token_sees = False
    thron.switches.su_app_key = su_app_key  # type: ignore[assignment] # a parameter's type is str
    thron.tenant.app.can_disguise = True
    question = search(thron.client_id, SearchCriteria(folder_id=thron.root_folder_id))
    alone = Credentials(thron.client_id, thron.app_id, thron.app_key)
    async with keeper_of(client, alone) as keeper:
        assert not (await keeper.ask(question)).contents
    async with keeper_of(client, replace(alone, username=thron.username)) as keeper:
        assert (await keeper.ask(question)).contents
        assert (await keeper.session()).pkey == thron.pkey
        thron.expire_tokens()
        assert (await keeper.ask(question)).contents
        assert (await keeper.session()).token in thron.secrets


async def test_a_user_whom_the_application_may_not_act_as(client: Client, thron: Sandbox) -> None:
    """The refusal names the setting and the right, and no key."""
    mine = Credentials(thron.client_id, thron.app_id, thron.app_key, username=thron.username)
    async with keeper_of(client, mine) as keeper:
        with pytest.raises(CredentialsRefused, match=r"TDC_USERNAME.*canDisguise") as raised:
            await keeper.session()
        assert thron.app_key not in str(raised.value)


@pytest.mark.parametrize("denied_as", ["403 text", "418 envelope", "403 envelope", "200 envelope"])
async def test_a_missing_right_is_no_login(
    client: Client, credentials: Credentials, thron: Sandbox, denied_as: str
) -> None:
    """Calls that the application may not make are refused without a new login."""
    thron.switches.denied_as = denied_as  # type: ignore[assignment] # a parameter's type is str
    question = search("another-tenant", SearchCriteria())
    async with keeper_of(client, credentials) as keeper:
        asks = [keeper.ask(question) for _ in range(30)]
        outcomes = await asyncio.gather(*asks, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {ThronRefused}
        assert thron.logins == 1
        assert asked(thron, VALIDATE) < 15, "validations are shared"


async def test_rights_and_expiry_together(
    client: Client, credentials: Credentials, thron: Sandbox
) -> None:
    """Refused calls do not hide an expiry: those with a right are answered, after one login."""
    allowed = search(thron.client_id, SearchCriteria(folder_id=thron.root_folder_id))
    forbidden = search("another-tenant", SearchCriteria())
    for _ in range(5):
        # Each time another keeper: two logins in a row that change nothing for whoever asked for
        # them are enough for a minute.
        async with keeper_of(client, credentials) as keeper:
            await keeper.session()
            before = thron.logins
            refused = [asyncio.create_task(keeper.ask(forbidden)) for _ in range(10)]
            await until(lambda: asked(thron, VALIDATE) > 0)
            thron.expire_tokens()
            pages = await asyncio.gather(*(keeper.ask(allowed) for _ in range(10)))
            outcomes = await asyncio.gather(*refused, return_exceptions=True)
        assert all(page.contents for page in pages)
        assert {type(outcome) for outcome in outcomes} == {ThronRefused}
        assert thron.logins == before + 1
        thron.log.clear()


async def test_wrong_key(client: Client, thron: Sandbox) -> None:
    """A wrong key is told at once to everyone, and THRON is asked once."""
    wrong = Credentials(thron.client_id, thron.app_id, thron.app_key_wrong)
    async with keeper_of(client, wrong) as keeper:
        for _ in range(20):
            with pytest.raises(CredentialsRefused, match="app key") as raised:
                await keeper.session()
            assert raised.value.retry_after_s is not None
            assert 1 <= raised.value.retry_after_s <= 60
        assert asked(thron, LOGIN) == 1
        assert not keeper.state.logged_in
        assert "app key" in (keeper.state.problem or "")
        assert thron.app_key_wrong not in str(raised.value) + repr(wrong)


@pytest.mark.parametrize("status", [200, 403, 404, 418])
async def test_a_refused_login_of_any_status(client: Client, thron: Sandbox, status: int) -> None:
    """Whatever status THRON refuses a login with, it is the credentials that are wrong."""
    thron.switches.login_refused_status = status
    wrong = Credentials(thron.client_id, "no-such-app", thron.app_key)
    async with keeper_of(client, wrong) as keeper:
        with pytest.raises(CredentialsRefused, match="app id"):
            await keeper.session()


async def test_api_down_at_start(client: Client, credentials: Credentials, thron: Sandbox) -> None:
    """With the API down it starts, tells callers at once, and recovers without being asked."""
    thron.api_down = True
    async with keeper_of(client, credentials, schedule=HASTY) as keeper:
        with pytest.raises(ThronUnreachable):
            await keeper.session()
        await until(lambda: asked(thron, LOGIN) >= 3 and keeper.state.problem is not None)
        thron.api_down = False
        await until(lambda: keeper.state.logged_in)
        assert keeper.state.problem is None
        assert thron.logins == 1


async def test_while_backing_off_nobody_waits(
    client: Client, credentials: Credentials, thron: Sandbox
) -> None:
    """During a back-off callers get the remembered error, and THRON is left alone."""
    thron.faults.add(Fault(Kind.BUSY, "login", None, retry_after="120"))
    async with keeper_of(client, credentials) as keeper:
        for _ in range(20):
            with pytest.raises(ThronError) as raised:
                await keeper.session()
            assert raised.value.retry_after_s == pytest.approx(120, abs=10)
        assert asked(thron, LOGIN) == 1


async def test_api_down_at_expiry(client: Client, credentials: Credentials, thron: Sandbox) -> None:
    """Where the refused token cannot be validated, there is a login at once."""
    question = detail_source(thron.client_id, next(iter(thron.tenant.contents())).id)
    async with keeper_of(client, credentials) as keeper:
        assert await keeper.ask(question)
        thron.expire_tokens()
        thron.faults.add(Fault(Kind.STATUS, "api", 1, target=VALIDATE, status=503))
        assert await keeper.ask(question)
        assert thron.logins == 2


async def test_a_leaving_caller_disturbs_nobody(
    client: Client, credentials: Credentials, thron: Sandbox
) -> None:
    """The first waiter's cancellation ends his wait and not the others' login."""
    thron.faults.add(Fault(Kind.STALL, "login"))
    async with keeper_of(client, credentials) as keeper:
        first = asyncio.create_task(keeper.session())
        others = [asyncio.create_task(keeper.session()) for _ in range(5)]
        await until(lambda: asked(thron, LOGIN) == 1)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        thron.faults.release()
        sessions = await asyncio.gather(*others)
        assert len({session.token for session in sessions}) == 1
        assert thron.logins == 1


async def test_a_leaving_caller_during_validation(
    client: Client, credentials: Credentials, thron: Sandbox
) -> None:
    """The same holds while a refused token is validated."""
    question = search(thron.client_id, SearchCriteria(folder_id=thron.root_folder_id))
    async with keeper_of(client, credentials) as keeper:
        await keeper.session()
        thron.expire_tokens()
        thron.faults.add(Fault(Kind.STALL, "api", target=VALIDATE))
        tasks = [asyncio.create_task(keeper.ask(question)) for _ in range(5)]
        await until(lambda: asked(thron, VALIDATE) == 1)
        tasks[0].cancel()
        thron.faults.release()
        pages = await asyncio.gather(*tasks[1:])
        assert all(page.contents for page in pages)
        assert thron.logins == 2


async def test_leaving_the_keeper_ends_its_tasks(
    client: Client, credentials: Credentials, thron: Sandbox
) -> None:
    """Nothing of the keeper's runs on when it is left, even in the middle of a login."""
    thron.faults.add(Fault(Kind.STALL, "login"))
    async with keeper_of(client, credentials):
        await until(lambda: asked(thron, LOGIN) == 1)
    names = {task.get_name() for task in asyncio.all_tasks()}
    assert not names & {"token-keeper", "thron-login", "thron-validate"}


async def test_idle_token_is_validated(
    client: Client, credentials: Credentials, thron: Sandbox
) -> None:
    """An idle token is validated in the background, again and again, without a login."""
    schedule = Schedule(validate_after_idle_s=0.01)
    async with keeper_of(client, credentials, schedule=schedule):
        await until(lambda: asked(thron, VALIDATE) >= 3)
        assert thron.logins == 1


async def test_while_thron_is_doubted_an_idle_token_is_validated_soon(
    client: Client, credentials: Credentials, thron: Sandbox
) -> None:
    """Where nobody else asks, the keeper finds out that THRON answers again."""
    is_doubted = False
    schedule = replace(HASTY, validate_doubted_after_s=0.01)
    async with TokenKeeper(
        client,
        credentials,
        now=time.monotonic,
        random=lambda: 0.0,
        schedule=schedule,
        is_doubted=lambda: is_doubted,
    ) as keeper:
        await keeper.session()
        assert asked(thron, VALIDATE) == 0
        thron.api_down = is_doubted = True
        await until(lambda: keeper.state.problem is not None)
        thron.api_down = False
        await until(lambda: keeper.state.problem is None)
        await until(lambda: asked(thron, VALIDATE) >= 2)
        assert thron.logins == 1


async def test_idle_token_found_dead(
    client: Client, credentials: Credentials, thron: Sandbox
) -> None:
    """A token that died while idle is replaced before anybody needs it."""
    schedule = Schedule(validate_after_idle_s=0.01)
    async with keeper_of(client, credentials, schedule=schedule) as keeper:
        await until(lambda: keeper.state.logged_in)
        thron.expire_tokens()
        await until(lambda: keeper.state.logins == 2)


async def test_failing_validation_keeps_the_token(
    client: Client, credentials: Credentials, thron: Sandbox
) -> None:
    """While THRON cannot validate an idle token it is kept, and the trouble is visible."""
    schedule = Schedule(validate_after_idle_s=0.01, retry=Backoff(first_s=0.01, longest_s=0.02))
    async with keeper_of(client, credentials, schedule=schedule) as keeper:
        await keeper.session()
        thron.faults.add(Fault(Kind.STATUS, "api", None, target=VALIDATE, status=502))
        await until(lambda: keeper.state.problem is not None)
        assert keeper.state.logged_in
        thron.faults.clear()
        await until(lambda: keeper.state.problem is None)
        assert thron.logins == 1


async def test_a_crash_is_told_and_survived(
    client: Client, credentials: Credentials, thron: Sandbox
) -> None:
    """A bug met in the background is logged, is visible, and does not stop the keeper."""
    bad = iter([True])

    def jitter() -> float:
        return 0.0 if next(bad, None) is None else 1 / 0

    with capture_logs() as events:
        keeper = TokenKeeper(client, credentials, now=time.monotonic, random=jitter, schedule=HASTY)
        async with keeper:
            await until(lambda: keeper.state.problem is not None)
            await keeper.session()
            assert thron.logins == 1
    assert "token.refresh_crashed" in {event["event"] for event in events}


async def test_renewal_keeps_the_old_token(
    client: Client, credentials: Credentials, thron: Sandbox
) -> None:
    """A renewal is a new login ahead of the end; what runs with the old token goes on."""
    schedule = Schedule(renew_after_s=0.05)
    async with keeper_of(client, credentials, schedule=schedule) as keeper:
        old = await keeper.session()
        await until(lambda: keeper.state.logins >= 2)
        assert (await keeper.session()).token != old.token
        question = search(thron.client_id, SearchCriteria(folder_id=thron.root_folder_id))
        assert (await client.ask(question, token=old.token)).contents


async def test_failing_renewal_keeps_the_token(
    client: Client, credentials: Credentials, thron: Sandbox
) -> None:
    """While a renewal fails the token goes on serving, and the trouble is visible."""
    schedule = Schedule(renew_after_s=0.05, retry=Backoff(first_s=0.01, longest_s=0.02))
    async with keeper_of(client, credentials, schedule=schedule) as keeper:
        await keeper.session()
        thron.faults.fail(503, where="login", times=None)
        await until(lambda: keeper.state.problem is not None)
        assert keeper.state.logged_in
        await keeper.session()
        thron.faults.clear()
        await until(lambda: keeper.state.problem is None)


async def test_an_answer_ends_the_trouble(
    client: Client, credentials: Credentials, thron: Sandbox
) -> None:
    """THRON that answers a request is no longer out of reach, whatever a renewal has met."""
    schedule = Schedule(renew_after_s=0.05, retry=Backoff(first_s=3600, longest_s=3600))
    async with keeper_of(client, credentials, schedule=schedule) as keeper:
        await keeper.with_token(refusing_after(1), **ASKED)
        thron.faults.fail(503, where="login", times=None)
        await until(lambda: keeper.state.problem is not None)
        await keeper.with_token(refusing_after(1), **ASKED)
        assert keeper.state.problem is None


async def test_a_stale_refusal_is_replayed_at_once(
    client: Client, credentials: Credentials, thron: Sandbox
) -> None:
    """A refusal of a token that has been replaced meanwhile costs neither validation nor login."""
    async with keeper_of(client, credentials) as keeper:
        old = await keeper.session()
        used: list[str] = []

        async def attempt(token: str) -> str:
            used.append(token)
            if token == old.token:
                await keeper.with_token(refuse_old, **ASKED)
                raise TokenRejected
            return token

        async def refuse_old(token: str) -> None:
            if token == old.token:
                raise TokenRejected

        thron.expire_tokens()
        assert await keeper.with_token(attempt, **ASKED) != old.token
        assert len(used) == 2
        assert asked(thron, VALIDATE) == 1
        assert thron.logins == 2


async def test_tokens_that_never_last(
    client: Client, credentials: Credentials, thron: Sandbox
) -> None:
    """A call whose every token is replaced while in use ends as THRON's trouble."""
    async with keeper_of(client, credentials) as keeper:

        async def attempt(token: str) -> None:
            if (await keeper.session()).token == token:
                thron.expire_tokens()
                await keeper.with_token(lambda other: _refuse_only(token, other), **ASKED)
            raise TokenRejected

        with pytest.raises(ThronUnreachable, match="every token"):
            await keeper.with_token(attempt, **ASKED)


async def _refuse_only(token: str, other: str) -> None:
    if token == other:
        raise TokenRejected


async def test_an_attempt_fails_with_its_own_error(
    client: Client, credentials: Credentials
) -> None:
    """Whatever else an attempt raises is the caller's."""

    async def fail(_: str) -> None:
        raise LookupError

    async with keeper_of(client, credentials) as keeper:
        with pytest.raises(LookupError):
            await keeper.with_token(fail, **ASKED)


def refusing_after(good: int) -> Callable[[str], Awaitable[None]]:
    """Return an attempt that every token is refused for, after so many that are good."""
    numbers = count(1)

    async def attempt(_: str) -> None:
        if next(numbers) > good:
            raise TokenRejected

    return attempt


async def test_no_login_storm_where_validation_lies(
    client: Client, credentials: Credentials, thron: Sandbox
) -> None:
    """If THRON refuses good tokens at validation, refused calls still do not log in each time."""
    thron.faults.add(Fault(Kind.STATUS, "api", None, target=VALIDATE, status=403))
    async with keeper_of(client, credentials) as keeper:
        for _ in range(20):
            with pytest.raises(ThronRefused):
                await keeper.with_token(refusing_after(0), **ASKED)
        assert thron.logins == 3


async def test_a_right_that_is_given_back(
    client: Client, credentials: Credentials, thron: Sandbox
) -> None:
    """What was denied and is answered now may look like an end of the session again."""
    clock = [0.0]
    async with keeper_of(client, credentials, now=lambda: clock[0]) as keeper:
        await keeper.with_token(refusing_after(1), service="search", subject="others")
        with pytest.raises(ThronRefused):
            await keeper.with_token(refusing_after(0), **ASKED)
        await keeper.with_token(refusing_after(1), **ASKED)
        assert thron.logins == 2
        clock[0] = 61.0  # a validation is disbelieved once a minute
        old = await keeper.session()

        async def attempt(token: str) -> str:
            if token == old.token:
                raise ThronUnreachable(received_status=500)
            return token

        assert await keeper.with_token(attempt, **ASKED) != old.token
        assert thron.logins == 3


async def test_validation_that_is_not_there(
    client: Client, credentials: Credentials, thron: Sandbox
) -> None:
    """Where validateToken answers with a strange page, a refused token is replaced by a login."""
    thron.faults.add(Fault(Kind.HTML, "api", None, target=VALIDATE))
    question = search(thron.client_id, SearchCriteria(folder_id=thron.root_folder_id))
    async with keeper_of(client, credentials) as keeper:
        await keeper.session()
        thron.expire_tokens()
        assert (await keeper.ask(question)).contents
        assert thron.logins == 2


async def test_renew_reads_the_pkey_again(
    client: Client, credentials: Credentials, thron: Sandbox
) -> None:
    """A suspected pkey is read again by one login, and not more than every ten minutes."""
    clock = [0.0]
    async with keeper_of(client, credentials, now=lambda: clock[0]) as keeper:
        old = await keeper.session()
        new_pkey = thron.tenant.new_pkey()
        clock[0] = 599.0
        assert await keeper.renew(old) is old
        clock[0] = 601.0
        first, second = await asyncio.gather(keeper.renew(old), keeper.renew(old))
        assert first.pkey == second.pkey == new_pkey
        assert await keeper.renew(old) is first
        assert thron.logins == 2


async def test_no_pkey(client: Client, credentials: Credentials, thron: Sandbox) -> None:
    """An application without public share has a session, and no pkey."""
    thron.tenant.app.pkey = None
    async with keeper_of(client, credentials) as keeper:
        assert (await keeper.session()).pkey is None


async def test_logs_hold_no_secret(thron: Sandbox, http: aiohttp.ClientSession) -> None:
    """Logins, renewals, expiries and failures are told without token, key or pkey."""
    client = Client(http, api_url=thron.api_url)
    mine = Credentials(thron.client_id, thron.app_id, thron.app_key)
    question = search(thron.client_id, SearchCriteria(folder_id=thron.root_folder_id))
    with capture_logs() as events:
        async with keeper_of(client, mine, schedule=HASTY) as keeper:
            await keeper.ask(question)
            thron.expire_tokens()
            thron.faults.fail(503, where="login")
            with pytest.raises(ThronUnreachable):
                await keeper.ask(question)
            await until(lambda: keeper.state.logins == 2)
    told = repr(events)
    assert {event["event"] for event in events} == {
        "token.renewed",
        "token.expired",
        "token.login_failed",
    }
    assert not [secret for secret in thron.secrets if secret in told]
