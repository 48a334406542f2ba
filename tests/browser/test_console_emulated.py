"""The console over Google's emulators, where objects and documents lie elsewhere than the API."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.shelf import address, open_page
from tests.browser.tab import patient
from tests.contract.emulated import own_emulators
from tests.dataset_runs import unhurried
from tests.image_site import ImageSite
from tests.server import Server, serving

LISTENS = re.compile(r"google\.firestore\.v1\.Firestore/Listen")
EVENTS = re.compile("/events$")


@pytest.fixture(scope="module")
def pictures() -> Iterator[ImageSite]:
    with ImageSite() as site:
        yield site


@pytest.fixture(scope="module")
def server(chromium: object, pictures: ImageSite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """`clipwise up --emulators`, for the user of this machine."""
    folder = tmp_path_factory.mktemp("emulated")
    with own_emulators(folder / "emulators") as hosts:
        addresses = {name: value for name, value in hosts.environ().items() if name.endswith("_EMULATOR_HOST")}
        environ = addresses | unhurried(pictures) | {"ALLOW_HOSTS": pictures.address, "AUTH_REQUIRED": "false"}
        with serving(folder / "data", "--emulators", **environ) as running:
            yield running


def test_operations_say_what_pubsub_does_not_tell(server: Server, page: Page, film: bytes) -> None:
    """Over Pub/Sub, the page shows the jobs of all and says where the queue and the dead letters are to be seen."""
    answer = httpx.post(f"{server.url}/v1/jobs", files={"file": ("film.mp4", film)}, data={"kind": "reel"})
    job = server.follow(answer.json()["id"])
    assert job["status"] == "done", job["error"]
    open_page(page, server, "operations?status=done")
    expect(page.get_by_text("the jobs of all users")).to_be_visible()
    expect(page.get_by_text("Pub/Sub does not report how many events wait.")).to_be_visible()
    expect(page.locator(".figures dt")).to_have_text(["Running", "Queued"])
    expect(page.get_by_text("gcloud pubsub subscriptions pull dead-letter")).to_be_visible()
    page.get_by_role("link", name="film.mp4").click()
    page.get_by_role("link", name="Open the reel analysis").click()
    expect(page.locator(".lane .shot").first).to_be_visible()
    expect(page.locator(".script tbody tr").first).to_be_visible()


def test_a_dataset_comes_to_its_export(server: Server, page: Page, pictures: ImageSite) -> None:
    """A dataset is watched from its start, shows its pictures from the bucket, takes a verdict, and is exported."""
    urls = [pictures.url("image", number) for number in range(3)]
    made = httpx.post(f"{server.url}/v1/datasets", json={"name": "Pictures", "max_images": 3}).json()
    lists = f"{server.url}/v1/datasets/{made['id']}/lists"
    assert httpx.post(lists, files={"file": ("urls.txt", "\n".join(urls).encode())}).status_code == 201
    open_page(page, server, f"datasets/{made['id']}")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.locator(".outcome.done")).to_be_visible()
    expect(page.locator(".sheet-image img").first).to_be_visible()
    page.get_by_role("button", name=re.compile("^(Accept|Reject): ")).first.click()
    expect(page.get_by_text("by you", exact=True)).to_be_visible()
    page.get_by_role("button", name="Start export").click()
    exported = page.locator("#exports").locator("xpath=ancestor::section").locator(".row")
    with page.expect_download() as download:
        exported.get_by_role("link").first.click()
    assert download.value.suggested_filename.endswith(".zip")


def test_an_account_has_its_usage(server: Server, page: Page) -> None:
    """Usage and webhooks are read from Firestore."""
    open_page(page, server, "account")
    expect(page.locator(".figures")).to_contain_text("$0.00")
    expect(page.get_by_role("button", name="Create webhook")).to_be_visible()


def send(page: Page, server: Server, content: bytes) -> None:
    """Send a file on the page New, for its metadata."""
    page.context.add_init_script("delete window.showOpenFilePicker")
    page.goto(f"{server.url}/#/new")
    page.get_by_text("Metadata").click()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose files").click()
    chooser.value.set_files({"name": "film.mp4", "mimeType": "video/mp4", "buffer": content})
    expect(page.get_by_role("heading", name="film.mp4")).to_be_visible()


def test_a_job_is_watched_by_firestore(server: Server, page: Page, film: bytes) -> None:
    """Where there is Firestore, a job's page follows its document from the upload to the end: its stages stand in their
    order, and its picture comes from the bucket. It needs no event stream of the API."""
    page.route(EVENTS, lambda route: route.abort())
    send(page, server, film)
    expect(page.locator(".outcome.done")).to_be_visible()
    expect(page.locator(".stage.done .stage-name")).to_have_text(
        [re.compile("Upload"), re.compile("Extract"), re.compile("Save")]
    )
    expect(page.locator(".findings img").first).to_be_visible()
    expect(page.locator(".byline time")).to_contain_text(re.compile("ago|now"))
    job = server.job(address(page).removeprefix("jobs/"))
    expect(page.locator(".facts")).to_contain_text(f"{job['video']['info']['width']} ×")


def test_events_stand_in_for_firestore(server: Server, chromium: Browser, film: bytes) -> None:
    """Behind a network that blocks Firestore, the page follows the server's events instead, and reaches nobody else."""
    # Not `page`: the SDK tries to load a picture of Google's to learn what is wrong, which the policy forbids.
    page = patient(chromium.new_page())
    reached: list[str] = []
    page.on("response", lambda response: reached.append(response.url))
    page.route(LISTENS, lambda route: route.abort())
    with page.expect_request(EVENTS):
        send(page, server, film)
    expect(page.locator(".outcome.done")).to_be_visible()
    assert not [url for url in reached if not url.startswith(("http://127.0.0.1:", "blob:"))]
    page.close()
