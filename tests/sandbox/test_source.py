"""downloadSource, as docs/thron.md 7.5 and 11 (rows 14, 17, 18) have it."""

import aiohttp
import pytest

from proxy.sandbox.tenant import octets
from tests.sandbox.conftest import Answer, Caller, Clock
from tests.sandbox.small import DRAFT, FOREIGN, MANUAL, PDF, SONG

PATH = "/api/xadmin/resources/content/downloadSource?clientId=sandbox"


async def source(caller: Caller, content_id: str = MANUAL, more: str = "", **fields: str) -> Answer:
    return await caller.get(f"{PATH}&xcontentId={content_id}{more}", **fields)


async def test_by_field(caller: Caller) -> None:
    """The original file comes as an attachment of its own name."""
    answer = await source(caller)
    assert (answer.status, answer.body) == (200, octets(PDF))
    assert answer.media_type == "application/pdf"
    assert 'attachment; filename="Owner manual v3.pdf"' in answer.fields["Content-Disposition"]


async def test_by_query(caller: Caller) -> None:
    """A token in the query counts."""
    url = f"{PATH}&xcontentId={MANUAL}&tokenId={caller.token}"
    assert (await caller.plain(url)).body == octets(PDF)


async def test_by_form(caller: Caller) -> None:
    """POST takes the token as a form parameter, the rest as query."""
    answer = await caller.ask("POST", f"{PATH}&xcontentId={MANUAL}", data={"tokenId": caller.token})
    assert answer.body == octets(PDF)


async def test_form_only(caller: Caller) -> None:
    """By switch only POST with the form is understood."""
    caller.thron.switches.source_token_in = ("POST form",)
    assert (await source(caller)).status == 405
    await test_by_form(caller)


async def test_query_but_no_field(caller: Caller) -> None:
    """By switch the field does not count here."""
    caller.thron.switches.source_token_in = ("GET query", "POST form")
    assert (await source(caller)).status == 403
    await test_by_query(caller)


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("content/downloadSource/{clientId}", "content/downloadSource/sandbox?saveAs=x"),
        ("dashboard/downloadSourceFile", "dashboard/downloadSourceFile?clientId=sandbox"),
    ],
)
async def test_path(caller: Caller, path: str, url: str) -> None:
    """By switch the service is at another path, and only there; or nowhere."""
    whole = f"/api/xadmin/resources/{url}&xcontentId={MANUAL}"
    assert (await caller.get(whole)).status == 404
    caller.thron.switches.source_path = path  # type: ignore[assignment]  # the table's strings
    assert (await caller.get(whole)).body == octets(PDF)
    assert (await source(caller)).status == 404
    caller.thron.switches.source_path = "none"
    assert (await caller.get(whole)).status == 404


async def test_range(caller: Caller) -> None:
    """Ranges are answered, or ignored by switch."""
    part = await source(caller, Range="bytes=-10")
    assert (part.status, part.body) == (206, octets(PDF)[-10:])
    caller.thron.switches.source_ranges = False
    assert (await source(caller, Range="bytes=-10")).status == 200


async def test_head(caller: Caller) -> None:
    """HEAD is answered, or refused by switch."""
    head = {"headers": {"X-TOKENID": caller.token}}
    url = f"{PATH}&xcontentId={MANUAL}"
    assert (await caller.ask("HEAD", url, **head)).fields["Content-Length"] == str(PDF.length)
    caller.thron.switches.source_head = False
    assert (await caller.ask("HEAD", url, **head)).status == 405


@pytest.mark.parametrize(
    ("form", "status", "media_type"),
    [
        ("403 text", 403, "text/plain"),
        ("418 envelope", 418, "application/json"),
        ("200 envelope", 200, "application/json"),
        ("200 html", 200, "text/html"),
    ],
)
async def test_no_share_right(caller: Caller, form: str, status: int, media_type: str) -> None:
    """Without the share right it is refused, in a way that is a switch."""
    caller.thron.switches.source_denied_as = form  # type: ignore[assignment]  # the table's strings
    answer = await source(caller, SONG)
    assert (answer.status, answer.media_type) == (status, media_type)
    caller.thron.tenant.app.may_share = False
    assert (await source(caller)).status == status


async def test_what_the_app_may_have(caller: Caller) -> None:
    """Foreign folders and the trash are refused, unlinked and unpublished by switch."""
    thron = caller.thron
    assert (await source(caller, FOREIGN)).status == 403
    assert (await source(caller, DRAFT)).status == 200
    thron.switches.source_of_unpublished = False
    assert (await source(caller, DRAFT)).status == 403
    thron.unlink(MANUAL)
    assert (await source(caller)).status == 200
    thron.switches.source_of_unlinked = False
    assert (await source(caller)).status == 403
    thron.tenant.trash(MANUAL, now=0)
    assert (await source(caller)).status == 403


async def test_unknown(caller: Caller) -> None:
    """What does not exist is said so; arguments that lack are 400."""
    answer = await source(caller, "nothing")
    assert (answer.status, answer.json["resultCode"]) == (418, "CONTENT_NOT_EXISTS")
    assert (await source(caller, "")).status == 400


async def test_versions(caller: Caller) -> None:
    """The newest version comes unless another is named."""
    thron = caller.thron
    first = thron.tenant.find(MANUAL).version.id
    thron.publish_new_version(MANUAL, b"second")
    assert (await source(caller)).body == b"second"
    assert (await source(caller, more=f"&versionId={first}")).body == octets(PDF)
    answer = await source(caller, more="&versionId=nothing")
    assert (answer.status, answer.json["resultCode"]) == (418, "VERSION_NOT_AVAILABLE")


@pytest.mark.parametrize(
    ("save_as", "name"),
    [("guide.pdf", "guide.pdf"), ("guide", "guide.pdf"), ("guide.doc", "guide.doc.pdf")],
)
async def test_save_as(caller: Caller, save_as: str, name: str) -> None:
    """SaveAs names the download and keeps the source's extension."""
    answer = await source(caller, more=f"&saveAs={save_as}")
    assert f'filename="{name}"' in answer.fields["Content-Disposition"]


async def test_expired_token(caller: Caller) -> None:
    """A dead token has the status of a lacking right."""
    caller.thron.expire_tokens()
    assert (await source(caller)).status == 403


async def test_storage(caller: Caller, clock: Clock) -> None:
    """By switch the storage has the file, at a signed address that lapses."""
    thron = caller.thron
    thron.switches.source_by = "redirect"
    answer = await source(caller)
    assert answer.status == 302
    assert answer.location.startswith(thron.storage_url)
    thron.switches.storage_host = "bucket-17.invalid"
    elsewhere = thron.storage_url.replace("127.0.0.1", "bucket-17.invalid")
    assert (await source(caller)).location.startswith(elsewhere)
    part = await caller.plain(answer.location, Range="bytes=0-3")
    assert (part.status, part.body) == (206, b"%PDF")
    assert (await caller.plain(answer.location, "POST")).status == 405
    assert (await caller.plain(answer.location, "HEAD")).status == 200
    thron.switches.storage_head = False
    assert (await caller.plain(answer.location, "HEAD")).status == 403
    assert (await caller.plain(answer.location.replace("Expires=300", "Expires=900"))).status == 403
    clock.pass_by(300)
    assert (await caller.plain(answer.location)).status == 403


async def test_record_shows_each_hop(caller: Caller) -> None:
    """The log shows which listener got which fields."""
    thron = caller.thron
    thron.switches.source_by = "redirect"
    answer = await source(caller)
    await caller.plain(answer.location, X_Mark="here")
    asked, stored = thron.log[-2:]
    assert (asked.listener, asked.value("x-tokenid")) == ("api", caller.token)
    assert (stored.listener, stored.value("X-MARK")) == ("storage", "here")
    assert not stored.holds(caller.token)
    login = thron.log[0]
    assert dict(login.form)["appKey"] == thron.app_key


async def test_api_down(caller: Caller) -> None:
    """While the API is down connections end unanswered; the CDN and the controls go on."""
    thron = caller.thron
    thron.api_down = True
    with pytest.raises(aiohttp.ClientConnectionError):
        await source(caller)
    url = caller.delivery("document", MANUAL, "WEB", "x")
    assert (await caller.plain(url)).status == 307
    assert (await caller.control("api/up")).json == {"api_down": False}
    assert (await source(caller)).status == 200
