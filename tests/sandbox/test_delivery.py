"""delivery/public and the static files behind it, as docs/thron.md 7.1 to 7.3 and 7.7 have them."""

import re
from urllib.parse import unquote

import pytest

from proxy.sandbox.server import Sandbox
from proxy.sandbox.tenant import octets
from tests.sandbox.conftest import Caller, Clock
from tests.sandbox.small import (
    DRAFT,
    FILM,
    FOREIGN,
    JPEG,
    LINK,
    MANUAL,
    MP4,
    MP4_HD,
    PAGELET,
    PDF,
    PHOTO,
    PNG,
    SONG,
)

NAME = r"/static/[A-Z0-9]{6}_Owner_manual_v3_[A-Z0-9]{6}\.pdf"


def manual(caller: Caller, name: str = "manual") -> str:
    return caller.delivery("document", MANUAL, "WEB", name)


async def test_redirect(stranger: Caller) -> None:
    """A durable address leads by 307 to an absolute static one, without a token."""
    answer = await stranger.plain(manual(stranger))
    assert answer.status == 307
    target = answer.location.removeprefix(stranger.thron.cdn_url)
    path, _, query = target.partition("?")
    assert re.fullmatch(NAME, path)
    disposition = "inline%3Bfilename%3D%22manual.pdf%22"
    assert query == f"xseo=&response-content-disposition={disposition}"


@pytest.mark.parametrize(
    ("kind", "key", "rest", "data"),
    [
        pytest.param("document", MANUAL, ("WEB", "x"), PDF, id="document"),
        pytest.param("document", "owner-manual", ("WEB", "x"), PDF, id="by prettyId"),
        pytest.param("document", "Manuale_Utente", ("WEB", "x"), PDF, id="by another one"),
        pytest.param("document", "erp:4711", ("WEB", "x"), PDF, id="by externalId"),
        pytest.param("video", FILM, ("WEB", "film.mp4"), MP4, id="video"),
        pytest.param("video", FILM, ("WEBHD", "film.mp4"), MP4_HD, id="another channel"),
        pytest.param("audio", SONG, ("WEBAUDIO", "song"), None, id="audio"),
        pytest.param("image", PHOTO, ("std", "0x0", "photo.jpg"), JPEG, id="image"),
        pytest.param("image", PHOTO, ("std", "768x0", "p.jpg/"), JPEG, id="slash at the end"),
        pytest.param("thumbnail", PHOTO, ("std", "75x75", "t"), JPEG, id="thumbnail"),
        pytest.param("thumbnail", MANUAL, ("std", "75x75", "t"), None, id="default thumbnail"),
        pytest.param("pagelet", PAGELET, ("page",), None, id="pagelet"),
    ],
)
async def test_published_bytes(
    stranger: Caller, kind: str, key: str, rest: tuple[str, ...], data: object
) -> None:
    """Every kind of address ends at the bytes that are published."""
    answer = await stranger.plain(stranger.delivery(kind, key, *rest))
    assert answer.status == 307
    file = await stranger.plain(answer.location)
    assert file.status == 200
    if data is not None:
        assert file.body == octets(data)  # type: ignore[arg-type]  # a blob of the table


async def test_image_is_encoded_anew(stranger: Caller) -> None:
    """What is published of an image is not its source."""
    answer = await stranger.plain(stranger.delivery("image", PHOTO, "std", "0x0", "photo"))
    file = await stranger.plain(answer.location)
    assert file.media_type == "image/jpeg"
    assert file.body != octets(PNG)
    assert answer.location.partition("?")[0].endswith(".jpg")


async def test_image_edits_have_names_of_their_own(stranger: Caller) -> None:
    """Another size or quality is another static file."""
    places = {
        (await stranger.plain(stranger.delivery("image", PHOTO, "std", *more))).location
        for more in (("0x0", "p"), ("100x0", "p"), ("0x0", "p?quality=80"))
    }
    assert len(places) == 3


async def test_url_content_leads_away(stranger: Caller) -> None:
    """A URL content redirects to its own target."""
    answer = await stranger.plain(stranger.delivery("url", LINK, "x"))
    assert (answer.status, answer.location) == (307, "https://www.example.org/there")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        pytest.param(f"document/sandbox/{MANUAL}/wrong/WEB/x", 404, id="wrong pkey"),
        pytest.param(f"document/nobody/{MANUAL}/s4ndbx/WEB/x", 404, id="wrong client"),
        pytest.param(f"video/sandbox/{MANUAL}/s4ndbx/WEB/x", 404, id="wrong type"),
        pytest.param(f"document/sandbox/{MANUAL}/s4ndbx/WEBHD/x", 404, id="no such channel"),
        pytest.param(f"document/sandbox/{DRAFT}/s4ndbx/WEB/x", 404, id="unpublished"),
        pytest.param("document/sandbox/nothing/s4ndbx/WEB/x", 404, id="unknown"),
        pytest.param("document/sandbox/OWNER-MANUAL/s4ndbx/WEB/x", 404, id="case of prettyId"),
        pytest.param(f"document/sandbox/{MANUAL}/s4ndbx/WEB", 400, id="too short"),
        pytest.param(f"document/sandbox/{MANUAL}/s4ndbx/WEB/x/y", 400, id="too long"),
        pytest.param(f"image/sandbox/{PHOTO}/s4ndbx/std/big/x", 400, id="no divArea"),
        pytest.param(f"film/sandbox/{FILM}/s4ndbx/WEB/x", 400, id="unknown kind"),
    ],
)
async def test_refusals(stranger: Caller, path: str, status: int) -> None:
    """What does not lead to a published file is 404, what is malformed 400."""
    url = f"{stranger.thron.cdn_url}/delivery/public/{path}"
    assert (await stranger.plain(url)).status == status


async def test_trashed_is_still_delivered(stranger: Caller) -> None:
    """A content in no folder, or in the trash, is delivered by URL all the same."""
    stranger.thron.unlink(MANUAL)
    assert (await stranger.plain(manual(stranger))).status == 307
    stranger.thron.tenant.trash(MANUAL, now=0)
    assert (await stranger.plain(manual(stranger))).status == 307
    stranger.thron.tenant.remove(MANUAL, now=0)
    assert (await stranger.plain(manual(stranger))).status == 404


async def test_revoked_pkey(stranger: Caller) -> None:
    """A new share key makes the old addresses dead."""
    old = manual(stranger)
    stranger.thron.tenant.new_pkey()
    assert (await stranger.plain(old)).status == 404
    assert (await stranger.plain(manual(stranger))).status == 307


@pytest.mark.parametrize("status", [302, 303])
async def test_redirect_status(stranger: Caller, status: int) -> None:
    """The redirect's status is a switch."""
    stranger.thron.switches.redirect_status = status
    assert (await stranger.plain(manual(stranger))).status == status


async def test_redirect_location(stranger: Caller) -> None:
    """The Location may be relative, or without a scheme."""
    stranger.thron.switches.redirect_location = "relative"
    assert (await stranger.plain(manual(stranger))).location.startswith("/static/")
    stranger.thron.switches.redirect_location = "protocol-relative"
    assert (await stranger.plain(manual(stranger))).location.startswith("//127.0.0.1:")


async def test_redirect_in_two_hops(stranger: Caller) -> None:
    """A chain of redirects ends at the file, signed or not."""
    stranger.thron.switches.redirect_hops = 2
    stranger.thron.switches.token_protection = True
    first = await stranger.plain(manual(stranger))
    second = await stranger.plain(first.location)
    assert second.status == 302
    assert (await stranger.plain(second.location)).body == octets(PDF)


async def test_prettyid_in_any_case(stranger: Caller) -> None:
    """By switch the case of a prettyId does not matter."""
    stranger.thron.switches.pretty_id_any_case = True
    url = stranger.delivery("document", "OWNER-MANUAL", "WEB", "x")
    assert (await stranger.plain(url)).status == 307


async def test_extension_in_the_name(stranger: Caller) -> None:
    """An extension that is there already is not added, or is, by switch."""
    answer = await stranger.plain(manual(stranger, "doc.pdf"))
    assert unquote(answer.location).endswith('"doc.pdf"')
    stranger.thron.switches.extension_repeated = True
    answer = await stranger.plain(manual(stranger, "doc.pdf"))
    assert unquote(answer.location).endswith('"doc.pdf.pdf"')


async def test_disposition_override(stranger: Caller) -> None:
    """The query's override becomes the static file's Content-Disposition."""
    answer = await stranger.plain(manual(stranger, "na%0d%0ame"))
    file = await stranger.plain(answer.location)
    assert file.fields["Content-Disposition"] == 'inline;filename="name.pdf"'


async def test_token_protection(stranger: Caller, clock: Clock) -> None:
    """Signed addresses hold for their time, byte for byte."""
    thron = stranger.thron
    thron.switches.token_protection = True
    signed = (await stranger.plain(manual(stranger))).location
    assert re.search(r"&dt=exp=1750000300~hmac=[0-9a-f]{64}$", signed)
    assert (await stranger.plain(signed)).status == 200
    assert (await stranger.plain(signed.partition("&dt=")[0])).status == 403
    assert (await stranger.plain(signed.replace("%3B", ";"))).status == 403
    assert signed[-64:] in thron.secrets
    clock.pass_by(300)
    assert (await stranger.plain(signed)).status == 403


async def test_domain_protection(stranger: Caller) -> None:
    """Only listed domains get the file; an empty Referer by switch."""
    place = (await stranger.plain(manual(stranger))).location
    switches = stranger.thron.switches
    switches.domain_protection = True
    assert (await stranger.plain(place)).status == 200
    assert (await stranger.plain(place, Referer="https://www.example.com/a")).status == 200
    assert (await stranger.plain(place, Referer="https://other.example/")).status == 403
    switches.empty_referer_allowed = False
    assert (await stranger.plain(place)).status == 403


async def test_new_version(stranger: Caller, clock: Clock) -> None:
    """The same address leads to a new name; the old one lives on for a while."""
    thron = stranger.thron
    old = (await stranger.plain(manual(stranger))).location
    thron.publish_new_version(MANUAL, b"the new one")
    new = (await stranger.plain(manual(stranger))).location
    assert new != old
    file = await stranger.plain(new)
    assert file.body == b"the new one"
    before = await stranger.plain(old)
    assert before.body == octets(PDF)
    assert before.fields["ETag"] != file.fields["ETag"]
    clock.pass_by(60)
    assert (await stranger.plain(old)).status == 404


@pytest.mark.parametrize("status", [403, 404, 410])
async def test_old_name_dies_at_once(stranger: Caller, status: int) -> None:
    """By switch the old name is dead with the new version, however that is said."""
    stranger.thron.switches.old_static_life_s = 0
    stranger.thron.switches.old_static_status = status
    old = (await stranger.plain(manual(stranger))).location
    stranger.thron.publish_new_version(MANUAL)
    assert (await stranger.plain(old)).status == status


async def test_rendition_comes_later(stranger: Caller, clock: Clock) -> None:
    """There may be a time in which the rendition is old and the source new."""
    thron = stranger.thron
    thron.switches.rendition_lag_s = 30
    old = (await stranger.plain(manual(stranger))).location
    thron.publish_new_version(MANUAL, b"the new one")
    assert thron.tenant.bytes_of(MANUAL) == b"the new one"
    assert (await stranger.plain(manual(stranger))).location == old
    clock.pass_by(30)
    assert (await stranger.plain(manual(stranger))).location != old


async def test_unpublish_and_publish(stranger: Caller, clock: Clock) -> None:
    """Unpublished, an address is 404; published again, it serves."""
    thron = stranger.thron
    place = (await stranger.plain(manual(stranger))).location
    thron.unpublish(MANUAL)
    assert (await stranger.plain(manual(stranger))).status == 404
    clock.pass_by(60)
    assert (await stranger.plain(place)).status == 404
    thron.publish(MANUAL)
    assert (await stranger.plain(place)).status == 200


async def test_range_and_conditionals(stranger: Caller) -> None:
    """Static files answer ranges, preconditions and HEAD."""
    place = (await stranger.plain(manual(stranger))).location
    whole = await stranger.plain(place)
    assert whole.fields["Accept-Ranges"] == "bytes"
    assert whole.fields["Access-Control-Allow-Origin"] == "*"
    part = await stranger.plain(place, Range="bytes=5-9")
    assert (part.status, part.body) == (206, whole.body[5:10])
    gone = await stranger.plain(place, Range="bytes=999999-")
    assert gone.fields["Content-Range"] == f"bytes */{len(whole.body)}"
    same = await stranger.plain(place, If_None_Match=whole.fields["ETag"])
    assert (same.status, same.body) == (304, b"")
    other = await stranger.plain(place, Range="bytes=0-0", If_Range='"other"')
    assert other.status == 200
    head = await stranger.plain(place, "HEAD")
    assert head.fields["Content-Length"] == str(len(whole.body))


async def test_static_as_switched(stranger: Caller) -> None:
    """Range, length, validators, HEAD and several ranges are switches."""
    place = (await stranger.plain(manual(stranger))).location
    switches = stranger.thron.switches
    switches.static_ranges = False
    assert (await stranger.plain(place, Range="bytes=0-0")).status == 200
    switches.static_length = False
    assert "Content-Length" not in (await stranger.plain(place)).fields
    switches.static_validator = "weak"
    assert (await stranger.plain(place)).fields["ETag"].startswith('W/"')
    switches.static_validator = "none"
    bare = await stranger.plain(place)
    assert not {"ETag", "Last-Modified"} & set(bare.fields)
    switches.static_validator = "changing"
    tags = {(await stranger.plain(place)).fields["ETag"] for _ in range(3)}
    assert len(tags) == 3
    switches.static_head = False
    assert (await stranger.plain(place, "HEAD")).status == 405
    switches.static_cors = False
    assert "Access-Control-Allow-Origin" not in (await stranger.plain(place)).fields


async def test_several_ranges(stranger: Caller) -> None:
    """Several ranges are the whole, or multipart by switch."""
    place = (await stranger.plain(manual(stranger))).location
    assert (await stranger.plain(place, Range="bytes=0-1,5-6")).status == 200
    stranger.thron.switches.static_multi_range = "multipart"
    answer = await stranger.plain(place, Range="bytes=0-1,5-6")
    assert (answer.status, answer.media_type) == (206, "multipart/byteranges")


async def test_head_on_delivery(stranger: Caller) -> None:
    """HEAD is redirected as GET is, or refused by switch."""
    assert (await stranger.plain(manual(stranger), "HEAD")).status == 307
    stranger.thron.switches.delivery_head = False
    assert (await stranger.plain(manual(stranger), "HEAD")).status == 405


async def test_auto_format(stranger: Caller) -> None:
    """By switch the format of an image depends on Accept."""
    url = stranger.delivery("image", PHOTO, "std", "0x0", "p")
    stranger.thron.switches.auto_format_by_accept = True
    plain = (await stranger.plain(url)).location
    picked = (await stranger.plain(url, Accept="image/webp,*/*")).location
    assert picked != plain
    assert (await stranger.plain(picked)).media_type == "image/webp"


async def test_unknown_static_name(stranger: Caller, thron: Sandbox) -> None:
    """A name that was never given out leads nowhere."""
    url = f"{thron.cdn_url}/static/AAAAAA_x_BBBBBB.pdf?xseo="
    assert (await stranger.plain(url)).status == 404


async def test_foreign_folder_is_delivered(stranger: Caller) -> None:
    """The tenant's delivery knows nothing of the application's folder."""
    thron = stranger.thron
    thron.publish(FOREIGN, "WEB")
    thron.publish_new_version(FOREIGN, b"x")
    url = stranger.delivery("document", FOREIGN, "WEB", "x")
    assert (await stranger.plain(url)).status == 404, "it has no rendition"
