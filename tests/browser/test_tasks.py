"""The operations page, in Chromium and over a server as a user starts it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from shared.models.job import Job, JobError, JobStatus, StageState
from shared.pipeline.jobs import change_job
from shared.platform.embedded.place import open_embedded_place
from shared.settings import Settings
from tests.accounts import PASSWORD, Mailbox
from tests.server import Server, serving
from tests.video_samples import plain_video

DIARY = b"This is a diary.\n" * 100
PHONE = {"width": 360, "height": 740}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("tasks") / "data") as running:
        yield running


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One where everybody has to sign in."""
    with serving(tmp_path_factory.mktemp("guarded") / "data", AUTH_REQUIRED="true") as running:
        yield running


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return plain_video(tmp_path_factory.mktemp("video") / "film.mp4").read_bytes()


class Upload:
    """A job that waits for its bytes."""

    def __init__(self, server: Server, content: bytes, filename: str, token: str = "", kind: str = "metadata") -> None:
        self._content = content
        wish = {"filename": filename, "content_type": "video/mp4", "size": len(content), "kind": kind}
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = httpx.post(f"{server.url}/v1/uploads", json=wish, headers=headers)
        assert answer.status_code == 201, answer.text
        self._ticket = answer.json()
        self.id: str = self._ticket["job"]["id"]

    def send(self) -> None:
        ticket = self._ticket
        httpx.request(ticket["method"], ticket["upload_url"], headers=ticket["headers"], content=self._content)


def open_tasks(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/tasks")


def task(page: Page, name: str) -> Locator:
    return page.locator("#jobs > li").filter(has=page.get_by_role("heading", name=name, exact=True))


def has_status(shown: Locator, status: str) -> None:
    expect(shown.locator(".status")).to_have_text(status)


def test_a_job_is_seen_from_queued_to_done(server: Server, page: Page, film: bytes) -> None:
    """Whoever has the page open sees a new job wait and be done, without doing anything."""
    open_tasks(page, server)
    expect(page.get_by_role("status")).to_have_text("No jobs found.")
    job = Upload(server, film, "film.mp4")
    shown = task(page, "film.mp4")
    has_status(shown, "queued")
    expect(shown.locator(".kind")).to_have_text("metadata")
    expect(shown.locator(".age")).to_contain_text("ago")
    job.send()
    has_status(shown, "done")
    expect(shown.get_by_role("progressbar")).to_have_js_property("value", 100)
    expect(page.get_by_role("status")).to_have_text("film.mp4: done")
    expect(shown.get_by_role("button")).to_have_count(0)
    shown.get_by_text("Stages").click()
    expect(shown.locator(".stages > li")).to_have_text(["extract: done", "persist: done"])


def test_an_empty_result_is_not_just_done(server: Server, page: Page, film: bytes) -> None:
    """Of a job that is done without a result the page says so, and why."""
    Upload(server, film, "silent.mp4", kind="transcript").send()
    open_tasks(page, server)
    shown = task(page, "silent.mp4")
    has_status(shown, "done, empty result")
    expect(shown.locator(".empty-reason")).to_contain_text("The video has no audio and no subtitles.")


def test_a_failure_says_why(server: Server, page: Page) -> None:
    """Of a job that failed the page shows the stage and the sentence; what cannot help is not offered."""
    Upload(server, DIARY, "diary.mp4").send()
    open_tasks(page, server)
    shown = task(page, "diary.mp4")
    has_status(shown, "failed")
    expect(shown.locator(".error")).to_contain_text("extract: ")
    expect(shown.get_by_role("button")).to_have_count(0)


def test_a_job_is_cancelled(server: Server, page: Page) -> None:
    """A job is cancelled by its button, once that was confirmed."""
    Upload(server, DIARY, "unwanted.mp4")
    open_tasks(page, server)
    shown = task(page, "unwanted.mp4")
    page.once("dialog", lambda dialog: dialog.dismiss())
    shown.get_by_role("button", name="Cancel: unwanted.mp4").click()
    has_status(shown, "queued")
    page.once("dialog", lambda dialog: dialog.accept())
    shown.get_by_role("button", name="Cancel: unwanted.mp4").click()
    has_status(shown, "cancelled")


def test_a_job_is_tried_again(server: Server, page: Page, film: bytes) -> None:
    """A job that failed for a reason that may have passed is done after its button was pressed."""
    job = Upload(server, film, "unlucky.mp4")
    job.send()
    assert server.follow(job.id)["status"] == "done"
    fail_at_last(server, job.id)
    open_tasks(page, server)
    shown = task(page, "unlucky.mp4")
    has_status(shown, "failed")
    expect(shown.locator(".error")).to_have_text("persist: The disk was full.")
    shown.get_by_role("button", name="Retry: unlucky.mp4").click()
    has_status(shown, "done")


def fail_at_last(server: Server, id: str) -> None:
    error = JobError(code="busy", message="The disk was full.", stage="persist", retryable=True)

    def change(job: Job) -> bool:
        job.status, job.error = JobStatus.FAILED, error
        job.stages["persist"] = StageState(number=2, status="failed", error=error)
        return True

    place = open_embedded_place(Settings(clipwise_data=server.data))
    change_job(place.place.documents, id, change)
    place.database.close()


def test_many_jobs_come_in_pages(server: Server, page: Page) -> None:
    """The newest twenty are shown, older ones on demand; the filter shows those of one state."""
    for number in range(25):
        Upload(server, DIARY, f"many {number}.mp4")
    open_tasks(page, server)
    expect(page.get_by_role("heading", name="many 24.mp4")).to_be_visible()
    expect(page.locator("#jobs > li")).to_have_count(20)
    page.get_by_role("button", name="Show older jobs").click()
    expect(task(page, "many 0.mp4")).to_be_visible()
    page.get_by_label("Show", exact=False).first.select_option("failed")
    expect(page.get_by_role("heading", name="many 24.mp4")).to_have_count(0)
    assert set(page.locator("#jobs .status").all_inner_texts()) <= {"failed"}


def test_names_are_only_text(server: Server, page: Page) -> None:
    """A file that is named as a script or a picture runs nothing."""
    name = "<img src=x onerror=alert(1)>.mp4"
    Upload(server, DIARY, name)
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    open_tasks(page, server)
    expect(page.locator("#jobs > li").first.locator(".name")).to_contain_text("onerror=alert(1)")
    expect(page.locator("#jobs img")).to_have_count(0)


def test_a_phone_shows_all_of_it(server: Server, page: Page) -> None:
    """On a narrow screen nothing lies beyond its edge, however long a name is."""
    Upload(server, DIARY, "x" * 150 + ".mp4")
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]  # a plain size
    open_tasks(page, server)
    expect(page.locator("#jobs > li").first.locator(".name")).to_contain_text("xxx")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_the_keyboard_is_enough(server: Server, page: Page) -> None:
    """Whoever has no mouse reaches the buttons, each of which says what it acts on, and cancels a job."""
    Upload(server, DIARY, "by key.mp4")
    open_tasks(page, server)
    page.get_by_role("button", name="Cancel: by key.mp4").focus()
    page.once("dialog", lambda dialog: dialog.accept())
    page.keyboard.press("Enter")
    has_status(task(page, "by key.mp4"), "cancelled")


# Where one has to sign in


@pytest.fixture(scope="module")
def ann(guarded: Server) -> dict[str, Any]:
    """Somebody with an account and one job."""
    with guarded.client() as client:
        account = {"username": "ann", "password": PASSWORD}
        assert client.post("/v1/auth/signup", json=account | {"email": "ann@example.com"}).status_code == 202
        (token,) = Mailbox(guarded.data).tokens("verify", "ann@example.com")
        assert client.post("/v1/auth/verify-email", json={"token": token}).status_code == 200
        session: dict[str, Any] = client.post("/v1/auth/login", json=account).json()
    Upload(guarded, DIARY, "ann's.mp4", session["access_token"])
    return session


def sign_in(page: Page, password: str = PASSWORD) -> None:
    page.get_by_label("Username or email address").fill("ann")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def stored(page: Page) -> str:
    return str(page.evaluate("JSON.stringify([{...localStorage}, document.cookie])"))


def test_signing_in_and_out(guarded: Server, ann: dict[str, Any], page: Page) -> None:
    """Nothing is shown before one signs in, one's own jobs after, and nothing when one has left."""
    open_tasks(page, guarded)
    expect(page.get_by_label("Username or email address")).to_be_visible()
    expect(page.locator("#jobs > li")).to_have_count(0)
    sign_in(page, "wrong password")
    expect(page.get_by_role("status")).to_contain_text("wrong")
    sign_in(page)
    has_status(task(page, "ann's.mp4"), "queued")
    expect(page.locator("#user")).to_have_text("ann")
    assert stored(page) == '[{},""]'
    page.reload()
    has_status(task(page, "ann's.mp4"), "queued")
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("#jobs > li")).to_have_count(0)
    expect(page.get_by_label("Username or email address")).to_be_visible()


def test_a_token_that_has_run_out_is_replaced(guarded: Server, ann: dict[str, Any], page: Page) -> None:
    """Whoever signed in goes on when the access token is no longer good, and is asked again when nothing is."""
    open_tasks(page, guarded)
    sign_in(page)
    has_status(task(page, "ann's.mp4"), "queued")
    spoil = "(name) => { const kept = JSON.parse(sessionStorage['clipwise-session']); kept[name] = 'x';"
    spoil += "sessionStorage['clipwise-session'] = JSON.stringify(kept); }"
    page.evaluate(spoil, "access_token")
    page.reload()
    has_status(task(page, "ann's.mp4"), "queued")
    for name in ("access_token", "refresh_token"):
        page.evaluate(spoil, name)
    page.reload()
    expect(page.get_by_label("Username or email address")).to_be_visible()


def test_a_pasted_token(guarded: Server, ann: dict[str, Any], page: Page) -> None:
    """A token from elsewhere does, too; one that is none is refused with a sentence."""
    open_tasks(page, guarded)
    for token in ("nonsense", ann["access_token"]):
        page.get_by_label("Token").fill(token)
        page.get_by_role("button", name="Sign in").click()
        if token == "nonsense":
            expect(page.get_by_role("status")).to_have_text("The token is invalid or has expired.")
    has_status(task(page, "ann's.mp4"), "queued")


def test_the_local_user_can_sign_in(server: Server, page: Page) -> None:
    """Where nobody has to sign in, the jobs of this machine are shown, and the form is one press away."""
    open_tasks(page, server)
    expect(page.get_by_label("Username or email address")).to_be_hidden()
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_label("Username or email address")).to_be_focused()
