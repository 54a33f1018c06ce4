"""Whether the connector can do its work: login, folders, and one octet by each delivery mode."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace

from proxy.app import Parts, Tenant
from proxy.catalogue.connector import Connector, DeliveryMode, Identifier
from proxy.delivery.explain import Step
from proxy.errors import ConfigurationError, GatewayError
from proxy.thron.messages import Content
from proxy.thron.tokens import Session

_REMEDY = {
    DeliveryMode.ORIGINAL: "give the Custom Application the share right on the folder in THRON",
    DeliveryMode.PUBLISHED: "switch on the public share of the Custom Application in THRON, and"
    " see that the content is published on a channel",
}


async def check(parts: Parts) -> AsyncIterator[Step]:
    """Give each step as it is done; a step that is not ok names its remedy."""
    tenant = parts.tenant
    if tenant is None:
        yield Step(
            "settings", "no credentials: set TDC_CLIENT_ID, TDC_APP_ID, TDC_APP_KEY", is_ok=False
        )
        return
    settings = parts.settings
    yield Step("settings", f"tenant {settings.client_id}, API {settings.api_base}")
    yield Step("database", str(parts.database.place))
    try:
        session = await tenant.thron.session()
    except GatewayError as exc:
        yield Step("login", str(exc), is_ok=False)
        return
    yield Step("login", f"logged in; the application's folder is {session.root_category_id}")
    yield _public_share(session)
    connectors = (await parts.database.connectors()).all
    for connector in connectors:
        async for step in _connector(tenant, connector):
            yield step
    if not connectors:
        yield Step("connectors", "none yet: thron-connector connectors apply FILE")
        async for step in _both_modes(tenant, session):
            yield step


def _public_share(session: Session) -> Step:
    if session.pkey is not None:
        return Step("public share", "switched on: renditions can be delivered")
    return Step(
        "public share",
        'switched off: delivery = "published" is not possible until the application\'s public'
        " share is switched on in THRON",
    )


async def _connector(tenant: Tenant, connector: Connector) -> AsyncIterator[Step]:
    title = f"connector {connector.slug}"
    try:
        survey = await tenant.surveyor.survey(connector)
    except (ConfigurationError, GatewayError) as exc:
        yield Step(title, str(exc), is_ok=False)
        return
    yield Step(title, f"folder {survey.folder_name!r}, {survey.told} contents are public")
    yield await _one_octet(tenant, survey.connector, title)


async def _both_modes(tenant: Tenant, session: Session) -> AsyncIterator[Step]:
    folder = session.root_category_id
    if folder is None:
        return
    for mode in DeliveryMode:
        if mode is DeliveryMode.PUBLISHED and session.pkey is None:
            continue
        connector = Connector(
            slug="check",
            folder=folder,
            folder_id=folder,
            identifier=Identifier.CONTENT_ID,
            delivery=mode,
        )
        yield await _one_octet(tenant, connector, "application's folder")


async def _one_octet(tenant: Tenant, connector: Connector, title: str) -> Step:
    title = f"{title}, {connector.delivery}"
    try:
        content = await _first(tenant, connector)
    except GatewayError as exc:
        return Step(title, str(exc), is_ok=False)
    if content is None:
        return Step(title, "no published content to try")
    tried = await tenant.explainer.fetch(connector, content)
    detail = f"{content.file_name or content.id}: {tried.detail}"
    if not tried.is_ok:
        detail += f"; {_REMEDY[connector.delivery]}"
    return replace(tried, title=title, detail=detail)


async def _first(tenant: Tenant, connector: Connector) -> Content | None:
    async with aclosing(tenant.surveyor.contents(connector)) as contents:
        return await anext(contents, None)
