"""What check says of a THRON in good health, and of one with a fault."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from proxy.app.tenant import open_context
from proxy.catalogue.tenant import TenantRecord, TenantStore
from proxy.check.steps import check
from proxy.connectors.model import Connector, DeliveryMode
from proxy.connectors.store import ConnectorStore
from proxy.delivery.explain import DiagnosisStep
from proxy.sandbox.server import Fault, Kind, Sandbox, Switches
from proxy.settings import Settings
from proxy.thron.content import ContentType
from tests.running import by_id, by_name, usual_settings


async def checked(settings: Settings, state: Path, *connectors: Connector) -> list[DiagnosisStep]:
    """Run check with connectors that were applied while all was well."""
    async with open_context(settings, {"STATE_DIRECTORY": str(state)}) as context:
        if connectors:
            await ConnectorStore(context.database).apply(connectors, actor="test")
        return [step async for step in check(context)]


def failed(steps: list[DiagnosisStep]) -> list[DiagnosisStep]:
    return [step for step in steps if not step.is_ok]


async def test_all_is_well(thron: Sandbox, tmp_path: Path) -> None:
    """Each step is ok, down to one octet by each connector's delivery mode."""
    wanted = by_id(thron), by_name(thron, delivery=DeliveryMode.PUBLISHED)
    steps = await checked(usual_settings(thron), tmp_path, *wanted)
    assert not failed(steps)
    assert [*dict.fromkeys(step.title for step in steps)] == [
        "settings",
        "database",
        "login",
        "public share",
        "connector files",
        "connector files, original",
        "connector media",
        "connector media, published",
        "outages",
    ]


async def test_unnamed_proxy_in_front(thron: Sandbox, tmp_path: Path) -> None:
    """A public URL that only a proxy can serve is told, with the settings that name it."""
    settings = usual_settings(thron).model_copy(update={"public_url": "https://dl.example.com"})
    (told,) = [step for step in await checked(settings, tmp_path) if step.title == "proxy"]
    assert told.is_ok
    assert "TDC_TRUSTED_PROXIES" in told.detail


async def test_an_application_that_sees_nothing(thron: Sandbox, tmp_path: Path) -> None:
    """A folder whose contents the application may not see is told from an empty one."""
    thron.switches.app_token_sees = False
    thron.tenant.app.can_disguise = True
    settings = usual_settings(thron)
    (rights,) = [step for step in await checked(settings, tmp_path) if step.title == "rights"]
    assert not rights.is_ok
    assert "TDC_USERNAME" in rights.detail
    acting = settings.model_copy(update={"username": thron.username})
    assert not failed(await checked(acting, tmp_path))


async def test_a_lost_secret_key(thron: Sandbox, tmp_path: Path) -> None:
    """Credentials that cannot be decrypted any more are asked for anew."""
    nothing = {"client_id": None, "app_id": None, "app_key": None}
    settings = usual_settings(thron).model_copy(update=nothing)
    async with open_context(settings, {"STATE_DIRECTORY": str(tmp_path)}) as context:
        kept = TenantRecord(client_id=thron.client_id, app_id=thron.app_id, app_key=thron.app_key)
        await TenantStore(context.database).save(kept, actor="test")
    (tmp_path / "connector.secret.key").unlink()
    (told,) = await checked(settings, tmp_path)
    assert not told.is_ok
    assert "give the credentials anew" in told.detail


async def test_what_is_odd_is_named(tmp_path: Path) -> None:
    """How this tenant differs from the likeliest is told with its meaning, and is no failure."""
    odd = Switches(search_orders=(), source_token_in=("POST form",))
    async with Sandbox(switches=odd) as thron:
        thron.faults.add(Fault(Kind.STATUS, "api", target="validateToken", times=None))
        steps = await checked(usual_settings(thron), tmp_path, by_id(thron))
    assert not failed(steps)
    told = {step.title: step.detail for step in steps}
    assert "validateToken does not answer" in told["session"]
    assert "takes no order" in told["search"]
    assert "to POST with tokenId in a form" in told["downloadSource"]
    assert "contents are hidden" in told["connector files"]


async def test_what_is_odd_of_the_bytes_is_named(tmp_path: Path) -> None:
    """Refused details, redirects to a storage, and signed URLs are told too."""
    odd = Switches(
        search_details_refused=("publishingStatus",), source_by="redirect", token_protection=True
    )
    wanted = DeliveryMode.ORIGINAL, DeliveryMode.PUBLISHED
    async with Sandbox(switches=odd) as thron:
        connectors = [by_id(thron, str(mode), delivery=mode) for mode in wanted]
        steps = await checked(usual_settings(thron), tmp_path, *connectors)
    assert not failed(steps)
    told = {step.title: step.detail for step in steps}
    assert "without publishingStatus" in told["search"]
    assert "redirects source files to a storage" in told["connector original, original"]
    assert "signed" in told["connector published, published"]


async def test_a_channel_that_is_refused(thron: Sandbox, tmp_path: Path) -> None:
    """That the next one was taken is told."""
    thron.faults.add(Fault(Kind.STATUS, "delivery", target="/WEBHD/", status=400, times=None))
    films = by_id(
        thron, delivery=DeliveryMode.PUBLISHED, content_types=frozenset({ContentType.VIDEO})
    )
    (told,) = [
        step
        for step in await checked(usual_settings(thron), tmp_path, films)
        if step.title == "connector files, published"
    ]
    assert told.is_ok
    assert "channels before it are refused" in told.detail


async def test_before_any_connector(thron: Sandbox, tmp_path: Path) -> None:
    """Without connectors both delivery modes are tried in the application's folder."""
    steps = await checked(usual_settings(thron), tmp_path)
    assert not failed(steps)
    assert [step.title for step in steps][-3:] == [
        "application's folder, original",
        "application's folder, published",
        "proposal",
    ]
    assert steps[-1].detail.startswith('delivery = "original": both work')


async def test_the_mode_that_works_is_proposed(thron: Sandbox, tmp_path: Path) -> None:
    """Where one mode fails the other one is proposed, with the failure as the reason."""
    thron.tenant.app.may_share = False
    steps = await checked(usual_settings(thron), tmp_path)
    assert not failed(steps)
    assert steps[-1].detail.startswith('delivery = "published": original fails')
    assert "give the Custom Application the share right" in steps[-1].detail


async def test_neither_mode_works(thron: Sandbox, tmp_path: Path) -> None:
    """Where neither does, each failure is told with its remedy."""
    thron.tenant.app.may_share = False
    thron.faults.add(Fault(Kind.STATUS, "delivery", times=None, status=404))
    steps = await checked(usual_settings(thron), tmp_path)
    assert [step.title for step in failed(steps)] == [
        "application's folder, original",
        "application's folder, published",
    ]


async def test_credentials_of_the_console(thron: Sandbox, tmp_path: Path) -> None:
    """The tenant that the database has is named, and where its API is."""
    nothing = {"client_id": None, "app_id": None, "app_key": None, "api_url": None}
    settings = usual_settings(thron).model_copy(update=nothing)
    async with open_context(settings, {"STATE_DIRECTORY": str(tmp_path)}) as context:
        kept = TenantRecord(client_id="no-such-tenant", app_id=thron.app_id, app_key=thron.app_key)
        await TenantStore(context.database).save(kept, actor="test")
        await context.connection.refresh()
        first = await anext(check(context))
    assert first.is_ok
    assert first.detail == "tenant no-such-tenant, API https://no-such-tenant-view.thron.com"


async def test_no_credentials(tmp_path: Path) -> None:
    """In the set-up state the settings that are missing are named."""
    (step,) = await checked(Settings(), tmp_path)
    assert not step.is_ok
    assert "TDC_CLIENT_ID, TDC_APP_ID, TDC_APP_KEY" in step.detail


def _disabled(thron: Sandbox) -> None:
    thron.tenant.app.active = False


def _down(thron: Sandbox) -> None:
    thron.api_down = True


def _page(thron: Sandbox) -> None:
    thron.faults.add(Fault(Kind.HTML, "login", times=None))


def _busy(thron: Sandbox) -> None:
    thron.faults.add(Fault(Kind.BUSY, "login", times=None))


@pytest.mark.parametrize(
    ("fault", "remedy"),
    [
        pytest.param(_disabled, "the application is switched off in THRON", id="disabled app"),
        pytest.param(_down, "check that this machine reaches THRON's API", id="unreachable"),
        pytest.param(_page, "check TDC_API_URL", id="a page"),
        pytest.param(_busy, "try again in a minute", id="429"),
    ],
)
async def test_no_login(
    thron: Sandbox, tmp_path: Path, fault: Callable[[Sandbox], None], remedy: str
) -> None:
    """Where the login fails its step is the last, and names the remedy."""
    fault(thron)
    steps = await checked(usual_settings(thron), tmp_path, by_id(thron))
    assert failed(steps) == steps[-1:]
    assert steps[-1].title == "login"
    assert remedy in steps[-1].detail


async def test_an_api_that_has_moved(thron: Sandbox, tmp_path: Path) -> None:
    """A redirect is not followed; the setting for the new host is told, and no more of its URL."""
    to = "https://api.example.com/moved?tokenId=secret"
    thron.faults.add(Fault(Kind.REDIRECT_TO, "login", times=None, location=to))
    *_, login = await checked(usual_settings(thron), tmp_path)
    assert not login.is_ok
    assert "set TDC_API_URL=https://api.example.com" in login.detail
    assert "secret" not in login.detail


async def test_wrong_key(thron: Sandbox, tmp_path: Path) -> None:
    """A wrong app key is named as such, and not shown."""
    wrong = {"app_key": SecretStr(thron.app_key_wrong)}
    steps = await checked(usual_settings(thron).model_copy(update=wrong), tmp_path)
    assert "the app key does not belong to the app id" in steps[-1].detail
    assert thron.app_key_wrong not in " ".join(step.detail for step in steps)


async def test_no_share_right(thron: Sandbox, tmp_path: Path) -> None:
    """Without the share right source files fail, and renditions do not."""
    thron.tenant.app.may_share = False
    wanted = by_id(thron), by_name(thron, delivery=DeliveryMode.PUBLISHED)
    (step,) = failed(await checked(usual_settings(thron), tmp_path, *wanted))
    assert step.title == "connector files, original"
    assert "give the Custom Application the share right" in step.detail
    assert step.detail.endswith('; delivery = "published" works for these contents')


async def test_no_public_share(thron: Sandbox, tmp_path: Path) -> None:
    """Without pkey renditions fail, and source files do not."""
    thron.tenant.app.pkey = None
    wanted = by_id(thron), by_name(thron, delivery=DeliveryMode.PUBLISHED)
    steps = await checked(usual_settings(thron), tmp_path, *wanted)
    (step,) = failed(steps)
    assert step.title == "connector media, published"
    assert "switch on its public share in THRON" in step.detail
    assert "switched off" in next(each for each in steps if each.title == "public share").detail


async def test_no_public_share_and_none_needed(thron: Sandbox, tmp_path: Path) -> None:
    """Without pkey, and without connectors that need it, all is well."""
    thron.tenant.app.pkey = None
    assert not failed(await checked(usual_settings(thron), tmp_path))


async def test_a_folder_that_is_gone(thron: Sandbox, tmp_path: Path) -> None:
    """One connector's folder is gone: that is told once, and the others are checked."""
    gone = Connector(
        slug="gone", folder="nowhere", folder_id="nowhere", identifier=by_id(thron).identifier
    )
    steps = await checked(usual_settings(thron), tmp_path, gone, by_id(thron))
    (step,) = failed(steps)
    assert step.title == "connector gone"
    assert step.detail.startswith("THRON knows no folder 'nowhere'")


async def test_https_that_cannot_be_known(thron: Sandbox, tmp_path: Path) -> None:
    """A forced HTTPS that would redirect for ever is a named problem."""
    wanted = by_id(thron, force_https=True)
    (step,) = failed(await checked(usual_settings(thron), tmp_path, wanted))
    assert "TDC_TRUSTED_PROXIES" in step.detail


async def test_disabled(thron: Sandbox, tmp_path: Path) -> None:
    """A disabled connector is told as such, and not tried."""
    steps = await checked(usual_settings(thron), tmp_path, by_id(thron, enabled=False))
    assert steps[-1] == DiagnosisStep("connector files", "disabled: none of its URLs works")


async def test_an_empty_folder(thron: Sandbox, tmp_path: Path) -> None:
    """Where nothing is published there is nothing to try, which is no failure."""
    for content in list(thron.tenant.contents()):
        thron.unpublish(content.id)
    steps = await checked(usual_settings(thron), tmp_path, by_id(thron))
    assert not failed(steps)
    assert "no published content to try" in [step.detail for step in steps]


async def test_no_secret(thron: Sandbox, tmp_path: Path) -> None:
    """No step holds the app key, a token, the pkey or a signature."""
    thron.switches.token_protection = True
    wanted = by_id(thron), by_name(thron, delivery=DeliveryMode.PUBLISHED)
    steps = await checked(usual_settings(thron), tmp_path, *wanted)
    told = " ".join(step.detail for step in steps)
    assert not [secret for secret in thron.secrets if secret in told]
