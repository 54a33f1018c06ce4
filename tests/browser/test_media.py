"""<img>, <video> and <audio> of somebody else's page, from public URLs."""

from pathlib import Path

import pytest
from playwright.async_api import Page

from proxy.connectors.model import DeliveryMode
from proxy.demo import open_demo
from tests.browser.conftest import Site
from tests.clients.command import answered
from tests.clients.films import moov_far_away
from tests.running import Running, by_id

pytestmark = pytest.mark.asyncio(loop_scope="package")

# What a page may do with a film or a sound: learn its length, jump, and play on from there.
PLAYED = """async ([url, to]) => {
    const media = document.querySelector("video, audio");
    const happened = name => new Promise((resolve, reject) => {
        media.addEventListener(name, resolve, {once: true});
        media.addEventListener("error", () => reject(media.error.message), {once: true});
    });
    const metadata = happened("loadedmetadata");
    media.muted = true;
    media.src = url;
    await metadata;
    const seeked = happened("seeked");
    media.currentTime = to;
    await seeked;
    const from = media.currentTime;
    await media.play();
    while (media.currentTime <= from) await happened("timeupdate");
    media.pause();
    return {duration: media.duration, from, to: media.currentTime,
            seekable: media.seekable.end(0), width: media.videoWidth || 0};
}"""


@pytest.mark.parametrize(
    ("name", "width"), [("strada-sl", 1500), ("logo", 1), ("logo-vector", 1), ("turning-wheel", 1)]
)
async def test_picture(connector: Running, page: Page, site: Site, name: str, width: int) -> None:
    """A picture shows in <img>, though its disposition is attachment, and a canvas may read it."""
    content = connector.thron.tenant.find(name)
    url = connector.url(f"/files/{content.id}")
    await page.goto(site.show(f'<img src="{url}"><img crossorigin src="{url}?canvas">'))
    shown = await page.evaluate("""async () => {
        const [plain, readable] = document.images;
        await Promise.all([plain.decode(), readable.decode()]);
        const canvas = document.createElement("canvas");
        canvas.width = canvas.height = 8;
        canvas.getContext("2d").drawImage(readable, 0, 0, 8, 8);
        return {width: plain.naturalWidth, data: canvas.toDataURL()};
    }""")
    assert shown["width"] >= width
    assert shown["data"].startswith("data:image/png")


@pytest.mark.parametrize("delivery", list(DeliveryMode))
async def test_film(connector: Running, page: Page, site: Site, delivery: DeliveryMode) -> None:
    """A film plays in <video>, and from where the viewer jumps to."""
    await connector.apply(by_id(connector.thron, delivery=delivery))
    content = connector.thron.tenant.find("strada-sl-film")
    await page.goto(site.show("<video></video>"))
    url = str(connector.url(f"/files/{content.id}/film.mp4"))
    played = await page.evaluate(PLAYED, [url, 17])
    assert played["from"] == 17
    assert played["to"] > 17
    assert played["seekable"] == played["duration"] > 20
    assert played["width"] > 0


async def test_film_with_its_index_far_away(connector: Running, page: Page, site: Site) -> None:
    """Chromium reads the index at the end of a film of 48 MiB by ranges, and plays it."""
    content_id = moov_far_away(connector.thron)
    await page.goto(site.show("<video></video>"))
    played = await page.evaluate(PLAYED, [str(connector.url(f"/files/{content_id}/dawn.mp4")), 5])
    assert played["to"] > played["from"] == 5
    assert (await answered(connector))["206"] >= 2


async def test_sound(connector: Running, page: Page, site: Site) -> None:
    """A sound plays in <audio>, and from where the listener jumps to."""
    content = connector.thron.tenant.find("aurora-jingle")
    await page.goto(site.show("<audio></audio>"))
    played = await page.evaluate(PLAYED, [str(connector.url(f"/files/{content.id}")), 3])
    assert played["to"] > played["from"] == 3


async def test_the_demo_s_film(page: Page, tmp_path: Path) -> None:
    """The film that the demo prints a URL of plays when that URL is opened."""
    async with open_demo(library=None, port=0, state=tmp_path) as demo:
        samples = [sample for each in demo.connectors for sample in each.samples]
        film = next(sample for sample in samples if sample.file_name.endswith(".mp4"))
        await page.goto(f"{film.url}?inline")
        playing = "() => document.querySelector('video').currentTime > 0"
        await page.wait_for_function(playing)
        await page.goto("about:blank")
