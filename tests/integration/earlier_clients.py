"""Typed clients of the earlier systems, written from the examples in their documents alone.

Each takes the form of an answer at its word: a missing field, or one of another type, fails the test.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, TypeVar

import httpx
from pydantic import BaseModel, ConfigDict

UPLOAD_TIME = "%Y-%m-%dT%H:%M:%S"
"""Of `2025-06-16T10:00:00`."""


class Answer(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")


A = TypeVar("A", bound=Answer)


class Client:
    """Calls one system at a host, with a token where there is one."""

    def __init__(self, host: str, token: str | None = None) -> None:
        self.host = host
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.http = httpx.Client(base_url=host, headers=headers, timeout=60)

    def call(self, form: type[A], method: str, path: str, status: int = 200, **request: Any) -> A:
        return form.model_validate_json(self.send(method, path, status, **request).content)

    def call_list(self, form: type[A], path: str, **request: Any) -> list[A]:
        return [form.model_validate(item) for item in self.send("GET", path, **request).json()]

    def send(self, method: str, path: str, status: int = 200, **request: Any) -> httpx.Response:
        answer = self.http.request(method, path, **request)
        assert answer.status_code == status, answer.text
        return answer


class Started(Answer):
    task_id: str


class Ingredient(Answer):
    amount: float | None
    unit: str | None
    name: str
    note: str | None
    group: str | None


class Step(Answer):
    number: int
    text: str


class Recipe(Answer):
    title: str
    ingredients: list[Ingredient]
    steps: list[Step]
    prep_minutes: float | None
    cook_minutes: float | None
    total_minutes: float | None
    servings: float | None
    tags: list[str]
    equipment: list[str]
    source_url: str
    thumbnail: str


class RecipeTask(Answer):
    task_id: str
    status: str
    progress: int
    stage: str
    recipe_id: str | None = None
    recipe: Recipe | None = None
    error: str | None = None


class RecipeApp(Client):
    def scrape(self, url: str, language: str) -> str:
        return self.call(Started, "POST", "/scrape/async", 202, json={"url": url, "language": language}).task_id

    def task(self, task_id: str) -> RecipeTask:
        return self.call(RecipeTask, "GET", f"/task/{task_id}")


class Uploaded(Answer):
    success: Literal[True]
    task_id: str
    message: str


class Original(Answer):
    transcription: str
    translation: str


class Key(Answer):
    title: str
    description: str


class Scene(Answer):
    time: str
    visual: str
    text: str
    note: str


class Advice(Answer):
    category: str
    text: str


class Script(Answer):
    original: Original
    keys: list[Key]
    script: list[Scene]
    recommendations: list[Advice]


class ReelTask(Answer):
    state: Literal["PENDING", "PROGRESS", "SUCCESS", "FAILURE"]
    progress: int
    status: str | None = None
    result: Script | None = None


class ReelScripter(Client):
    def upload(self, name: str, content: bytes) -> str:
        return self.call(Uploaded, "POST", "/api/upload", files={"video": (name, content, "video/mp4")}).task_id

    def status(self, task_id: str) -> ReelTask:
        return self.call(ReelTask, "GET", f"/api/status/{task_id}")


class MetadataUpload(Answer):
    id: str
    filename: str
    message: str


class MetadataStatus(Answer):
    id: str
    status: Literal["pending", "processing", "done", "failed"]


class Metadata(MetadataStatus):
    filename: str
    upload_time: str
    duration: str
    thumbnail_url: str

    @property
    def uploaded_at(self) -> datetime:
        return datetime.strptime(self.upload_time, UPLOAD_TIME)

    @property
    def seconds(self) -> int:
        hours, minutes, seconds = map(int, self.duration.split(":"))
        return (hours * 60 + minutes) * 60 + seconds


class MetadataService(Client):
    def upload(self, name: str, content: bytes) -> str:
        files = {"file": (name, content, "video/mp4")}
        uploaded = self.call(MetadataUpload, "POST", "/upload-video/", files=files)
        assert uploaded.filename == name
        return uploaded.id

    def status(self, id: str) -> str:
        return self.call(MetadataStatus, "GET", f"/video-status/{id}").status

    def metadata(self, id: str) -> Metadata:
        return self.call(Metadata, "GET", f"/video-metadata/{id}")

    def videos(self) -> list[Metadata]:
        return self.call_list(Metadata, "/videos/")

    def thumbnail(self, video: Metadata) -> httpx.Response:
        """As a page shows it: the path put behind the host, without a token."""
        return httpx.get(self.host + video.thumbnail_url)


class CrawlToken(Answer):
    access_token: str


class CrawlProgress(Answer):
    progress: int
    status: Literal["pending", "running", "completed", "failed", "cancelled"]
    total_chunks: int
    completed_chunks: int
    failed_chunks: int
    active_chunks: int
    images_downloaded: int


class CrawlJob(CrawlProgress):
    id: str
    project_id: int
    name: str
    keywords: list[str]
    max_images: int


class CrawlValidation(Answer):
    images_count: int


class ImageCrawler(Client):
    @classmethod
    def log_in(cls, host: str, email: str, password: str) -> ImageCrawler:
        login = {"email": email, "password": password}
        return cls(host, Client(host).call(CrawlToken, "POST", "/api/v1/auth/login", json=login).access_token)

    def create(self, project_id: int, name: str, keywords: list[str], max_images: int) -> CrawlJob:
        body = {"project_id": project_id, "name": name, "keywords": keywords, "max_images": max_images}
        return self.call(CrawlJob, "POST", "/api/v1/jobs", 201, json=body)

    def jobs(self) -> list[CrawlJob]:
        return self.call_list(CrawlJob, "/api/v1/jobs")

    def start(self, id: str) -> CrawlJob:
        return self.call(CrawlJob, "POST", f"/api/v1/jobs/{id}/start")

    def progress(self, id: str) -> CrawlProgress:
        return self.call(CrawlProgress, "GET", f"/api/v1/jobs/{id}/progress")

    def validate(self, id: str, level: str) -> int:
        path = f"/api/v1/validation/job/{id}/"
        return self.call(CrawlValidation, "POST", path, json={"level": level}).images_count


class Tokens(Answer):
    access: str
    refresh: str


class Account(Answer):
    id: int
    username: str
    email: str


class GroupVideo(Answer):
    id: int
    file: str | None
    title: str
    description: str
    uploaded_at: str
    status: Literal["pending", "processing", "completed", "error"]


class Video(GroupVideo):
    transcript: str
    error_message: str


class Group(Answer):
    id: int
    name: str
    videos: list[GroupVideo]


class Added(Answer):
    added_count: int
    skipped_count: int


class Share(Answer):
    share_token: str


class RelatedVideo(Answer):
    video_id: int
    title: str
    start_time: str
    end_time: str


class ChatAnswer(Answer):
    role: Literal["assistant"]
    content: str
    related_videos: list[RelatedVideo]
    chat_log_id: int | None


class ChatLog(Answer):
    id: int
    group: int
    question: str
    answer: str
    related_videos: list[RelatedVideo]


class AskVideo(Client):
    @classmethod
    def log_in(cls, host: str, username: str, password: str) -> AskVideo:
        login = {"username": username, "password": password}
        return cls(host, Client(host).call(Tokens, "POST", "/api/auth/login/", json=login).access)

    def me(self) -> Account:
        return self.call(Account, "GET", "/api/auth/me/")

    def upload(self, name: str, content: bytes, title: str) -> Video:
        form = {"title": title, "description": ""}
        return self.call(Video, "POST", "/api/videos/", 201, files={"file": (name, content, "video/mp4")}, data=form)

    def videos(self) -> dict[int, Video]:
        return {video.id: video for video in self.call_list(Video, "/api/videos/")}

    def video(self, id: int) -> Video:
        return self.call(Video, "GET", f"/api/videos/{id:d}/")

    def create_group(self, name: str) -> Group:
        return self.call(Group, "POST", "/api/videos/groups/", 201, json={"name": name})

    def group(self, id: int) -> Group:
        return self.call(Group, "GET", f"/api/videos/groups/{id:d}/")

    def add(self, group: int, videos: list[int]) -> Added:
        return self.call(Added, "POST", f"/api/videos/groups/{group:d}/videos/", 201, json={"video_ids": videos})

    def reorder(self, group: int, videos: list[int]) -> None:
        self.send("POST", f"/api/videos/groups/{group:d}/reorder/", json={"video_ids": videos})

    def share(self, group: int) -> str:
        return self.call(Share, "POST", f"/api/videos/groups/{group:d}/share/", 201).share_token

    def shared_group(self, token: str) -> Group:
        return self.call(Group, "GET", f"/api/videos/groups/shared/{token}/")

    def ask(self, group: int, question: str, token: str | None = None) -> ChatAnswer:
        body = {"group_id": group, "messages": [{"role": "user", "content": question}]}
        return self.call(ChatAnswer, "POST", "/api/chat/", json=body, params={"share_token": token} if token else {})

    def history(self, group: int) -> list[ChatLog]:
        return self.call_list(ChatLog, "/api/chat/history/", params={"group_id": group})
