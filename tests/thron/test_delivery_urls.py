"""Delivery URLs: their grammar, the channels to try, and what may be shown of them."""

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import UnknownAddress
from proxy.thron.delivery_urls import (
    channels,
    expiry,
    masked,
    published_url,
    source_urls,
    thumbnail_url,
)

CDN = "https://acme-cdn.thron.com"
API = "https://acme-view.thron.com"
SIGNED = (
    f"{CDN}/static/HZMQWP_Cat_5VC2CH.pdf?xseo="
    "&response-content-disposition=inline%3Bfilename%3D%22Cat.pdf%22"
    "&dt=exp=1770243961~hmac=0123456789abcdef"
)

# A statement whose condition DateLessThan is the epoch time 1770249660.
POLICY = (
    "eyJTdGF0ZW1lbnQiOlt7IlJlc291cmNlIjoiKiIsIkNvbmRpdGlvbiI6eyJEYXRlTGVzc1RoYW4iOnsiQVdT"
    "OkVwb2NoVGltZSI6MTc3MDI0OTY2MH19fV19"
)


def published(
    content_type: str, *, channel: str | None, name: str, content_id: str = "94bd"
) -> str:
    """Return a published URL of the tenant acme."""
    return published_url(
        CDN,
        "acme",
        pkey="sckne7",
        content_type=content_type,
        content_id=content_id,
        channel=channel,
        name=name,
    )


@pytest.mark.parametrize(
    ("content_type", "channel", "name", "path"),
    [
        ("OTHER", "WEB", "manual.pdf", "document/acme/94bd/sckne7/WEB/manual.pdf"),
        ("VIDEO", "WEBHD", "a b.mp4", "video/acme/94bd/sckne7/WEBHD/a%20b.mp4"),
        ("AUDIO", "WEB", "è.mp3", "audio/acme/94bd/sckne7/WEB/%C3%A8.mp3"),
        ("IMAGE", None, "roma.jpg", "image/acme/94bd/sckne7/std/0x0/roma.jpg"),
        ("IMAGE", None, "", "image/acme/94bd/sckne7/std/0x0/94bd"),
        ("IMAGE", None, "..", "image/acme/94bd/sckne7/std/0x0/94bd"),
        ("OTHER", "WEB", "a/b?c#d%2F.pdf", "document/acme/94bd/sckne7/WEB/a_b_c_d_2F.pdf"),
    ],
    ids=["document", "video", "audio", "image", "no name", "dots", "awkward name"],
)
def test_published_url(content_type: str, channel: str | None, name: str, path: str) -> None:
    """Each type has its segment, an image its preset, and the name is one segment."""
    expected = f"{CDN}/delivery/public/{path}"
    assert published(content_type, channel=channel, name=name) == expected


@pytest.mark.parametrize(("content_type", "channel"), [("PLAYLIST", "WEB"), ("VIDEO", None)])
def test_what_has_no_rendition(content_type: str, channel: str | None) -> None:
    """Another type, or a video without channel, has no URL."""
    with pytest.raises(UnknownAddress):
        published(content_type, channel=channel, name="x")


@given(
    st.text(st.characters(exclude_categories=["Cs"])), st.text(alphabet="aZ-_/.é ?%", min_size=1)
)
def test_a_published_url_keeps_its_segments(name: str, content_id: str) -> None:
    """Whatever the name, the URL has the same segments, printable and without query."""
    url = published("OTHER", channel="WEB", name=name, content_id=content_id)
    parts = urlsplit(url)
    assert parts.path.count("/") == 8
    assert not parts.query
    assert not parts.fragment
    assert url.isascii()
    assert url.isprintable()


@pytest.mark.parametrize(
    ("content_type", "available", "order"),
    [
        ("IMAGE", ["WEB"], (None,)),
        ("IMAGE", [], (None,)),
        ("VIDEO", ["WEBIPHONE", "STREAMHTTPIOSHD", "WEB", "WEBHD"], ("WEBHD", "WEB", "WEBIPHONE")),
        ("VIDEO", ["WEB4K", "WEB"], ("WEB", "WEB4K")),
        ("VIDEO", ["MOBILE", "web8k", "STREAMHTTP"], ("web8k", "MOBILE")),
        ("VIDEO", ["STREAMHTTP"], ()),
        ("VIDEO", [], ("WEBHD", "WEB", "WEBIPHONEHD", "WEBIPHONE")),
        ("AUDIO", ["WEBAUDIO", "WEB", "WEB"], ("WEB", "WEBAUDIO")),
        ("OTHER", ["WEBDOC"], ("WEBDOC",)),
        ("OTHER", [], ("WEB", "WEBDOC")),
        ("PLAYLIST", ["WEB"], ()),
    ],
)
def test_channels(content_type: str, available: list[str], order: tuple[str | None, ...]) -> None:
    """The best rendition comes first, and a stream never."""
    assert channels(content_type, available) == order


def test_thumbnail_url() -> None:
    """The id is the last segment too: the name is free."""
    url = thumbnail_url(CDN + "/", "acme", pkey="sckne7", content_id="94/bd", pixels=48)
    assert url == f"{CDN}/delivery/public/thumbnail/acme/94%2Fbd/sckne7/std/48x48/94%2Fbd"


def test_source_urls() -> None:
    """The paths that the service may have, the likeliest first, and everything encoded."""
    resources = f"{API}/api/xadmin/resources"
    urls = source_urls(API + "/", "ac/me", content_id="94bd", save_as="a b/c.pdf")
    content = "xcontentId=94bd&saveAs=a%20b%2Fc.pdf"
    assert urls == (
        f"{resources}/content/downloadSource?clientId=ac%2Fme&{content}",
        f"{resources}/content/downloadSource/ac%2Fme?{content}",
        f"{resources}/dashboard/downloadSourceFile?clientId=ac%2Fme&{content}",
    )
    assert "saveAs" not in "".join(source_urls(API, "acme", content_id="94bd", save_as=""))


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("content/source", f"{API}/api/xadmin/resources/content/source?clientId=acme&"),
        ("/api/v2/source", f"{API}/api/v2/source?clientId=acme&"),
        ("/api/{clientId}/source", f"{API}/api/acme/source?"),
    ],
)
def test_source_url_at_a_path_of_its_own(path: str, url: str) -> None:
    """A tenant whose path is named has this one only."""
    urls = source_urls(API, "acme", content_id="94bd", save_as="", path=path)
    assert urls == (f"{url}xcontentId=94bd",)


@pytest.mark.parametrize(
    ("target", "ends"),
    [
        pytest.param(SIGNED, 1_770_243_961.0, id="token protection"),
        pytest.param(f"{CDN}/s/a.pdf?dt=st=1~exp=20~hmac=ab", 20.0, id="in the middle"),
        pytest.param(f"{CDN}/s/a.pdf?dt=exp%3D20%7Ehmac%3Dab", 20.0, id="encoded"),
        pytest.param(f"{CDN}/s/a.pdf?xseo=", None, id="not signed"),
        pytest.param(f"{CDN}/s/a.pdf?dt=exp=soon~hmac=ab", None, id="unreadable"),
        pytest.param(f"{CDN}/s/a.pdf#dt=exp=20", None, id="in a fragment"),
        pytest.param(
            "https://s3/a?Expires=1700000000&Signature=x", 1_700_000_000.0, id="presigned"
        ),
        pytest.param(
            "https://s3/a?X-Amz-Date=20240101T000000Z&X-Amz-Expires=300&X-Amz-Signature=x",
            1_704_067_500.0,
            id="presigned, version 4",
        ),
        pytest.param("https://s3/a?X-Amz-Date=now&X-Amz-Expires=300", None, id="no date"),
        pytest.param("https://s3/a?X-Amz-Expires=300", None, id="date missing"),
        pytest.param(f"{CDN}/a?token=exp=1770243961~acl=/*~hmac=0", 1770243961, id="Akamai token"),
        pytest.param(f"{CDN}/a?hdnts=st=1~exp=1770243961~hmac=0", 1770243961, id="Akamai hdnts"),
        pytest.param(f"{CDN}/a?token=0123456789", None, id="another token"),
        pytest.param(
            "https://gcs/a?X-Goog-Date=20260205T000000Z&X-Goog-Expires=60&X-Goog-Signature=0",
            1770249660,
            id="Google",
        ),
        pytest.param(
            "https://blob/a?sv=2022&se=2026-02-05T00%3A01%3A00Z&sig=0", 1770249660, id="Azure"
        ),
        pytest.param("https://blob/a?se=2026-02-05&sig=0", 1770249600, id="Azure, a day"),
        pytest.param("https://blob/a?se=soon", None, id="no time"),
        pytest.param(
            f"https://cf/a?Policy={POLICY}&Signature=0&Key-Pair-Id=K", 1770249660, id="CloudFront"
        ),
        pytest.param("https://cf/a?Policy=%C3%A8&Signature=0", None, id="no policy"),
    ],
)
def test_expiry(target: str, ends: float | None) -> None:
    """A signed target says when it ends."""
    assert expiry(target) == ends


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        pytest.param(
            f"{CDN}/delivery/public/document/acme/94bd/sckne7/WEB/manual.pdf",
            f"{CDN}/delivery/public/document/acme/94bd/***/WEB/manual.pdf",
            id="document",
        ),
        pytest.param(
            f"{CDN}/delivery/public/image/acme/roma/sckne7/std/0x0/r.jpg?quality=80&format=auto",
            f"{CDN}/delivery/public/image/acme/roma/***/std/0x0/r.jpg?quality=80&format=auto",
            id="image",
        ),
        pytest.param(
            f"{CDN}/delivery/public/video/acme/94bd/sckne7",
            f"{CDN}/delivery/public/video/acme/94bd/***",
            id="cut short",
        ),
        pytest.param(
            SIGNED, SIGNED.replace("exp=1770243961~hmac=0123456789abcdef", "***"), id="signed"
        ),
        pytest.param(
            f"{API}/api/x/downloadSource?clientId=acme&tokenId=0b5f&saveAs=a.pdf",
            f"{API}/api/x/downloadSource?clientId=acme&tokenId=***&saveAs=a.pdf",
            id="token",
        ),
        pytest.param(
            f"{CDN}/api/v1/content-delivery/shares/dpx6uv/contents/a/image/b?w=1",
            f"{CDN}/api/v1/content-delivery/shares/***/contents/a/image/b?w=***",
            id="second generation",
        ),
        pytest.param(
            f"{CDN}/shared/plugins/embed/current/acme/94bd/sckne7",
            f"{CDN}/shared/plugins/embed/current/acme/94bd/***",
            id="embed",
        ),
        pytest.param(
            "https://u:p@s3/a?X-Amz-Signature=x&k#t",
            "https://s3/a?X-Amz-Signature=***&***",
            id="s3",
        ),
        pytest.param("https://[", "***", id="no URL"),
    ],
)
def test_masked(url: str, shown: str) -> None:
    """What is shown of a URL holds neither key, token nor signature."""
    assert masked(url) == shown


@given(
    st.sampled_from(["image", "video", "document", "thumbnail"]),
    st.text(alphabet="abcXYZ019", min_size=8, max_size=8),
    st.text(alphabet="/ae.%?&=#~", max_size=20),
)
def test_a_pkey_is_never_shown(kind: str, pkey: str, rest: str) -> None:
    """Whatever follows it, the share key of a delivery URL is masked."""
    url = f"{CDN}/delivery/public/{kind}/acme/94bd/{pkey}/{rest}"
    assert pkey not in masked(url)


@given(st.text())
def test_masking_and_expiry_never_raise(url: str) -> None:
    """Any text can be masked and looked at for its end."""
    masked(url)
    expiry(url)
