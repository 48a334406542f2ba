"""The whole flow of each earlier system, by its own calls alone, on either local place."""

from __future__ import annotations

import shutil
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from infra.demo.recipe import RECIPE
from infra.stand_ins.image_search import ImageSearch
from shared.models.job import JobStatus
from tests.accounts import PASSWORD, Mailbox
from tests.file_server import Web
from tests.media_samples import ffmpeg
from tests.server import Server, eventually


def test_recipe_app(place: Server, web: Web, cooking_clip: Path) -> None:
    """The mobile app sends a link, asks for its task until that has ended, and shows the recipe with its picture."""
    shutil.copy(cooking_clip, web.folder / "tiktok.mp4")
    link = f"http://{web.address}/tiktok.mp4"
    with place.client() as app:
        started = app.post("/scrape/async", json={"url": link, "language": "en"})
        assert started.status_code == 202, started.text
        task_id = started.json()["task_id"]
        seen = [app.get(f"/task/{task_id}").json()]

        def ended() -> bool:
            seen.append(app.get(f"/task/{task_id}").json())
            return JobStatus(seen[-1]["status"]).is_final

        eventually(ended)
        again = app.post("/scrape/async", json={"url": link, "language": "en"})

    assert all(task.keys() >= {"task_id", "status", "progress", "stage"} for task in seen)
    progress = [task["progress"] for task in seen]
    assert progress == sorted(progress)
    task = seen[-1]
    assert (task["task_id"], task["status"], task["progress"]) == (task_id, "done", 100), task
    assert task["recipe_id"]
    found = {(item["name"], item["amount"], item["unit"]) for item in task["recipe"]["ingredients"]}
    assert found >= {(item.name, item.amount, item.unit) for item in RECIPE.ingredients}
    assert [step["number"] for step in task["recipe"]["steps"]] == list(range(1, len(task["recipe"]["steps"]) + 1))
    assert task["recipe"]["source_url"] == link
    assert httpx.get(task["recipe"]["thumbnail"]).headers["content-type"] == "image/jpeg"
    assert (again.status_code, again.json()) == (202, {"task_id": task_id})


def test_reel_scripter(place: Server, cooking_clip: Path) -> None:
    """The page sends a video, polls its state until SUCCESS, and shows the script; the video itself is gone then."""
    seen: list[dict[str, Any]] = []
    with place.client() as page:
        assert page.get("/").json()["message"]
        sent = page.post("/api/upload", files={"video": ("reel.mp4", cooking_clip.read_bytes(), "video/mp4")})
        assert sent.status_code == 200, sent.text
        assert sent.json()["success"] is True
        task_id = sent.json()["task_id"]

        def ended() -> bool:
            seen.append(page.get(f"/api/status/{task_id}").json())
            return seen[-1]["state"] in ("SUCCESS", "FAILURE")

        eventually(ended)

    assert {status["state"] for status in seen} <= {"PENDING", "PROGRESS", "SUCCESS"}, seen[-1]
    progress = [status["progress"] for status in seen]
    assert progress == sorted(progress)
    assert progress[-1] == 100
    result = seen[-1]["result"]
    assert result.keys() == {"original", "keys", "script", "recommendations"}
    assert result["original"].keys() == {"transcription", "translation"}
    assert [key.keys() for key in result["keys"]] == [{"title", "description"}] * 5
    assert result["script"]
    assert all(scene.keys() == {"time", "visual", "text", "note"} for scene in result["script"])
    assert all(advice.keys() == {"category", "text"} for advice in result["recommendations"])
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
    """A client sends a video, polls its status until done, and shows duration and thumbnail, alone and in the list."""
    seen: list[str] = []
    with place.client() as client:
        sent = client.post("/upload-video/", files={"file": ("holiday.mp4", small_video.read_bytes(), "video/mp4")})
        assert sent.status_code == 200, sent.text
        assert (sent.json().keys(), sent.json()["filename"]) == ({"id", "filename", "message"}, "holiday.mp4")
        id = sent.json()["id"]

        def ended() -> bool:
            status = client.get(f"/video-status/{id}").json()
            assert status.keys() == {"id", "status"}
            seen.append(status["status"])
            return seen[-1] in ("done", "failed")

        eventually(ended)
        metadata = client.get(f"/video-metadata/{id}").json()
        listed = client.get("/videos/").json()
        pages = [client.get(path).status_code for path in ("/docs", "/tasks")]

    assert seen[-1] == "done"
    assert set(seen) <= {"pending", "processing", "done"}
    assert metadata.keys() == {"id", "filename", "upload_time", "status", "duration", "thumbnail_url"}
    assert (metadata["id"], metadata["filename"], metadata["duration"]) == (id, "holiday.mp4", "00:00:04")
    assert datetime.fromisoformat(metadata["upload_time"]).tzinfo is not None
    picture = httpx.get(metadata["thumbnail_url"])
    assert picture.headers["content-type"] == "image/jpeg"
    assert Image.open(BytesIO(picture.content)).size == (320, 240)
    assert id in [video["id"] for video in listed]
    assert pages == [200, 200]


def test_image_crawler(place: Server, engines: ImageSearch) -> None:
    """A user signs in by e-mail, asks for images of two keywords, follows the chunks and has the images looked at."""
    address, wish = (
        "crawler@example.com",
        {"project_id": 3, "name": "Numbers", "keywords": ["41", "42"], "max_images": 30},
    )
    with place.client() as user:
        account = {"username": "crawler", "email": address, "password": PASSWORD}
        assert user.post("/v1/auth/signup", json=account).status_code in (201, 202)
        token = mailbox(place).tokens("verify", address)[-1]
        assert user.post("/v1/auth/verify-email", json={"token": token}).status_code == 200
        signed_in = user.post("/api/v1/auth/login", json={"email": address, "password": PASSWORD})
        assert signed_in.status_code == 200, signed_in.text
        user.headers["Authorization"] = f"Bearer {signed_in.json()['access_token']}"

        id = user.post("/api/v1/jobs", json=wish).json()["id"]
        assert [job["id"] for job in user.get("/api/v1/jobs").json()] == [id]
        started = user.post(f"/api/v1/jobs/{id}/start").json()
        assert started["total_chunks"] == 6

        def completed() -> bool:
            progress = user.get(f"/api/v1/jobs/{id}/progress").json()
            assert progress["status"] in ("running", "completed"), progress
            return bool(progress["status"] == "completed")

        eventually(completed, pause=0.2)
        progress = user.get(f"/api/v1/jobs/{id}/progress").json()
        assert (progress["progress"], progress["completed_chunks"], progress["failed_chunks"]) == (100, 6, 0)
        assert progress["images_downloaded"] == 30
        validation = user.post(f"/api/v1/validation/job/{id}/", json={"level": "slow"}).json()
        assert validation["images_count"] == 30
        eventually(completed, pause=0.2)
        found = user.get(f"/v1/datasets/{id}/images", params={"state": "downloaded", "limit": 100}).json()["images"]
        assert [image["level"] for image in found] == ["slow"] * 30
        assert user.post(f"/api/v1/jobs/{id}/retry").status_code == 400
    with place.client() as visitor:
        assert visitor.get(f"/api/v1/jobs/{id}").status_code == 404


def test_ask_video(place: Server, cooking_video: Path) -> None:
    """A user signs up, sends a video, reads its words, groups it, shows it to others; all ask what is said in it."""
    account = {"username": "grandma", "password": PASSWORD}
    address = "grandma@example.com"
    with place.client() as visitor, place.client() as user:
        assert visitor.post("/api/auth/signup/", json=account | {"email": address}).status_code == 201
        token = mailbox(place).tokens("verify", address)[-1]
        assert visitor.post("/api/auth/verify-email/", json={"uid": "-", "token": token}).status_code == 200
        tokens = visitor.post("/api/auth/login/", json=account).json()
        user.headers["Authorization"] = f"Bearer {tokens['access']}"
        assert user.get("/api/auth/me/").json()["username"] == "grandma"

        form = {"title": "Soup", "description": "From grandma"}
        with cooking_video.open("rb") as file:
            sent = user.post("/api/videos/", files={"file": ("soup.mp4", file, "video/mp4")}, data=form)
        assert sent.status_code == 201, sent.text
        id = sent.json()["id"]
        video = eventually(lambda: completed(user, id))
        assert "Heat the oven to 200 °C." in video["transcript"]
        assert httpx.get(video["file"]).content == cooking_video.read_bytes()
        assert user.patch(f"/api/videos/{id}/", json={"title": "Stew"}).json()["title"] == "Stew"
        assert [one["id"] for one in user.get("/api/videos/").json()] == [id]

        group = user.post("/api/videos/groups/", json={"name": "Soups"}).json()["id"]
        assert user.post(f"/api/videos/groups/{group}/videos/", json={"video_ids": [id]}).status_code == 201
        assert user.post(f"/api/videos/groups/{group}/reorder/", json={"video_ids": [id]}).status_code == 200
        shared = user.post(f"/api/videos/groups/{group}/share/").json()["share_token"]
        seen = visitor.get(f"/api/videos/groups/shared/{shared}/").json()
        assert [one["title"] for one in seen["videos"]] == ["Stew"]
        assert httpx.get(seen["videos"][0]["file"]).content == cooking_video.read_bytes()
        assert visitor.get(f"/api/videos/{id}/").status_code == 404

        question = {"group_id": group, "messages": [{"role": "user", "content": "How long does the penne boil?"}]}
        answer = user.post("/api/chat/", json=question)
        assert answer.status_code == 200, answer.text
        assert answer.json()["role"] == "assistant"
        assert "10 minutes" in answer.json()["content"]
        assert {one["video_id"] for one in answer.json()["related_videos"]} == {id}
        theirs = visitor.post("/api/chat/", json=question, params={"share_token": shared})
        assert theirs.json()["content"] == answer.json()["content"]
        (log,) = user.get("/api/chat/history/", params={"group_id": group}).json()
        assert (log["question"], log["answer"]) == ("How long does the penne boil?", answer.json()["content"])
        table = user.get("/api/chat/history/export/", params={"group_id": group})
        assert "How long does the penne boil?" in table.content.decode("utf-8-sig")

        assert user.delete(f"/api/videos/groups/{group}/share/").status_code == 200
        assert visitor.get(f"/api/videos/groups/shared/{shared}/").status_code == 404
        assert user.delete(f"/api/videos/{id}/").status_code == 204
        assert user.get(f"/api/videos/groups/{group}/").json()["videos"] == []
        assert httpx.get(video["file"]).status_code == 404


def mailbox(place: Server) -> Mailbox:
    emulated = place.data / "emulated"
    return Mailbox(emulated if emulated.exists() else place.data)


def completed(user: httpx.Client, id: str) -> dict[str, Any] | None:
    video: dict[str, Any] = user.get(f"/api/videos/{id}/").json()
    assert video["status"] in ("pending", "processing", "completed"), video["error_message"]
    return video if video["status"] == "completed" else None


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
