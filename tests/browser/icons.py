"""The icon in the sizes that phones install, drawn by the browser: `python -m tests.browser.icons` writes them."""

from __future__ import annotations

import shutil
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.browser.conftest import BROWSERS

WEB = Path(__file__).parents[2] / "web"
SIZES = (192, 512)


def icon_path(size: int) -> Path:
    return WEB / f"icon-{size}.png"


def draw_icon(browser: Browser, size: int) -> bytes:
    """Return web/icon.svg as a PNG with transparent corners."""
    page = browser.new_page(viewport={"width": size, "height": size})
    page.set_content(f"<style>body{{margin:0}}</style>{(WEB / 'icon.svg').read_text(encoding='utf-8')}")
    picture = page.screenshot(omit_background=True)
    page.close()
    return picture


if __name__ == "__main__":
    with sync_playwright() as playwright:
        program = next(filter(None, map(shutil.which, BROWSERS)), None)
        with playwright.chromium.launch(executable_path=program, args=["--no-sandbox"]) as chromium:
            for pixels in SIZES:
                icon_path(pixels).write_bytes(draw_icon(chromium, pixels))
