"""What people do with an installation, from beginning to end, so that every function does its whole work."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from infra.stand_ins import gemini_server
from infra.stand_ins.apify_server import TOKEN, ApifyServer, actor_items
from infra.stand_ins.auto_replies import AutoReplyGemini
from infra.stand_ins.image_search import ImageSearch
from shared.pipeline.job_storage import DROP, UPLOADS, source_name
from tests.accounts import PASSWORD
from tests.dataset_runs import unhurried
from tests.file_server import served_folder
from tests.image_site import ImageSite
from tests.media_samples import with_sound
from tests.terraform.recorded_rights import Watched
from tests.video_samples import plain_video
from tests.webhook_receiver import receiving

TIKTOK = "https://www.tiktok.com/@clipwise.kitchen/video/7412345678901234567"
SAID = b"WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nBoil the pasta with nutmeg\n"
DAY = timedelta(days=1)


def clip(at: Watched) -> bytes:
    """The same each time: made twice it would differ by the second it was made in."""
    made = at.folder / "clip.mp4"
    if not made.exists():
        with_sound(made, plain_video(at.folder / "silent.mp4", seconds=2))
    return made.read_bytes()


def send(at: Watched, kind: str, **headers: str) -> str:
    file = {"file": ("clip.mp4", clip(at), "video/mp4")}
    return str(at.ask("POST", "/jobs", data={"kind": kind}, files=file, headers=headers)["id"])


def ended(at: Watched, job: str, how: str = "done") -> dict[str, Any]:
    shown: dict[str, Any] = at.ask("GET", f"/jobs/{job}")
    assert shown["status"] == how, shown["error"]
    return shown


def file(at: Watched, kind: str) -> None:
    """A file is sent, looked at, and deleted; its events come again when its source is gone, and when all is."""
    job = send(at, kind)
    at.work()
    ended(at, job)
    at.ask("GET", f"/jobs/{job}/export", params={"format": "json"})
    at.ask("GET", f"/jobs/{job}/media/frames/01.jpg")
    at.later(DAY)
    at.once_more()
    at.ask("DELETE", f"/jobs/{job}")
    at.once_more()


def upload(at: Watched) -> None:
    """Uploads by a link of their own: one comes too late, another is cancelled; a request comes twice."""
    wish = {"filename": "clip.mp4", "content_type": "video/mp4", "size": 1000, "kind": "metadata"}
    late, called_off = (at.ask("POST", "/uploads", json=wish)["job"]["id"] for _ in range(2))
    at.ask("POST", f"/jobs/{called_off}/cancel")
    at.later(2 * DAY)
    ended(at, late, "failed")
    assert send(at, "metadata", **{"Idempotency-Key": "k"}) == send(at, "metadata", **{"Idempotency-Key": "k"})
    at.work()


def post_of_a_platform(at: Watched) -> None:
    """A TikTok comes with its captions; a model sees it; others are told of it, ask about it, analyse it again."""
    with ApifyServer(actor_items) as apify, AutoReplyGemini(processing=0) as gemini, receiving() as receiver:
        apify.store_file("video.mp4", "video/mp4", clip(at))
        apify.store_file("captions.vtt", "text/vtt", SAID)
        at.configure(APIFY_TOKEN=TOKEN, APIFY_BASE_URL=apify.url, ALLOW_HOSTS=receiver.address)
        at.configure(AI_PROVIDER="gemini", GEMINI_API_KEY=gemini_server.KEY, GOOGLE_GEMINI_BASE_URL=gemini.url)
        webhook = at.ask("POST", "/webhooks", json={"url": receiver.url()})["id"]
        video = at.ask("POST", "/jobs", json={"url": TIKTOK, "kind": "summary"})["id"]
        at.work()
        assert ended(at, video)["video"]["captions"]
        at.ask("POST", f"/webhooks/{webhook}/test")
        at.work()
        assert len(receiver.requests) == 2
    at.configure(AI_PROVIDER="offline")
    again = at.ask("POST", f"/videos/{video}/analyses", json={"kind": "transcript"})["id"]
    at.work()
    ended(at, again)
    at.ask("GET", f"/videos/{video}/source")
    group = at.ask("POST", "/groups", json={"name": "Pasta"})["id"]
    at.ask("POST", f"/groups/{group}/videos", json={"video_ids": [video]})
    token = at.ask("POST", f"/groups/{group}/share", json={})["token"]
    question = [{"role": "user", "content": "Where does the nutmeg go?"}]
    for subject in ({"group_id": group}, {"share_token": token}):
        assert at.ask("POST", "/chat", json={"messages": question} | subject)["found"]
    at.ask("GET", f"/shared/{token}")
    at.ask("DELETE", f"/videos/{video}")
    at.once_more()


def link_that_fails(at: Watched) -> None:
    """What fails again and again is tried again: by what was sent before, or by sweep, if the API dies over it."""
    with served_folder(at.folder) as web:
        at.configure(ALLOW_HOSTS=web.address)
        clip(at)
        with at.without("extract", "download"), at.without("api", "finalize_again"):
            job = at.ask("POST", "/jobs", json={"url": f"http://{web.address}/clip.mp4", "kind": "metadata"})["id"]
            at.work()
            ended(at, job, "failed")
            at.ask("POST", f"/jobs/{job}/retry")
            at.once_more()
            ended(at, job, "failed")
            at.ask("POST", f"/jobs/{job}/retry")
        at.later(timedelta(minutes=1))
        ended(at, job)


def batch(at: Watched) -> None:
    """Files and links of one request become jobs, one by one; others are cancelled, one of them by an API that dies."""
    with served_folder(at.folder) as web:
        at.configure(ALLOW_HOSTS=web.address, BATCH_ACTIVE_JOBS="1")
        film = clip(at)
        files = [{"filename": "a.mp4", "contentType": "video/mp4", "size": len(film)}]
        links = [f"http://{web.address}/clip.mp4?{number}" for number in range(2)]
        many = at.ask("POST", "/jobs/batch", json={"kind": "metadata", "files": files, "urls": links})["id"]
        at.work()
        job = at.ask("POST", f"/batches/{many}/files/0/upload")["job"]["id"]
        at.place.place.objects.put(UPLOADS, source_name(job), film, "video/mp4")
        at.work()
    shown = at.ask("GET", f"/batches/{many}")
    assert (shown["status"], shown["counts"]["done"]) == ("done", 3)
    at.ask("GET", f"/batches/{many}/items")
    other, interrupted = (
        at.ask("POST", "/jobs/batch", json={"kind": "metadata", "files": files, "keepSource": False})["id"]
        for _ in range(2)
    )
    at.ask("POST", f"/batches/{other}/files/0/upload")
    at.ask("POST", f"/batches/{other}/cancel")
    at.work()
    at.ask("POST", f"/batches/{interrupted}/files/0/upload")
    with at.without("api", "query"):
        assert at.client.post(f"/v1/batches/{interrupted}/cancel").status_code == 503
    at.later(timedelta(minutes=10))
    assert at.ask("GET", f"/batches/{interrupted}")["counts"]["cancelled"] == 1


def drop(at: Watched) -> None:
    """Objects of the drop bucket become jobs: one is a video, one is too large; their events come again."""
    me = at.ask("GET", "/auth/me")["id"]
    at.configure(DROP_OWNER=me, DROP_KIND="metadata", ALLOW_HOSTS="127.0.0.1:1")
    at.ask("POST", "/webhooks", json={"url": "http://127.0.0.1:1/"})
    objects = at.place.place.objects
    objects.put(DROP, "inbox/clip.mp4", clip(at), "video/mp4")
    at.work()
    at.configure(API_MAX_FILE_SIZE_MB="1")
    objects.put(DROP, "large.mp4", bytes(1_000_001), "video/mp4")
    at.work()
    at.once_more()
    assert sorted(job["status"] for job in at.ask("GET", "/jobs")["jobs"]) == ["done", "failed"]


def dataset(at: Watched) -> None:
    """Images of a list and of a search are crawled, looked at twice, exported in every format, and deleted."""
    with ImageSite() as site, ImageSearch(site.found) as search:
        at.configure(ALLOW_HOSTS=site.address, **unhurried(site, search))
        wish = {"name": "Pictures", "keywords": ["1"], "sources": ["openverse"], "max_images": 30}
        id = at.ask("POST", "/datasets", json=wish)["id"]
        at.ask("POST", f"/datasets/{id}/lists", files={"file": ("urls.txt", "\n".join(site.mix(20)).encode())})
        at.ask("POST", f"/datasets/{id}/start")
        at.work()
    assert at.ask("GET", f"/datasets/{id}")["status"] == "completed"
    at.ask("POST", f"/datasets/{id}/validations", json={"level": "slow"})
    at.work()
    image = at.ask("GET", f"/datasets/{id}/images", params={"state": "downloaded"})["images"][0]["id"]
    at.ask("GET", f"/datasets/{id}/images/{image}/media")
    for format in ("zip", "webdataset", "parquet", "coco", "sheet"):
        export = at.ask("POST", f"/datasets/{id}/exports", json={"format": format})["id"]
        at.work()
        assert at.ask("GET", f"/datasets/{id}/exports/{export}")["files"]
    at.once_more()
    at.ask("DELETE", f"/datasets/{id}")
    at.later(DAY)
    at.once_more()


def account(at: Watched) -> None:
    """Somebody signs up, in and out, and leaves; what the API does not get to, sweep erases."""
    at.ask("POST", "/auth/signup", json={"username": "ann", "email": "ann@example.com", "password": PASSWORD})
    (mailed,) = at.accounts.find_codes("VERIFY_EMAIL", "ann@example.com")
    at.ask("POST", "/auth/verify-email", json={"token": mailed.code})

    def signed_in() -> dict[str, str]:
        told = at.ask("POST", "/auth/login", json={"username": "ann", "password": PASSWORD})
        return {"Authorization": f"Bearer {told['access_token']}"}

    at.ask("POST", "/auth/logout", headers=signed_in())
    ann = signed_in()
    send(at, "metadata", **ann)
    at.work()
    with at.without("api", "delete_prefix"):
        assert at.client.delete("/v1/auth/me", headers=ann).status_code == 503
    administered = {asked.path.rpartition(":")[2] for asked in at.accounts.requests if "/projects/" in asked.path}
    # The permissions get, update and delete of clipwiseAccountKeeper, in Terraform, are for these.
    assert administered == {"lookup", "update", "delete"}
    at.later(timedelta(minutes=1))
    at.later(DAY)
    left = at.place.place.documents
    assert not [name for name in ("jobs", "videos", "departures") if left.query(name).documents]


LIVES: dict[str, Callable[[Watched], None]] = {
    **{kind: partial(file, kind=kind) for kind in ("metadata", "recipe", "reel", "summary", "transcript")},
    "upload": upload,
    "post of a platform": post_of_a_platform,
    "link that fails": link_that_fails,
    "batch": batch,
    "drop": drop,
    "dataset": dataset,
    "account": account,
}
