"""Files on their way from the console to a server, through all that can interrupt them."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.shelf import address, layout_shifts, open_page
from tests.browser.tab import patient, watched_page
from tests.server import Server, serving
from tests.video_samples import plain_video

PADDING_BYTES = 12_000_000
SLOW, ALMOST_STILL = 1_000_000, 20_000
"""Bytes a second."""


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video that takes a few seconds on a slow line: an empty box follows what is played."""
    path = plain_video(tmp_path_factory.mktemp("video") / "holiday.mp4")
    with path.open("ab") as file:
        file.write((PADDING_BYTES + 8).to_bytes(4, "big") + b"free" + bytes(PADDING_BYTES))
    return path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One that keeps its port when it is started again, as the page expects."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    with serving(tmp_path_factory.mktemp("uploads") / "data", "--port", str(port)) as running:
        yield running


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A tab with the dialog for files that tests can answer."""
    with watched_page(chromium) as tab:
        tab.context.add_init_script("delete window.showOpenFilePicker")
        yield tab


def limit_speed(page: Page, bytes_per_sec: int, is_offline: bool = False) -> None:
    """Limit uploads to a speed; -1 is no limit."""
    page.context.new_cdp_session(page).send(
        "Network.emulateNetworkConditions",
        {"offline": is_offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": bytes_per_sec},
    )


def send(page: Page, server: Server, film: Path) -> None:
    """Choose a file on the page New, and wait until some of it is on its way."""
    open_page(page, server, "new")
    limit_speed(page, SLOW)
    page.get_by_text("Metadata").click()
    choose(page, page.get_by_role("button", name="Choose files"), film)
    expect(page.get_by_role("heading", name="holiday.mp4")).to_be_visible()
    page.wait_for_function(STARTED)


STARTED = "() => document.querySelector('.upload progress')?.value > 1_200_000"


def choose(page: Page, button: Locator, film: Path) -> None:
    with page.expect_file_chooser() as chooser:
        button.click()
    chooser.value.set_files(film)


def arrives(page: Page, server: Server) -> None:
    """Wait until the job is done, on the page that shows it, and check that all bytes came."""
    limit_speed(page, -1)
    expect(page.locator(".outcome.done")).to_be_visible()
    expect(page.locator(".upload")).to_have_count(0)
    job = server.job(address(page).removeprefix("jobs/"))
    assert job["video"]["info"]["sizeBytes"] > PADDING_BYTES


def test_a_file_becomes_a_result(server: Server, page: Page, film: Path) -> None:
    """Whoever chooses a file sees it go up, each stage run and the result come, and nothing on the page moves."""
    send(page, server, film)
    page.evaluate("performance.clearResourceTimings()")
    expect(page.locator(".stage")).to_have_count(3)
    arrives(page, server)
    expect(page.locator(".stage.done")).to_have_count(3)
    expect(page.locator(".findings img").first).to_be_visible()
    expect(page.locator("#announcement")).to_have_text("holiday.mp4: Done")
    assert sum(score for score, _ in layout_shifts(page)) < 0.1, layout_shifts(page)


def test_an_upload_can_be_paused(server: Server, page: Page, film: Path) -> None:
    """A paused upload sends nothing, and goes on where it was."""
    send(page, server, film)
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused")).to_be_visible()
    page.get_by_role("button", name="Continue").click()
    arrives(page, server)


def test_an_upload_outlives_the_server(server: Server, page: Page, film: Path) -> None:
    """A server that is killed in the middle of a file gets the rest of it when it is back."""
    send(page, server, film)
    server.kill()
    expect(page.get_by_text("The upload continues when it is back").first).to_be_visible()
    server.start()
    arrives(page, server)


def test_an_upload_outlives_the_connection(server: Server, page: Page, film: Path) -> None:
    """A device that loses its network goes on by itself when it is online again."""
    send(page, server, film)
    limit_speed(page, -1, is_offline=True)
    expect(page.get_by_text("The upload continues when it is back").first).to_be_visible()
    arrives(page, server)


def test_an_upload_outlives_the_page(server: Server, page: Page, film: Path, tmp_path: Path) -> None:
    """After a reload, the same file goes on where it was; another file of that name is refused."""
    send(page, server, film)
    limit_speed(page, ALMOST_STILL)
    page.on("dialog", lambda dialog: dialog.accept())  # the page warns that a file is on its way
    page.reload()
    expect(page.get_by_text("Choose the same file to continue.")).to_be_visible()
    other = tmp_path / "holiday.mp4"
    other.write_bytes(b"another film")
    choose(page, page.get_by_role("button", name="Choose the file again"), other)
    expect(page.get_by_role("alert")).to_contain_text("This is another file.")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.headers.get("content-range", "")))
    choose(page, page.get_by_role("button", name="Choose the file again"), film)
    arrives(page, server)
    assert not [part for part in sent if part.startswith("bytes 0-")]


def test_two_tabs_send_a_file_once(server: Server, page: Page, film: Path) -> None:
    """A second tab says that the first one is sending, and takes over when that one is closed."""
    send(page, server, film)
    limit_speed(page, ALMOST_STILL)
    other = patient(page.context.new_page())
    other.goto(page.url)
    expect(other.get_by_text("Uploading in another tab")).to_be_visible()
    page.close()
    choose(other, other.get_by_role("button", name="Choose the file again"), film)
    arrives(other, server)


def test_an_upload_can_be_discarded(server: Server, page: Page, film: Path) -> None:
    """An upload that is not wanted any more leaves nothing: no session in the browser, no job on the server."""
    send(page, server, film)
    id = address(page).removeprefix("jobs/")
    page.get_by_role("button", name="Discard").click()
    expect(page.get_by_role("heading", name="New")).to_be_visible()
    with server.client() as client:
        assert client.get(f"/v1/jobs/{id}").status_code == 404
    expect(page.locator(".upload")).to_have_count(0)
