"""Keeps one valid session token in the background, and gives a way to call THRON with it.

Rules:

1. One login is in flight at a time, of all processes that share a store, and one validation of a
   token; all who need it await the same one, and it goes on when one of them stops waiting.
2. Before a login the store is looked into: another process may have logged in meanwhile, and a
   login may end the session that all others use (docs/thron.md 2.2).
3. A refused token is validated before a login: a call that a good token may not make is a matter
   of rights, and a login would change nothing (docs/thron.md 1.4 and 11, row 1). Where validation
   fails, or cannot be believed (``refusals``), there is a login.
4. A replaced token is not ended, so that requests that still use it go on.
5. After a failed login the next one waits; meanwhile callers get the same error at once.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import NoReturn, Self, TypeVar

import structlog

from proxy.errors import (
    CredentialsRefused,
    ThronAnswerInvalid,
    ThronError,
    ThronRefused,
    ThronUnreachable,
    TokenRejected,
)
from proxy.thron.client import Client
from proxy.thron.exchange import Question
from proxy.thron.refusals import Refusals
from proxy.thron.session import (
    Credentials,
    SessionStore,
    ThronSession,
    Unshared,
    act_as,
    login,
    validate,
)
from proxy.thron.token_schedule import (
    Failure,
    Refresh,
    RefreshAction,
    Schedule,
    backoff_s,
    next_refresh,
)

T = TypeVar("T")

log = structlog.get_logger()

# With the current token, with one that another process got meanwhile, with that of a new login, and
# once more in case that one was replaced during the attempt.
_MOST_ATTEMPTS = 4

# Short, since every caller waits for a login and for a validation.
_LONGEST_S = 10.0

# Logins in a row whose token was refused all the same, before the next one has to wait: then
# validateToken cannot be believed, or THRON's tokens are worth nothing.
_FUTILE_LOGINS = 2
_PAUSE_AFTER_FUTILE_LOGINS_S = 60.0

# A pkey that may have been revoked is read again by a login, not more often than this.
_LEAST_AGE_TO_RENEW_S = 600.0

# Between two looks into the store while another process logs in.
_LEASE_POLL_S = 0.25

# Tokens that this process was refused or replaced, and will not take from the store again.
_RETIRED_TOKENS = 16


@dataclass(frozen=True, slots=True)
class TokenState:
    """What the console and ``/readyz`` tell of the token; times are of the keeper's clock.

    Attributes:
        logged_in: Whether there is a token that is not known to be dead.
        since: When it was given.
        last_refresh: When it last proved good: login, validation or use.
        problem: What keeps the keeper from refreshing it; None if nothing does.
        logins: Successful logins since the start.
    """

    logged_in: bool
    since: float | None
    last_refresh: float | None
    problem: str | None
    logins: int


class TokenKeeper:
    """Holds the session of one process; an async context manager around its background task.

    Args:
        client: Sends the requests.
        credentials: What to log in with.
        now: The clock, in seconds; states show it, so ``time.time`` suits.
        random: Jitter, from 0 to 1.
        schedule: The times of refreshes and retries.
        store: Where the session is shared with other processes; then ``now`` is unix seconds.
        is_doubted: Whether THRON failed when it was last asked: then the token is validated sooner,
            so that its answer is noticed where nobody else asks.
        redact: Keeps a secret of a kind, such as ``token``, out of logs; None is no secret.

    If the first login fails, it is tried again in the background.
    """

    def __init__(
        self,
        client: Client,
        credentials: Credentials,
        *,
        now: Callable[[], float],
        random: Callable[[], float],
        schedule: Schedule | None = None,
        store: SessionStore | None = None,
        is_doubted: Callable[[], bool] = lambda: False,
        redact: Callable[[str, str | None], None] = lambda _kind, _secret: None,
    ) -> None:
        self._redact = redact
        self._client = client
        self._credentials = credentials
        self._now = now
        self._random = random
        self._schedule = schedule or Schedule()
        self._store = store or Unshared()
        self._is_doubted = is_doubted
        self._session: ThronSession | None = None
        self._former: ThronSession | None = None
        self._is_shared = False
        self._retired: deque[str] = deque(maxlen=_RETIRED_TOKENS)
        self._used_at = self._validated_at = 0.0
        self._jitter = 0.0
        self._logins = 0
        self._failure: Failure | None = None
        self._futile_logins: list[ThronSession] = []
        self._futile_at = 0.0
        self._refusals = Refusals()
        self._login: asyncio.Task[ThronSession | ThronError] | None = None
        self._validations: dict[ThronSession, asyncio.Task[bool | ThronError]] = {}
        self._changed = asyncio.Event()
        self._background: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._background = asyncio.create_task(self._keep_alive(), name="token-keeper")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        tasks = [self._background, self._login, *self._validations.values()]
        running = [task for task in tasks if task is not None]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    @property
    def state(self) -> TokenState:
        """The state of the token."""
        session = self._session
        return TokenState(
            logged_in=session is not None,
            since=session.logged_in_at if session is not None else None,
            last_refresh=max(self._used_at, self._validated_at) or None,
            problem=str(self._failure.error) if self._failure is not None else None,
            logins=self._logins,
        )

    @property
    def known(self) -> ThronSession | None:
        """The session, if there is one; nothing is asked."""
        return self._session

    async def last_known(self) -> ThronSession | None:
        """Return the session, or the last one that there was, in an earlier process too.

        Its token may have ended; its pkey and folder do not end with it. THRON is not asked.
        """
        known = self._session or self._former or await self._store.load()
        self._redact("pkey", known.pkey if known is not None else None)
        return known

    async def session(self) -> ThronSession:
        """Return the session, logging in if there is none.

        Raises:
            CredentialsRefused: The login is refused; not tried again for a while.
            ThronError: THRON could not be asked; the same.
        """
        return self._session or await self._renewed()

    async def renew(self, session: ThronSession) -> ThronSession:
        """Return a session newer than this one, whose pkey is suspected to be revoked.

        The same one comes back if it is younger than ten minutes.

        Raises:
            ThronError: As ``session`` does.
        """
        if session is not self._session:
            return await self.session()
        if self._now() - session.logged_in_at < _LEAST_AGE_TO_RENEW_S:
            return session
        self._retired.append(session.token)
        return await self._renewed()

    @property
    def silent_s(self) -> float:
        """For how long THRON, asked something, has answered nothing at all."""
        return self._client.silent_s

    async def ask(self, question: Question[T], *, at_most_s: float | None = None) -> T:
        """Return the answer to a question, asked with the token.

        Args:
            question: What is asked.
            at_most_s: Longest time for each request, where that is less than usual.

        Raises:
            ThronRefused: The application has no right to it.
            ThronError: As ``session`` does, or as the question's deciphering does.
        """
        request = question.request
        return await self.with_token(
            lambda token: self._client.ask(question, token=token, at_most_s=at_most_s),
            service=request.path,
            subject=hash((request.path, request.query, str(request.json))),
        )

    async def with_token(
        self, attempt: Callable[[str], Awaitable[T]], *, service: str, subject: object
    ) -> T:
        """Return what an attempt with the token gives, replaying it once with a new token.

        Args:
            attempt: Called with a token; raises TokenRejected where it is refused. It is called
                again only if the token turns out to be dead.
            service: What is asked, such as the path of the request.
            subject: What it is asked for, as a hashable value.

        Raises:
            ThronRefused: The token is good, so the application has no right to this.
            ThronError: As ``session`` does; and whatever else the attempt raises.
        """
        session, is_new = self._session or await self._renewed(), False
        for _ in range(_MOST_ATTEMPTS):
            try:
                result = await attempt(session.token)
            except ThronError as error:
                if not self._refusals.is_unusual(error, service, subject):
                    raise
                if is_new:
                    if session not in self._futile_logins:
                        self._futile_logins.append(session)
                        self._futile_at = self._now()
                    self._refusals.note_denial(subject)
                    _raise_as_denial(error)
                replaced = await self._replace(session, error, service, subject)
                if replaced is None:
                    _raise_as_denial(error)
                session, is_new = replaced
            else:
                if session is self._session:
                    self._used_at = self._now()
                noted = self._refusals
                is_as_before = noted.answered_last == service and not noted.denied
                if is_new or self._failure is not None or not is_as_before:
                    self._note_success(session, service, subject, is_new=is_new)
                return result
        raise ThronUnreachable("THRON ended every token while it was in use")

    def _note_success(
        self, session: ThronSession, service: str, subject: object, *, is_new: bool
    ) -> None:
        self._refusals.note_answer(service, subject)
        if is_new:
            self._futile_logins.clear()
        if session is self._session:
            self._note_answer()

    async def _replace(
        self, session: ThronSession, refusal: ThronError, service: str, subject: object
    ) -> tuple[ThronSession, bool] | None:
        """Return another session than the refused one, and whether a login was made for it.

        None where the session is good, so that another one would be refused as well.
        """
        if session is self._session:
            newer = await self._shared()  # which another process got in place of this one
            if newer is not None and newer.token != session.token and session is self._session:
                self._take(newer, is_shared=True)
        if session is not self._session:
            return await self.session(), False
        is_good: bool | None = None
        with suppress(ThronError):
            is_good = await self._is_good(session)
        if session is not self._session:
            return await self.session(), not is_good
        if self._login is not None and not self._login.done():
            return await self._renewed(), True
        if is_good:
            now, is_shared = self._now(), self._is_shared
            if not self._refusals.may_disbelieve(service, subject, is_shared=is_shared, now=now):
                return None
            log.warning("token.validation_disbelieved", service=service, problem=str(refusal))
        if self._is_login_futile():
            return None
        self._retired.append(session.token)
        if is_good is False:
            self._drop(session)
        return await self._renewed(), True

    def _drop(self, session: ThronSession) -> None:
        if self._session is session:
            log.info("token.expired", age_s=round(self._now() - session.logged_in_at))
            self._session, self._former = None, session
            self._retired.append(session.token)
            self._changed.set()

    async def _renewed(self) -> ThronSession:
        """Return the session of the login in flight, or of a new one unless that has to wait."""
        if self._login is None or self._login.done():
            if self._failure is not None and self._failure.remaining_s(self._now()) > 0:
                raise self._failure.new_error(self._now())
            self._login = asyncio.create_task(self._new_session(), name="thron-login")
        return _unwrap(await asyncio.shield(self._login))

    async def _new_session(self) -> ThronSession | ThronError:
        """Take the shared session, or log in.

        A failure is a result here, not an exception: several may await it, or nobody.
        """
        try:
            shared = await self._leased_or_shared()
            if shared is not None:
                return self._take(shared, is_shared=True)
            session = await self._log_in()
            await self._store.save(session)
        except ThronError as error:
            return self._note_failure("token.login_failed", error)
        finally:
            await self._store.release()
        self._logins += 1
        log.info("token.renewed", logins=self._logins, can_publish=session.pkey is not None)
        return self._take(session, is_shared=False)

    async def _leased_or_shared(self) -> ThronSession | None:
        """Return a session that another process got; None once this one holds the lease."""
        is_leased = False
        while True:
            shared = await self._shared()
            if shared is not None or is_leased:  # with the lease, it has been looked once more
                return shared
            is_leased = await self._store.acquire()
            if not is_leased:
                await asyncio.sleep(_LEASE_POLL_S)

    async def _log_in(self) -> ThronSession:
        mine = self._credentials
        answer = await self._client.ask(
            login(mine.client_id, mine.app_id, mine.app_key), token=None, at_most_s=_LONGEST_S
        )
        token = answer.token
        if mine.username is not None:  # the token of the user to act as (docs/thron.md 2.4)
            try:
                question = act_as(mine, app_key=mine.app_key)
                token = await self._client.ask(question, token=token, at_most_s=_LONGEST_S)
            except (CredentialsRefused, ThronAnswerInvalid):
                question = act_as(mine, app_key=token)
                token = await self._client.ask(question, token=token, at_most_s=_LONGEST_S)
        return ThronSession(token, answer.pkey, answer.root_category_id, logged_in_at=self._now())

    async def _shared(self) -> ThronSession | None:
        """Return the session that another process got, if it may be of use."""
        shared = await self._store.load()
        if shared is None or shared.token in self._retired:
            return None
        age_s = self._now() - shared.logged_in_at
        if 0 <= age_s < self._schedule.renew_after_idle_s:
            return shared
        if age_s < self._schedule.renew_after_s:
            with suppress(ThronError):
                if await self._is_good(shared):
                    return shared
        self._former = self._former or shared
        self._retired.append(shared.token)
        return None

    def _take(self, session: ThronSession, *, is_shared: bool) -> ThronSession:
        self._redact("token", session.token)
        self._redact("pkey", session.pkey)
        if is_shared:
            log.info("token.shared", age_s=round(self._now() - session.logged_in_at))
        self._session, self._failure, self._is_shared = session, None, is_shared
        self._used_at = self._validated_at = self._now()
        self._jitter = self._random()
        self._changed.set()
        return session

    async def _is_good(self, session: ThronSession) -> bool:
        """Tell whether validateToken says that the token is good.

        A validation that was under way before the refusal proves only its end; if it proves the
        token good, one that began later has to.
        """
        earlier = self._validations.get(session)
        if earlier is not None and not _unwrap(await asyncio.shield(earlier)):
            return False
        running = self._validations.get(session)
        if running is None:
            running = asyncio.create_task(self._validate(session), name="thron-validate")
            self._validations[session] = running
            running.add_done_callback(lambda _: self._validations.pop(session, None))
        return _unwrap(await asyncio.shield(running))

    async def _validate(self, session: ThronSession) -> bool | ThronError:
        question = validate(self._credentials.client_id)
        try:
            is_good = await self._client.ask(question, token=session.token, at_most_s=_LONGEST_S)
        except ThronAnswerInvalid as error:
            log.warning("token.validation_unreadable", problem=str(error))
            is_good = False
        except ThronError as error:
            return error
        self._note_answer()
        if is_good and session is self._session:
            self._validated_at = self._now()
        return is_good

    def _note_answer(self) -> None:
        """Forget a failure of THRON; an answer does not undo the refusal of a login."""
        if self._failure is not None and not isinstance(self._failure.error, CredentialsRefused):
            self._failure = None

    def _note_failure(self, event: str, error: ThronError) -> ThronError:
        count = 1 if self._failure is None else self._failure.count + 1
        delay_s = backoff_s(self._schedule, error, failures=count, jitter=self._random())
        self._failure = Failure(error, count=count, at=self._now(), delay_s=delay_s)
        self._changed.set()
        log.warning(
            event,
            error=type(error).__name__,
            problem=str(error),
            failures=count,
            retry_in_s=round(delay_s, 1),
        )
        return self._failure.new_error(self._now())

    def _is_login_futile(self) -> bool:
        """Tell whether the last logins changed nothing, so that the next one has to wait."""
        if len(self._futile_logins) < _FUTILE_LOGINS:
            return False
        if 0 <= self._now() - self._futile_at < _PAUSE_AFTER_FUTILE_LOGINS_S:
            return True
        self._futile_logins.clear()
        return False

    async def _keep_alive(self) -> None:
        while True:
            self._changed.clear()
            wait_s = max(self._due().at - self._now(), 0)
            # Not for longer, as doubts arise meanwhile.
            with suppress(TimeoutError):
                async with asyncio.timeout(min(wait_s, self._schedule.validate_doubted_after_s)):
                    await self._changed.wait()
            due = self._due()
            if due.at <= self._now():
                try:
                    await self._refresh(due.action)
                except Exception:
                    log.exception("token.refresh_crashed")
                    bug = ThronUnreachable("a bug of the keeper")
                    self._note_failure("token.refresh_failed", bug)

    def _due(self) -> Refresh:
        now = self._now()
        earliest = now + (self._failure.remaining_s(now) if self._failure is not None else 0.0)
        if self._session is None:
            return Refresh(RefreshAction.LOG_IN, earliest)
        due = next_refresh(
            self._schedule,
            logged_in_at=self._session.logged_in_at,
            used_at=self._used_at,
            validated_at=self._validated_at,
            jitter=self._jitter,
            is_doubted=self._is_doubted(),
        )
        return Refresh(due.action, max(due.at, earliest) if self._failure is not None else due.at)

    async def _refresh(self, action: RefreshAction) -> None:
        session = self._session
        if action is RefreshAction.VALIDATE and session is not None:
            try:
                if await self._is_good(session):
                    return
            except ThronError as error:
                self._note_failure("token.validation_failed", error)
                return
            self._drop(session)
        elif session is not None:
            self._retired.append(session.token)
        with suppress(ThronError):  # noted and logged where it happened
            await self._renewed()


def _raise_as_denial(error: ThronError) -> NoReturn:
    """Raise a refusal as a missing right: the session is known to be good."""
    if isinstance(error, TokenRejected):
        raise ThronRefused(error.text, received_status=error.received_status) from error
    raise error


def _unwrap(outcome: T | ThronError) -> T:
    if isinstance(outcome, ThronError):
        raise outcome.anew(retry_after_s=outcome.retry_after_s)
    return outcome
