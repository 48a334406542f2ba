"""The interactive documentation, in Chromium."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.tab import patient
from tests.server import Server


@pytest.mark.parametrize("path", ["docs", "redoc"])
def test_the_documentation_needs_no_internet(server: Server, chromium: Browser, path: str) -> None:
    """Both interactive pages show the routes, although the browser asks nothing of other servers."""
    page = patient(chromium.new_page())
    reached: list[str] = []
    page.on("response", lambda response: reached.append(response.url))
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text) if "Content Security" in message.text else None)
    page.goto(f"{server.url}/{path}")
    expect(page.get_by_text("Stream a job's events").filter(visible=True).first).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert refused == []
    assert not [url for url in reached if not url.startswith((server.url, "blob:", "data:"))]
    page.close()


def test_a_call_can_be_tried_out(server: Server, chromium: Browser) -> None:
    """The interactive page calls the API that it documents."""
    page = patient(chromium.new_page())
    page.goto(f"{server.url}/docs#/kinds/list_kinds")
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()
    expect(page.get_by_text('"recipe"').first).to_be_visible()
    page.close()
