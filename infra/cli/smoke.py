"""`clipwise smoke`: one real job against a deployment, its result checked, its stages timed, nothing left behind."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from infra.cli.follow import ended
from infra.cli.progress import View, progress_view, show_job, show_upload, show_work
from infra.cli.upload import send_file
from infra.client.api import Api, JobDocument, Refused, Unreachable
from shared.errors import PermanentError

POLL_SEC = 0.5
FAILURES_BORNE = 12
TOLERANCE_SEC = 0.5
"""By how much a video's duration may differ from the one that was sent."""


class Failed(Exception):
    """The deployment does not do what it should; the message says what."""


def smoke(api: Api, kind: str, data: Path, patience_sec: float, out: Console, err: Console) -> int:
    """Send the demo's video as a job of `kind` and wait at most `patience_sec`; returns the exit code, 0 or 1."""
    with tempfile.TemporaryDirectory(prefix="clipwise-smoke-") as folder, progress_view(err) as view:
        try:
            job, took = run(api, kind, demo_video(data, Path(folder), view), patience_sec, view, Path(folder))
        except (Failed, PermanentError) as failure:
            err.print(Text(f"FAILED: {failure}", style="bold red"), soft_wrap=True)
            return 1
    out.print(timings(job, took))
    out.print(Text(f"PASSED: a {kind} job went through {api.server} and came out right in {sum(took.values()):.1f} s."))
    return 0


def demo_video(data: Path, folder: Path, view: View) -> Path:
    """The one that `clipwise demo` left in the data folder, else it is made in `folder`."""
    from infra.cli.demo import video_name
    from infra.demo.video import render

    made = data / "demo" / f"{video_name()}.mp4"
    if not made.exists():
        made = folder / "smoke.mp4"
        render(made, lambda done: show_work(view, "render", done, "drawing the video"))
    return made


def run(
    api: Api, kind: str, video: Path, patience_sec: float, view: View, folder: Path
) -> tuple[JobDocument, dict[str, float]]:
    """The finished job, and the seconds of upload, job and looking at the result. Raises Failed."""
    size, marks = video.stat().st_size, [time.monotonic()]
    started = send_file(api, video, kind, "en", lambda sent: show_upload(view, sent, size))
    try:
        marks.append(time.monotonic())
        job = finished(api, started["id"], patience_sec, view)
        marks.append(time.monotonic())
        check(api, job, kind, video, folder)
        marks.append(time.monotonic())
    finally:
        clean_up(api, started["id"])
    if still_there(api, started["id"]):
        raise Failed(f"job {started['id']} was deleted and is still there")
    names = ("sending the video", "the job", "looking at the result")
    return job, {name: end - start for name, start, end in zip(names, marks, marks[1:], strict=False)}


def finished(api: Api, id: str, patience_sec: float, view: View) -> JobDocument:
    """The job when it has ended well; single failures to ask are borne."""
    deadline, failures = time.monotonic() + patience_sec, 0
    while True:
        try:
            job = api.job(id)
            failures = 0
            show_job(view, job)
            if ended(job):
                break
            if time.monotonic() > deadline:
                raise Failed(f"after {patience_sec:g} s the job is {job['status']} in {job['stage']}, no further")
        except (Unreachable, Refused) as trouble:
            failures += 1
            if failures > FAILURES_BORNE or (isinstance(trouble, Refused) and not trouble.passing):
                raise
        time.sleep(POLL_SEC)
    if job["status"] != "done":
        error = job.get("error") or {"code": job["status"], "message": "", "stage": job["stage"]}
        raise Failed(f"the job {job['status']} in {error['stage']}: {error['message']} ({error['code']})")
    return job


def check(api: Api, job: JobDocument, kind: str, video: Path, folder: Path) -> None:
    """Raises Failed when what came out is not what the demo's video holds."""
    from shared.media.probe import probe

    undone = [name for name, stage in job["stages"].items() if stage["status"] != "done"]
    if undone:
        raise Failed(f"the job is done but not its stages {', '.join(undone)}")
    info, sent = job["video"]["info"], probe(video)
    if abs(info["durationSec"] - (sent.duration_sec or 0)) > TOLERANCE_SEC:
        raise Failed(f"the video lasts {sent.duration_sec} s and is said to last {info['durationSec']} s")
    if (info["width"], info["height"]) != (sent.width, sent.height):
        raise Failed(f"the pictures are {sent.width}×{sent.height} and said to be {info['width']}×{info['height']}")
    thumbnail = job["video"]["thumbnail"]
    if not thumbnail:
        raise Failed("there is no thumbnail")
    picture = folder / "thumbnail.jpg"
    # A link to storage is signed: this tells that signing works, too.
    api.save_media(job["id"], thumbnail["name"], picture)
    if picture.read_bytes()[:2] != b"\xff\xd8":
        raise Failed("the thumbnail's link leads to something that is no JPEG")
    check_result(job, kind)


def check_result(job: JobDocument, kind: str) -> None:
    """That it is of the kind's form; a recipe that was read offline must be the very one in the video."""
    from pydantic import ValidationError

    from infra.demo.check import differences
    from shared.analyses.kinds import kind_named
    from shared.models.recipe import Recipe

    result: dict[str, Any] | None = job["result"]
    try:
        kind_named(kind).schema.model_validate(result)
    except ValidationError as error:
        raise Failed(f"the result has not the form of the kind {kind}: {error.errors()[0]['msg']}") from None
    if kind == "recipe" and job["usage"]["provider"] == "offline":
        wrong = differences(Recipe.read(result or {}), job["video"]["info"]["durationSec"])
        if wrong:
            raise Failed("this is not the recipe in the video: " + "; ".join(wrong))


def clean_up(api: Api, id: str) -> None:
    """Delete the job; one that runs on is cancelled first, so that its stages stop."""
    with suppress(Unreachable, Refused):
        api.cancel(id)
    with suppress(Unreachable, Refused):
        api.delete(id)


def still_there(api: Api, id: str) -> bool:
    try:
        api.job(id)
    except Refused as refused:
        return refused.status != 404
    return True


def timings(job: JobDocument, took: dict[str, float]) -> Table:
    """Each stage: how long it waited for its turn, how long it ran, in how many attempts."""
    table = Table("stage", "waited s", "ran s", "attempts", title_justify="left")
    for column in table.columns[1:]:
        column.justify = "right"
    for name, waited, ran, attempts in stages(job):
        table.add_row(name, f"{waited:.2f}", f"{ran:.2f}", str(attempts))
    table.add_section()
    for name, seconds in took.items():
        table.add_row(name, "", f"{seconds:.2f}", "")
    table.add_row("total", "", f"{sum(took.values()):.2f}", "")
    return table


def stages(job: JobDocument) -> Iterator[tuple[str, float, float, int]]:
    """Name, seconds since the stage before ended (the first: since the job was made), seconds it ran, attempts."""
    before = datetime.fromisoformat(job["createdAt"])
    for name, stage in job["stages"].items():
        if not stage["startedAt"] or not stage["endedAt"]:
            continue
        start, end = (datetime.fromisoformat(stage[key]) for key in ("startedAt", "endedAt"))
        yield name, (start - before).total_seconds(), (end - start).total_seconds(), stage["attempts"]
        before = end
