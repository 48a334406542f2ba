"""Takes the console's pictures in docs/images/console: `make screenshots`. To show another page, add a line to `PAGES`.

Every picture is of a real server with real results of the sample video, made offline.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import BROWSERS, FLAGS
from tests.patience import PATIENCE_SEC
from tests.server import Server, eventually, serving

FOLDER = Path(__file__).parent / "console"
SAMPLE = Path(__file__).parents[2] / "web" / "sample" / "baked-feta-pasta.mp4"
KINDS = ("recipe", "summary", "transcript", "reel")
DEVICES = {"desktop": (1200, 960), "phone": (390, 780)}
SCHEMES = ("light", "dark")
QUALITY = 72
SETTLED_MS = 500
"""Until the browser's own controls of a player no longer show that it loads."""
VIDEOS_ARE_LOADED = """Promise.all([...document.querySelectorAll('video')].map((video) => {
  video.preload = 'auto'; // without the sign that it is loading
  return video.readyState === 4 || new Promise((resolve) => video.addEventListener('canplaythrough', resolve));
}))"""


@dataclass(frozen=True)
class Picture:
    """A page to show.

    Attributes:
        path: Its address behind `#/`, with the id of a job of some kind in braces.
        waits_for: CSS selector of something that is there once the page is complete.
        scroll_to: CSS selector of what stands at the top of the picture; None = the page's top.
    """

    name: str
    path: str
    waits_for: str
    scroll_to: str | None = None


EMPTY = Picture("first-visit", "", ".sample img")
PAGES = (
    Picture("library", "", ".tile img"),
    Picture("new", "new", ".kinds"),
    Picture("job", "jobs/{recipe}", ".findings .frames img"),
    Picture("recipe", "recipes/{recipe}", ".ticks"),
    Picture("summary", "summaries/{summary}", ".points, .moments"),
    Picture("transcript", "transcripts/{transcript}", ".lines"),
    Picture("video", "videos/{recipe}", "main h1"),
    Picture("search", "?q=penne", ".moment img"),
    Picture("chat", "videos/{recipe}/chat", "main form"),
    Picture("groups", "groups", "main h1"),
    Picture("reel", "reels/{reel}", ".lane .shot"),
    Picture("datasets", "datasets", "main h1"),
    Picture("operations", "operations", ".figures"),
    Picture("account", "account", ".figures"),
)


def take_pictures(folder: Path, extension: str = "webp") -> None:
    """Replace the pictures in `folder`. Raises RuntimeError without a browser."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        raise RuntimeError("Chromium is not installed; run `make program-deps` as root, or install it or Chrome")
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob(f"*.{extension}"):
        old.unlink()
    with (
        TemporaryDirectory() as data,
        serving(Path(data) / "data") as server,
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=program, args=FLAGS) as browser,
    ):
        take_all(browser, server, (EMPTY,), {}, folder, extension)
        jobs = {kind: server.submit(SAMPLE, kind) for kind in KINDS}
        eventually(lambda: all(server.job(job)["status"] == "done" for job in jobs.values()), pause=0.5)
        take_all(browser, server, PAGES, jobs, folder, extension)


def take_all(
    browser: Browser, server: Server, pictures: tuple[Picture, ...], jobs: dict[str, str], folder: Path, extension: str
) -> None:
    for device in DEVICES:
        for scheme in SCHEMES:
            with opened_page(browser, device, scheme) as page:
                for picture in pictures:
                    path = folder / f"{picture.name}-{device}-{scheme}.{extension}"
                    take_picture(page, f"{server.url}/#/{picture.path.format(**jobs)}", picture, path)


@contextmanager
def opened_page(browser: Browser, device: str, scheme: str) -> Iterator[Page]:
    width, height = DEVICES[device]
    with browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,  # type: ignore[arg-type]  # one of its schemes
        reduced_motion="reduce",
        locale="en-US",
    ) as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE_SEC * 1000)
        yield page


def take_picture(page: Page, address: str, picture: Picture, path: Path) -> None:
    page.goto("about:blank")
    page.goto(address)
    page.locator(picture.waits_for).first.wait_for()
    page.wait_for_load_state("networkidle")
    page.evaluate(VIDEOS_ARE_LOADED)
    page.wait_for_timeout(SETTLED_MS)
    if picture.scroll_to:
        page.locator(picture.scroll_to).first.evaluate("element => element.scrollIntoView()")
    with Image.open(BytesIO(page.screenshot())) as image:
        image.convert("RGB").save(path, quality=QUALITY, method=6)


if __name__ == "__main__":
    try:
        take_pictures(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER, *sys.argv[2:])
    except RuntimeError as error:
        sys.exit(str(error))
