"""Browser and servers: the console on one machine, and the documented listeners over the emulated place."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Generator, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from infra.runtimes.emulated.emulators import EmulatorHosts
from tests.browser.pages import SDK, served_pages
from tests.browser.shelf import Shelf
from tests.browser.tab import Patience, Tab, patient, watched_page
from tests.contract.emulated import own_emulators
from tests.server import Server, serving
from tests.video_samples import plain_video

BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
# Nothing but what the page asks for, and only from loopback.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]

OpenTab = Callable[..., Tab]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Do not spend ten minutes on each test of a run that has failed already."""
    report = yield
    if report.failed:
        Patience.lower()
    return report


# All of these last for one file: while Playwright is up, nothing else in this thread can run an event loop.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Skips the tests, with the reason, where no browser is installed."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip("Chromium is not installed; run `make program-deps` as root, or install it or Chrome")
    expect.set_options(timeout=Patience.ms)
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=found, args=FLAGS, timeout=Patience.ms) as browser,
    ):
        yield browser


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A tab whose page must not fail, nor try what its policy forbids."""
    with watched_page(chromium) as tab:
        yield tab


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return plain_video(tmp_path_factory.mktemp("video") / "film.mp4").read_bytes()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """`clipwise up` for the user of this machine; files that need another one have their own."""
    with serving(tmp_path_factory.mktemp("server") / "data") as running:
        yield running


@pytest.fixture(scope="module")
def shelf(server: Server, film: bytes) -> Iterator[Shelf]:
    shelf = Shelf(server, film)
    yield shelf
    shelf.close()


@pytest.fixture(scope="module")
def origin(chromium: Browser) -> Iterator[str]:
    """Skips the tests, with the reason, where the Firebase SDK is not installed."""
    if not SDK.exists():
        pytest.skip("the Firebase SDK is not installed; run `make browser-deps`, which needs npm")
    with served_pages() as url:
        yield url


@pytest.fixture(scope="module")
def hosts(origin: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorHosts]:
    with own_emulators(tmp_path_factory.mktemp("emulators"), origin) as running:
        yield running


@pytest.fixture(scope="module")
def place(hosts: EmulatorHosts, origin: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """`clipwise up --emulators`, on emulators whose addresses are known."""
    addresses = {name: value for name, value in hosts.environ().items() if name.endswith("_EMULATOR_HOST")}
    data = tmp_path_factory.mktemp("place")
    with serving(data, "--emulators", FRONTEND_URL=origin, AUTH_REQUIRED="false", **addresses) as server:
        yield server


@pytest.fixture(scope="module")
def open_tab(chromium: Browser, origin: str, hosts: EmulatorHosts, place: Server) -> OpenTab:
    """Opens a tab in which a user is signed in: `local`, as the API takes everybody for, or somebody else."""

    def opened(user: str = "local") -> Tab:
        page = patient(chromium.new_page())
        page.goto(origin)
        page.wait_for_function("window.page")
        tab = Tab(page)
        host, port = hosts.firestore.split(":")
        tab.call("connect", host, int(port), user)
        return tab

    return opened
