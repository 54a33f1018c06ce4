"""The header section of an answer with content."""

from dataclasses import replace

import pytest

from proxy.connectors.model import Connector, DeliveryMode, Disposition, Identifier
from proxy.delivery.response_headers import (
    HeaderSections,
    ResponseContext,
    header_section,
    varying_lines,
)
from proxy.semantics.status_fields import ForwardReason

CONNECTOR = Connector(slug="media", folder="f", identifier=Identifier.PRETTY_ID)
TOLD = ResponseContext(
    connector=CONNECTOR,
    content_id="0a1b",
    source_name="film.mov",
    canonical=None,
    stale_if_error_s=60,
)
PASSED = [("Content-Type", "video/quicktime"), ("Content-Length", "10"), ("ETag", '"1"')]


def fields(
    status: int = 200,
    passed: list[tuple[str, str]] | None = None,
    context: ResponseContext = TOLD,
    *,
    asked_name: str | None = None,
    disposition: Disposition = Disposition.ATTACHMENT,
    forwarded: ForwardReason | None = None,
    ttl_s: float = 12.7,
    is_hsts: bool = False,
) -> dict[str, str]:
    """Return the fields of an answer; each once."""
    section = header_section(status, tuple(PASSED if passed is None else passed), context)
    varying = varying_lines(
        asked_name or section.file_name,
        disposition,
        forwarded=forwarded,
        ttl_s=ttl_s,
        is_hsts=is_hsts,
    )
    lines = (section.octets.decode() + varying).split("\r\n")[:-1]
    found = dict(line.split(": ", 1) for line in lines)
    assert len({name.lower() for name in found}) == len(lines)
    return found


def test_a_section_is_written_once() -> None:
    """For each status and each word of the origin; one that varies them fills no memory."""
    written: list[int] = []

    def context() -> ResponseContext:
        written.append(1)
        return TOLD

    sections = HeaderSections()
    for _ in range(3):
        for status in (200, 304):
            sections.of(status, tuple(PASSED), context)
    assert len(written) == 2
    first = sections.of(200, tuple(PASSED), context)
    for number in range(100):
        sections.of(200, (("ETag", f'"{number}"'),), context)
    assert sections.of(200, tuple(PASSED), context) == first
    assert len(written) == 103


def test_the_origins_words_then_ours() -> None:
    """What passed the filter stands as it was; the rest is said by this gateway."""
    said = fields()
    assert said["Content-Length"] == "10"
    assert said["ETag"] == '"1"'
    assert said["Content-Type"] == "video/quicktime"
    assert said["Content-Disposition"] == 'attachment; filename="film.mov"'
    assert said["Cache-Status"] == "thron-connector; hit; ttl=12"
    assert said["X-Content-Type-Options"] == "nosniff"
    assert said["Access-Control-Allow-Origin"] == "*"
    assert "max-age=300" in said["Cache-Control"]


@pytest.mark.parametrize("status", [200, 206, 304, 412, 416])
def test_cdns_can_purge_by_tag(status: int) -> None:
    """Whatever is said of a content bears its tags, as Fastly's CDN reads them and Cloudflare's."""
    said = fields(status)
    assert said["Surrogate-Key"] == "connector-media content-0a1b"
    assert said["Cache-Tag"] == "connector-media,content-0a1b"


@pytest.mark.parametrize("status", [304, 412, 416])
def test_an_answer_without_content_describes_none(status: int) -> None:
    """No name to save under, and no type but that of the words of a refusal."""
    said = fields(status, [])
    assert "Content-Disposition" not in said
    assert said.get("Content-Type") == (None if status == 304 else "text/plain; charset=utf-8")


def test_why_thron_was_asked() -> None:
    """A miss and a stale answer say so (RFC 9211)."""
    assert fields(forwarded="uri-miss")["Cache-Status"] == ("thron-connector; fwd=uri-miss; ttl=12")
    assert fields(forwarded="stale", ttl_s=-3)["Cache-Status"] == (
        "thron-connector; fwd=stale; ttl=-3"
    )


@pytest.mark.parametrize(
    ("mode", "media_type", "name"),
    [
        pytest.param(DeliveryMode.PUBLISHED, "video/mp4", "film.mp4", id="another format"),
        pytest.param(DeliveryMode.PUBLISHED, "video/quicktime", "film.mov", id="the same"),
        pytest.param(DeliveryMode.PUBLISHED, "text/plain", "film.mov", id="of no rendition"),
        pytest.param(DeliveryMode.ORIGINAL, "video/mp4", "film.mov", id="the source file"),
    ],
)
def test_a_rendition_is_named_for_what_it_is(
    mode: DeliveryMode, media_type: str, name: str
) -> None:
    """The extension follows the rendition's type, the stem the source's name."""
    context = replace(TOLD, connector=CONNECTOR.model_copy(update={"delivery": mode}))
    said = fields(passed=[("Content-Type", media_type)], context=context)
    assert said["Content-Disposition"] == f'attachment; filename="{name}"'


def test_the_address_names_the_file() -> None:
    """The name at the end of the address wins, and may be of any script."""
    said = fields(asked_name="größe.mp4", disposition=Disposition.INLINE)["Content-Disposition"]
    assert said.startswith("inline; ")
    assert "filename*=UTF-8''gr%C3%B6%C3%9Fe.mp4" in said


def test_what_a_type_that_says_nothing_is() -> None:
    """Then the source's name tells."""
    assert fields(passed=[("Content-Type", "application/octet-stream")])["Content-Type"] == (
        "video/quicktime"
    )
    assert fields(passed=[])["Content-Type"] == "video/quicktime"


def test_a_page_runs_no_script() -> None:
    """HTML and SVG are shown in a sandbox."""
    for kind in ("text/html; charset=utf-8", "image/svg+xml"):
        assert "sandbox" in fields(passed=[("Content-Type", kind)])["Content-Security-Policy"]
    assert "Content-Security-Policy" not in fields()


def test_what_only_some_answers_say() -> None:
    """HSTS, the canonical address and robots, each where it holds."""
    assert not {"Strict-Transport-Security", "Link", "X-Robots-Tag"} & fields().keys()
    context = replace(
        TOLD,
        connector=CONNECTOR.model_copy(update={"robots": "noindex"}),
        canonical="https://a.example/media/en/new",
    )
    said = fields(context=context, is_hsts=True)
    assert said["Strict-Transport-Security"] == "max-age=31536000"
    assert said["Link"] == '<https://a.example/media/en/new>; rel="canonical"'
    assert said["X-Robots-Tag"] == "noindex"
