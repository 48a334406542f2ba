"""Links to platforms, as jobs on a server that runs as a user runs it, with Apify's stand-in and no internet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.stand_ins.apify_server import AUTHOR, CAPTION, TAGS, TOKEN, ApifyServer, actor_items, error_reply
from tests.file_server import Web, served_folder
from tests.server import Server, serving
from tests.video_samples import plain_video

TIKTOK = "https://www.tiktok.com/@clipwise.kitchen/video/7412345678901234567"
VTT = b"WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nBoil the pasta\n"

# Python runs this before anything else: in the server's process, TikTok's name leads here.
SITE = """
import socket
real = socket.getaddrinfo
socket.getaddrinfo = lambda host, *rest, **more: real("127.0.0.1" if host == "www.tiktok.com" else host, *rest, **more)
"""


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return plain_video(tmp_path_factory.mktemp("video") / "video.mp4", seconds=2).read_bytes()


@pytest.fixture(scope="module")
def apify(video: bytes) -> Iterator[ApifyServer]:
    with ApifyServer(actor_items) as server:
        server.store_file("video.mp4", "video/mp4", video)
        server.store_file("captions.vtt", "text/vtt", VTT)
        yield server


@pytest.fixture(scope="module")
def tiktok(tmp_path_factory: pytest.TempPathFactory, video: bytes) -> Iterator[Web]:
    """TikTok, if its pages were video files."""
    with served_folder(tmp_path_factory.mktemp("tiktok")) as web:
        page = web.folder / "@clipwise.kitchen" / "video" / "741"
        page.parent.mkdir(parents=True)
        page.write_bytes(video)
        yield web


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, apify: ApifyServer, tiktok: Web) -> Iterator[Server]:
    site = tmp_path_factory.mktemp("site")
    (site / "sitecustomize.py").write_text(SITE)
    port = tiktok.address.rpartition(":")[2]
    with serving(
        tmp_path_factory.mktemp("data"),
        APIFY_TOKEN=TOKEN,
        APIFY_BASE_URL=apify.url,
        ALLOW_HOSTS=f"www.tiktok.com:{port}",
        PYTHONPATH=str(site),
    ) as running:
        yield running


def test_a_tiktok_becomes_a_job_that_knows_it(server: Server) -> None:
    """A TikTok link with a token ends as a done job that shows its author, caption, music, numbers and captions."""
    job = server.follow(server.submit_link(TIKTOK + "?_r=1&_t=ZM"))
    assert job["status"] == "done", job["error"]
    video, origin = job["video"], job["video"]["origin"]
    assert (video["author"], video["caption"], video["filename"]) == (AUTHOR, CAPTION, "tiktok-7412345678901234567.mp4")
    assert (origin["source"], origin["pageUrl"], origin["notes"]) == ("apify", TIKTOK, [])
    assert (origin["likes"], origin["tags"], origin["publishedAt"]) == (4200, TAGS, "2026-10-05T17:30:00Z")
    assert video["captions"] == "captions.json"
    assert video["info"]["durationSec"] == pytest.approx(2, abs=0.1)
    with server.client() as client:
        stored = client.get(f"/v1/jobs/{job['id']}/media/captions.json", follow_redirects=True).json()
    assert (stored["source"], stored["language"]) == ("captions", "eng-US")
    assert [segment["text"] for segment in stored["segments"]] == ["Boil the pasta"]


def test_another_source_stands_in_and_the_job_says_why(server: Server, apify: ApifyServer, tiktok: Web) -> None:
    """When neither Apify nor yt-dlp can, the video is fetched plainly, and the job tells the reasons."""
    apify.failing["start"].append(error_reply(402, "not-enough-usage-to-run-paid-actor"))
    port = tiktok.address.rpartition(":")[2]
    job = server.follow(server.submit_link(f"http://www.tiktok.com:{port}/@clipwise.kitchen/video/741"))
    assert job["status"] == "done", job["error"]
    origin = job["video"]["origin"]
    assert origin["source"] == "http"
    assert [note.partition(":")[0] for note in origin["notes"]] == ["apify", "yt-dlp"]
    assert "quota" in origin["notes"][0]


def test_an_invalid_link_is_told_at_once(server: Server, apify: ApifyServer) -> None:
    """A link to a profile fails its job with a sentence that says what to do, and starts no run."""
    before = len(apify.runs)
    job = server.follow(server.submit_link("https://www.tiktok.com/@clipwise.kitchen"))
    assert (job["status"], job["error"]["code"]) == ("failed", "not_a_video")
    assert not job["error"]["retryable"]
    assert len(apify.runs) == before


def test_the_token_is_nowhere(server: Server) -> None:
    """Neither the log nor any document of all these jobs has the token in it."""
    output = json.dumps(server.jobs()) + "".join(server.logs().values())
    assert "apify" in output
    assert TOKEN not in output
    files = [path for path in Path(server.data).rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if TOKEN.encode() in path.read_bytes()]
