"""Whether the connector can do its work: login, folders, and one octet by each delivery mode."""

from collections.abc import AsyncIterator, Iterator

from proxy.check.content_warnings import content_warnings
from proxy.connectors.folder_statistics import scope_of
from proxy.connectors.model import Connector, DeliveryMode, Identifier, folder_criteria
from proxy.connectors.service import NO_HTTPS
from proxy.connectors.store import ConnectorStore
from proxy.delivery.explain import DiagnosisStep
from proxy.delivery.mode_trial import few, propose, try_mode
from proxy.errors import ConfigurationError, GatewayError
from proxy.hints import with_hint
from proxy.telemetry.middleware import NAME_THE_PROXY
from proxy.tenant import LOST_KEY, AppContext, Tenant
from proxy.thron.folder import categories_below, counted_category
from proxy.thron.messages import SearchCriteria, search
from proxy.thron.session import ThronSession, validate

_OUTAGES = (
    'delivery = "original" asks THRON\'s API for each download; delivery = "published" goes on for'
    " known addresses while the API is down"
)

# Contents are counted for so long; of a larger folder it is told how many there are at least.
_COUNT_S = 20.0
_NO_VALIDATION = "a login replaces a session whenever a service refuses it; nothing needs fixing"

_NO_SHARE = (
    'switched off: delivery = "published" is not possible until the application\'s public share is'
    " switched on in THRON"
)

_SEES_NOTHING = (
    "the application has no right to see the folder's contents: the folder holds some, and the"
    " search finds none. In THRON give the Custom Application access to the folder and its"
    " contents, or set TDC_USERNAME to a user who can see them"
)


async def check(context: AppContext) -> AsyncIterator[DiagnosisStep]:
    """Yield each step as it is done; a step that failed names what to do."""
    tenant = context.tenant
    if tenant is None:
        missing = "no credentials: set TDC_CLIENT_ID, TDC_APP_ID, TDC_APP_KEY"
        yield DiagnosisStep(
            "settings", LOST_KEY if context.connection.is_key_lost else missing, is_ok=False
        )
        return
    settings = context.settings
    yield DiagnosisStep("settings", f"tenant {tenant.client_id}, API {tenant.api_url}")
    if settings.has_unnamed_proxy:
        yield DiagnosisStep(
            "proxy", f"TDC_PUBLIC_URL is that of a proxy in front: {NAME_THE_PROXY}"
        )
    database = str(context.database.place)
    if context.database.encryption is None:
        database += (
            "; without TDC_SECRET_KEY nothing secret is stored there, and each replica logs in by"
            " itself, which can end the session of another: set the same key for all of them"
        )
    yield DiagnosisStep("database", database)
    try:
        session = await tenant.thron.session()
    except GatewayError as exc:
        yield DiagnosisStep("login", with_hint(exc), is_ok=False)
        return
    yield DiagnosisStep(
        "login", f"logged in; the application's folder is {session.root_category_id}"
    )
    share = "switched on: renditions can be delivered" if session.pkey is not None else _NO_SHARE
    yield DiagnosisStep("public share", share)
    try:
        if not await tenant.thron.ask(validate(tenant.client_id)):
            wrong = "validateToken calls a new session ended"
            yield DiagnosisStep("session", f"{wrong}: {_NO_VALIDATION}")
    except GatewayError as exc:
        yield DiagnosisStep("session", f"validateToken does not answer ({exc}): {_NO_VALIDATION}")
    if await _sees_nothing(tenant, session):
        yield DiagnosisStep("rights", _SEES_NOTHING, is_ok=False)
    async for step in _connectors(context, tenant, session):
        yield step
    for step in _api_variants(tenant):
        yield step


async def _connectors(
    context: AppContext, tenant: Tenant, session: ThronSession
) -> AsyncIterator[DiagnosisStep]:
    can_force_https = context.settings.can_force_https
    connectors = (await ConnectorStore(context.database).read()).all
    for connector in connectors:
        async for step in _connector(tenant, connector, can_force_https=can_force_https):
            yield step
    if not connectors:
        yield DiagnosisStep("connectors", "none yet: thron-connector connectors apply FILE")
        async for step in _both_modes(tenant, session):
            yield step
    if any(each.enabled and each.delivery is DeliveryMode.ORIGINAL for each in connectors):
        yield DiagnosisStep("outages", _OUTAGES)


async def _sees_nothing(tenant: Tenant, session: ThronSession) -> bool:
    """Tell whether the folder, or one below, holds contents though the search finds none."""
    folder = session.root_category_id
    if folder is None:
        return False
    criteria = SearchCriteria(folder_id=folder)
    try:
        if (await tenant.thron.ask(search(tenant.client_id, criteria))).contents:
            return False
        own = await tenant.thron.ask(counted_category(tenant.client_id, folder))
        below = await tenant.thron.ask(categories_below(tenant.client_id, folder))
    except GatewayError:
        return False  # the steps of the connectors tell it
    return any(each.contents for each in (*own.items, *below.items))


def _api_variants(tenant: Tenant) -> Iterator[DiagnosisStep]:
    """Yield which variant of a question this tenant accepts, where that matters."""
    form = tenant.search.plainer_form
    if form is not None:
        told = f"is asked in a plainer form, as this tenant refuses the usual one ({form})"
        if not tenant.search.is_ordered:
            told += (
                "; it takes no order: contents that change while a folder is listed can be missed"
                " until it is listed again"
            )
        if "publishingStatus" not in form.details:
            told += "; whether a content is published is decided by its channels alone"
        yield DiagnosisStep("search", f"{told}; nothing needs fixing")
    if tenant.origins.source_endpoint is not None:
        yield DiagnosisStep("downloadSource", f"answers {tenant.origins.source_endpoint}")


async def _connector(
    tenant: Tenant, connector: Connector, *, can_force_https: bool
) -> AsyncIterator[DiagnosisStep]:
    title = f"connector {connector.slug}"
    if not connector.enabled:
        yield DiagnosisStep(title, "disabled: none of its URLs works")
        return
    if connector.force_https and not can_force_https:
        yield DiagnosisStep(title, NO_HTTPS, is_ok=False)
    try:
        resolved, folder_name = await tenant.previewer.resolve(connector, at_most_s=_COUNT_S)
        statistics = await tenant.previewer.counted(scope_of(resolved), at_most_s=_COUNT_S)
    except ConfigurationError as exc:
        yield DiagnosisStep(title, str(exc).removeprefix(f"{title}: "), is_ok=False)
        return
    except GatewayError as exc:
        yield DiagnosisStep(title, with_hint(exc), is_ok=False)
        return
    told = statistics.told_of(resolved)
    yield DiagnosisStep(title, f"folder {folder_name!r}, {told} contents are public")
    yield await _delivered(tenant, resolved, title)
    try:
        async for page in tenant.search.pages(folder_criteria(resolved), most=1):
            for warning in content_warnings(resolved, page):
                yield DiagnosisStep(title, warning)
    except GatewayError:
        return  # the step of its delivery tells it


async def _both_modes(tenant: Tenant, session: ThronSession) -> AsyncIterator[DiagnosisStep]:
    """Try both modes in the application's folder, and propose one."""
    folder = session.root_category_id
    if folder is None:
        return
    connector = Connector.model_construct(
        slug="check", folder=folder, folder_id=folder, identifier=Identifier.CONTENT_ID
    )
    title = "application's folder"
    try:
        contents = await few(tenant.previewer.contents(connector))
    except GatewayError as exc:
        yield DiagnosisStep(title, with_hint(exc), is_ok=False)
        return
    modes = [mode for mode in DeliveryMode if _is_possible(mode, session)]
    trials = [await try_mode(tenant.explainer, connector, mode, contents) for mode in modes]
    found = propose(trials)
    for trial in trials:
        # Where one of them works the other is no failure: nobody has chosen it yet.
        is_ok = trial.works or found.mode is not None or not contents
        yield DiagnosisStep(f"{title}, {trial.mode}", trial.detail, is_ok=is_ok)
    if found.mode is not None:
        yield DiagnosisStep("proposal", f'delivery = "{found.mode}": {found.reason}')


async def _delivered(tenant: Tenant, connector: Connector, title: str) -> DiagnosisStep:
    """Try a connector's own mode; where it fails, tell whether the other one would do."""
    title = f"{title}, {connector.delivery}"
    try:
        session = await tenant.thron.session()
        contents = await few(tenant.previewer.contents(connector))
    except GatewayError as exc:
        return DiagnosisStep(title, with_hint(exc), is_ok=False)
    trial = await try_mode(tenant.explainer, connector, connector.delivery, contents)
    if trial.works or not contents:
        return DiagnosisStep(title, trial.detail)
    (other,) = set(DeliveryMode) - {connector.delivery}
    if not _is_possible(other, session):
        return DiagnosisStep(title, trial.detail, is_ok=False)
    instead = await try_mode(tenant.explainer, connector, other, contents)
    would = f'; delivery = "{other}" works for these contents' if instead.works else ""
    return DiagnosisStep(title, trial.detail + would, is_ok=False)


def _is_possible(mode: DeliveryMode, session: ThronSession) -> bool:
    return mode is not DeliveryMode.PUBLISHED or session.pkey is not None
