"""What an application may do in THRON, found out by trying."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field
from enum import StrEnum

from proxy.connectors.model import Connector, DeliveryMode, Identifier
from proxy.delivery.mode_trial import ModeTrial, Proposal, few, propose, try_mode
from proxy.errors import CredentialsRefused, GatewayError, ThronRefused
from proxy.tenant import Tenant
from proxy.text import Text
from proxy.thron.folder import category, classifications
from proxy.thron.session import ThronSession

# Somebody waits for the page.
_LONGEST_S = 10.0


class Right(StrEnum):
    """What is tried, in its order."""

    LOG_IN = "log_in"
    FOLDER = "folder"
    SOURCE_FILES = "source_files"
    RENDITIONS = "renditions"
    METADATA = "metadata"


_RIGHTS = {
    DeliveryMode.ORIGINAL: Right.SOURCE_FILES,
    DeliveryMode.PUBLISHED: Right.RENDITIONS,
}


class Granted(StrEnum):
    """Whether the application may do it, as far as trying shows."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was tried.

    Attributes:
        right: What.
        verdict: How it went.
        detail: THRON's own words, or a name or number that was found; no secret.
    """

    right: Right
    verdict: Granted
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """Everything that was tried with some credentials.

    Attributes:
        findings: In the order of the rights; after a login that failed, that alone.
        session: Of the login.
        proposal: The mode of delivery to begin with.
    """

    findings: tuple[Finding, ...]
    session: ThronSession | None = field(default=None, repr=False)
    proposal: Proposal | None = None

    @property
    def is_logged_in(self) -> bool:
        """Whether the credentials are good."""
        return self.session is not None

    @property
    def is_refused(self) -> bool:
        """Whether THRON says that they are not, rather than nothing."""
        return self.session is None and self.findings[0].verdict is Granted.NO


async def explore(tenant: Tenant) -> Trial:
    """Log in, and try what connectors need."""
    try:
        session = await tenant.thron.session()
    except CredentialsRefused as exc:
        return Trial((Finding(Right.LOG_IN, Granted.NO, str(exc)),))
    except GatewayError as exc:
        return Trial((Finding(Right.LOG_IN, Granted.UNKNOWN, str(exc)),))
    trials: dict[DeliveryMode, ModeTrial] = {}
    findings = await asyncio.gather(
        _in_time(Right.FOLDER, _folder(tenant, session)),
        *(
            _in_time(_RIGHTS[mode], _delivered(tenant, session, mode, trials))
            for mode in DeliveryMode
        ),
        _in_time(Right.METADATA, _metadata(tenant)),
    )
    return Trial(
        (Finding(Right.LOG_IN, Granted.YES), *findings),
        session,
        propose([*trials.values()]),
    )


async def proposed(tenant: Tenant) -> Proposal:
    """Try both modes of delivery, and return the one to begin with.

    Raises:
        ThronError: THRON cannot be logged in to.
    """
    session = await tenant.thron.session()
    trials: dict[DeliveryMode, ModeTrial] = {}
    await asyncio.gather(
        *(
            _in_time(_RIGHTS[mode], _delivered(tenant, session, mode, trials))
            for mode in DeliveryMode
        )
    )
    return propose([*trials.values()])


async def _in_time(right: Right, tried: Awaitable[Finding]) -> Finding:
    try:
        async with asyncio.timeout(_LONGEST_S):
            return await tried
    except TimeoutError:
        return Finding(right, Granted.UNKNOWN, Text("THRON did not answer in time"))


async def _folder(tenant: Tenant, session: ThronSession) -> Finding:
    if session.root_category_id is None:
        return Finding(Right.FOLDER, Granted.NO)
    try:
        found = await tenant.thron.ask(category(tenant.client_id, session.root_category_id))
    except GatewayError as exc:
        return Finding(Right.FOLDER, _granted(exc), str(exc))
    if found is None:
        return Finding(Right.FOLDER, Granted.NO, session.root_category_id)
    return Finding(Right.FOLDER, Granted.YES, found.names[0].text if found.names else found.id)


async def _delivered(
    tenant: Tenant, session: ThronSession, mode: DeliveryMode, trials: dict[DeliveryMode, ModeTrial]
) -> Finding:
    """Fetch one octet of a few contents, as a connector would, and note how it went."""
    right = _RIGHTS[mode]
    if mode is DeliveryMode.PUBLISHED and session.pkey is None:
        return Finding(right, Granted.NO)
    folder = session.root_category_id
    if folder is None:
        return Finding(right, Granted.UNKNOWN)
    connector = Connector.model_construct(
        slug="check", folder=folder, folder_id=folder, identifier=Identifier.CONTENT_ID
    )
    try:
        contents = await few(tenant.previewer.contents(connector))
    except GatewayError as exc:
        return Finding(right, Granted.UNKNOWN, str(exc))
    if not contents:
        return Finding(right, Granted.UNKNOWN)
    trial = trials[mode] = await try_mode(tenant.explainer, connector, mode, contents)
    return Finding(right, Granted.YES if trial.works else Granted.NO, trial.detail)


async def _metadata(tenant: Tenant) -> Finding:
    try:
        listed = await tenant.thron.ask(classifications(tenant.client_id))
    except GatewayError as exc:
        return Finding(Right.METADATA, _granted(exc), str(exc))
    names = [each.names[0].text if each.names else each.id for each in listed.items]
    return Finding(Right.METADATA, Granted.YES, ", ".join(names))


def _granted(exc: GatewayError) -> Granted:
    return Granted.NO if isinstance(exc, ThronRefused) else Granted.UNKNOWN
