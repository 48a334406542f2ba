"""The whole flow of each earlier system, by a typed client made from its documents, on either local place."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from PIL import Image

from infra.demo.recipe import RECIPE
from infra.stand_ins.image_search import ImageSearch
from shared.models.job import JobStatus
from tests.accounts import PASSWORD, Mailbox
from tests.file_server import Web
from tests.integration.earlier_clients import AskVideo, ImageCrawler, MetadataService, RecipeApp, ReelScripter, ReelTask
from tests.media_samples import ffmpeg
from tests.server import Server, eventually


def test_recipe_app(place: Server, web: Web, cooking_clip: Path) -> None:
    """The mobile app sends a link, asks for its task until that has ended, and shows the recipe with its picture."""
    shutil.copy(cooking_clip, web.folder / "tiktok.mp4")
    link = f"http://{web.address}/tiktok.mp4"
    app = RecipeApp(place.url)
    task_id = app.scrape(link, "en")
    seen = [app.task(task_id)]

    def ended() -> bool:
        seen.append(app.task(task_id))
        return JobStatus(seen[-1].status).is_final

    eventually(ended)
    progress = [task.progress for task in seen]
    assert progress == sorted(progress)
    task = seen[-1]
    assert (task.task_id, task.status, task.progress) == (task_id, "done", 100), task
    assert task.recipe_id
    assert task.recipe is not None
    assert {(item.name, item.amount, item.unit) for item in task.recipe.ingredients} >= {
        (item.name, item.amount, item.unit) for item in RECIPE.ingredients
    }
    assert [step.number for step in task.recipe.steps] == list(range(1, len(task.recipe.steps) + 1))
    assert task.recipe.source_url == link
    assert httpx.get(task.recipe.thumbnail).headers["content-type"] == "image/jpeg"
    assert app.scrape(link, "en") == task_id


def test_reel_scripter(place: Server, cooking_clip: Path) -> None:
    """The page sends a video, polls its state until SUCCESS, and shows the script; the video itself is gone then."""
    seen: list[ReelTask] = []
    page = ReelScripter(place.url)
    assert page.send("GET", "/").json()["message"]
    task_id = page.upload("reel.mp4", cooking_clip.read_bytes())

    def ended() -> bool:
        seen.append(page.status(task_id))
        return seen[-1].state in ("SUCCESS", "FAILURE")

    eventually(ended)
    assert {status.state for status in seen} <= {"PENDING", "PROGRESS", "SUCCESS"}, seen[-1]
    progress = [status.progress for status in seen]
    assert progress == sorted(progress)
    assert progress[-1] == 100
    result = seen[-1].result
    assert result is not None
    assert len(result.keys) == 5
    assert result.script
    assert eventually(lambda: place.job(task_id)["sourceDeleted"])


@pytest.mark.parametrize(
    ("name", "options", "declared"),
    [
        ("long.mp4", ["-t", "181", "-r", "1"], "video/mp4"),
        ("reel.avi", ["-t", "1"], "video/x-msvideo"),
        ("reel.mp4", ["-t", "1"], "video/x-msvideo"),
    ],
    ids=["too long", "AVI", "declared wrongly"],
)
def test_reel_scripter_refusals(place: Server, tmp_path: Path, name: str, options: list[str], declared: str) -> None:
    """A video that is too long or of another type is refused at once with 400 and a sentence."""
    video = tmp_path / name
    picture = ["-f", "lavfi", "-i", "color=red:size=64x64"]
    ffmpeg(video, *picture, *options)
    with place.client() as page:
        answer = page.post("/api/upload", files={"video": (name, video.read_bytes(), declared)})
    assert answer.status_code == 400
    assert isinstance(answer.json()["detail"], str)


def test_metadata_service(place: Server, small_video: Path) -> None:
    """A client sends a video, polls its status until done, and shows time, duration and thumbnail, alone and listed."""
    seen: list[str] = []
    before = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    client = MetadataService(place.url)
    id = client.upload("holiday.mp4", small_video.read_bytes())

    def ended() -> bool:
        seen.append(client.status(id))
        return seen[-1] in ("done", "failed")

    eventually(ended)
    video = client.metadata(id)
    listed = client.send("GET", "/videos/").json()
    client.send("GET", "/docs")
    client.send("GET", "/tasks", status=307)  # to the console's operations page

    assert seen[-1] == "done"
    assert set(seen) <= {"pending", "processing", "done"}
    assert (video.id, video.filename, video.seconds) == (id, "holiday.mp4", 4)
    assert before <= video.uploaded_at <= datetime.now(UTC).replace(tzinfo=None)
    picture = client.thumbnail(video)
    assert picture.headers["content-type"] == "image/jpeg"
    assert Image.open(BytesIO(picture.content)).size == (320, 240)
    assert video.model_dump() in listed


def test_image_crawler(place: Server, engines: ImageSearch) -> None:
    """A user signs in by e-mail, asks for images of two keywords, follows the chunks and has the images looked at."""
    address = "crawler@example.com"
    account = {"username": "crawler", "email": address, "password": PASSWORD}
    with place.client() as visitor:
        assert visitor.post("/v1/auth/signup", json=account).status_code in (201, 202)
        token = mailbox(place).tokens("verify", address)[-1]
        assert visitor.post("/v1/auth/verify-email", json={"token": token}).status_code == 200
        user = ImageCrawler.log_in(place.url, address, PASSWORD)
        job = user.create(3, "Numbers", ["41", "42"], 30)
        assert [one.id for one in user.jobs()] == [job.id]
        assert user.start(job.id).total_chunks == 6

        def completed() -> bool:
            progress = user.progress(job.id)
            assert progress.status in ("running", "completed"), progress
            return progress.status == "completed"

        eventually(completed, pause=0.2)
        progress = user.progress(job.id)
        assert (progress.progress, progress.completed_chunks, progress.failed_chunks) == (100, 6, 0)
        assert progress.images_downloaded == 30
        assert user.validate(job.id, "slow") == 30
        eventually(completed, pause=0.2)
        wish = {"state": "downloaded", "limit": 100}
        found = user.send("GET", f"/v1/datasets/{job.id}/images", params=wish).json()["images"]
        assert [image["level"] for image in found] == ["slow"] * 30
        user.send("POST", f"/api/v1/jobs/{job.id}/retry", 400)
        assert visitor.get(f"/api/v1/jobs/{job.id}").status_code == 404


def test_ask_video(place: Server, cooking_video: Path) -> None:
    """A user signs up, sends a video, reads its words, groups it, shows it to others; all ask what is said in it.

    Ids are integers everywhere, also those that a visitor sees.
    """
    address = "grandma@example.com"
    account = {"username": "grandma", "password": PASSWORD}
    visitor = AskVideo(place.url)
    visitor.send("POST", "/api/auth/signup/", 201, json=account | {"email": address})
    token = mailbox(place).tokens("verify", address)[-1]
    visitor.send("POST", "/api/auth/verify-email/", json={"uid": "-", "token": token})
    user = AskVideo.log_in(place.url, "grandma", PASSWORD)
    assert user.me().username == "grandma"

    id = user.upload("soup.mp4", cooking_video.read_bytes(), "Soup").id
    second = user.upload("copy.mp4", cooking_video.read_bytes(), "Copy").id
    assert second == id + 1

    def completed() -> bool:
        videos = user.videos()
        assert not [video.error_message for video in videos.values() if video.status == "error"]
        return {video.status for video in videos.values()} == {"completed"}

    eventually(completed)
    video = user.video(id)
    assert "Heat the oven to 200 °C." in video.transcript
    assert video.file is not None
    assert httpx.get(video.file).content == cooking_video.read_bytes()
    assert user.send("PATCH", f"/api/videos/{id}/", json={"title": "Stew"}).json()["title"] == "Stew"
    assert max(user.videos()) == second

    group = user.create_group("Soups").id
    assert user.add(group, [id, second]).added_count == 2
    user.reorder(group, [second, id])
    assert [one.id for one in user.group(group).videos] == [second, id]
    shared = user.share(group)
    seen = visitor.shared_group(shared)
    assert (seen.id, [(one.id, one.title) for one in seen.videos]) == (group, [(second, "Copy"), (id, "Stew")])
    assert httpx.get(str(seen.videos[1].file)).content == cooking_video.read_bytes()
    visitor.send("GET", f"/api/videos/{id}/", 404)

    question = "How long does the penne boil?"
    answer = user.ask(group, question)
    assert "10 minutes" in answer.content
    assert {one.video_id for one in answer.related_videos} <= {id, second}
    assert answer.related_videos
    theirs = visitor.ask(seen.id, question, shared)
    assert (theirs.content, theirs.chat_log_id) == (answer.content, None)
    (log,) = user.history(group)
    assert (log.id, log.group, log.question, log.answer) == (answer.chat_log_id, group, question, answer.content)
    table = user.send("GET", "/api/chat/history/export/", params={"group_id": group})
    assert question in table.content.decode("utf-8-sig")

    user.send("DELETE", f"/api/videos/groups/{group}/share/")
    visitor.send("GET", f"/api/videos/groups/shared/{shared}/", 404)
    for one in (id, second):
        user.send("DELETE", f"/api/videos/{one}/", 204)
    assert user.group(group).videos == []
    assert httpx.get(video.file).status_code == 404


def mailbox(place: Server) -> Mailbox:
    emulated = place.data / "emulated"
    return Mailbox(emulated if emulated.exists() else place.data)


def test_a_stored_result_answers(place: Server, web: Web, small_video: Path) -> None:
    """The same link again costs nothing and takes no time on either place, until somebody wants it fresh."""
    shutil.copy(small_video, web.folder / "again.mp4")
    asked = {"url": f"http://{web.address}/again.mp4", "kind": "metadata"}
    with place.client() as client:
        first = client.post("/v1/jobs", json=asked).json()
        done = place.follow(first["id"])
        again = client.post("/v1/jobs", json=asked)
        fresh = client.post("/v1/jobs", json=asked | {"fresh": True})
    assert done["status"] == "done", done["error"]
    assert (again.status_code, again.json()) == (200, done)
    assert fresh.status_code == 202
    assert fresh.json()["id"] != first["id"]
    assert place.follow(fresh.json()["id"])["status"] == "done"
