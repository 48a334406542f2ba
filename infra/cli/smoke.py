"""`clipwise smoke`: runs one real job on a deployment, checks its result, times its stages and cleans up."""

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
"""Tolerated difference between the reported and the actual duration of the video."""


class Failed(Exception):
    """The deployment does not work as expected; the message says why."""


def smoke(api: Api, kind: str, data: Path, patience_sec: float, out: Console, err: Console) -> int:
    """Submit the demo video as a job of `kind`, wait at most `patience_sec`, and return the exit code, 0 or 1."""
    with tempfile.TemporaryDirectory(prefix="clipwise-smoke-") as folder, progress_view(err) as view:
        try:
            job, took = run(api, kind, demo_video(data, Path(folder), view), patience_sec, view, Path(folder))
        except (Failed, PermanentError) as failure:
            err.print(Text(f"FAILED: {failure}", style="bold red"), soft_wrap=True)
            return 1
    out.print(timings(job, took))
    out.print(Text(f"PASSED: {api.server} processed a {kind} job correctly in {sum(took.values()):.1f} s."))
    return 0


def demo_video(data: Path, folder: Path, view: View) -> Path:
    """Return the video of `clipwise demo` from the data folder, or render it in `folder`."""
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
    """Run a job; returns it with the seconds that upload, job and checks took. Raises Failed."""
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
        raise Failed(f"job {started['id']} still exists after it was deleted")
    names = ("upload", "job", "result checks")
    return job, {name: end - start for name, start, end in zip(names, marks, marks[1:], strict=False)}


def finished(api: Api, id: str, patience_sec: float, view: View) -> JobDocument:
    """Wait until the job is done and return it; tolerates single failed requests."""
    deadline, failures = time.monotonic() + patience_sec, 0
    while True:
        try:
            job = api.job(id)
            failures = 0
            show_job(view, job)
            if ended(job):
                break
            if time.monotonic() > deadline:
                raise Failed(f"after {patience_sec:g} s the job is still {job['status']}, in stage {job['stage']}")
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
    """Compare the job's outputs with the demo video; raises Failed."""
    from shared.media.probe import probe

    undone = [name for name, stage in job["stages"].items() if stage["status"] != "done"]
    if undone:
        raise Failed(f"the job is done, but these stages are not: {', '.join(undone)}")
    info, sent = job["video"]["info"], probe(video)
    if abs(info["durationSec"] - (sent.duration_sec or 0)) > TOLERANCE_SEC:
        raise Failed(f"the video's duration is {sent.duration_sec} s, but the job says {info['durationSec']} s")
    if (info["width"], info["height"]) != (sent.width, sent.height):
        raise Failed(
            f"the video's size is {sent.width}×{sent.height}, but the job says {info['width']}×{info['height']}"
        )
    thumbnail = job["video"]["thumbnail"]
    if not thumbnail:
        raise Failed("there is no thumbnail")
    picture = folder / "thumbnail.jpg"
    # The link to storage is signed, so this also checks signing.
    api.save_media(job["id"], thumbnail["name"], picture)
    if picture.read_bytes()[:2] != b"\xff\xd8":
        raise Failed("the thumbnail is not a JPEG file")
    check_result(job, kind)


def check_result(job: JobDocument, kind: str) -> None:
    """Check the result against the kind's schema; a recipe read offline must match the video exactly."""
    from pydantic import ValidationError

    from infra.demo.check import differences
    from shared.analyses.kinds import kind_named
    from shared.models.recipe import Recipe

    result: dict[str, Any] | None = job["result"]
    try:
        kind_named(kind).schema.model_validate(result)
    except ValidationError as error:
        raise Failed(f"the result does not match the schema of the kind {kind}: {error.errors()[0]['msg']}") from None
    if kind == "recipe" and job["usage"]["provider"] == "offline":
        wrong = differences(Recipe.read(result or {}), job["video"]["info"]["durationSec"])
        if wrong:
            raise Failed("the recipe differs from the one in the video: " + "; ".join(wrong))


def clean_up(api: Api, id: str) -> None:
    """Cancel the job, so that its stages stop, and delete it."""
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
    """Render a table of the stages: waiting time, running time and attempts."""
    table = Table("stage", "waiting s", "running s", "attempts", title_justify="left")
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
    """Yield name, seconds waited since the previous stage (or the job's creation), seconds run, and attempts."""
    before = datetime.fromisoformat(job["createdAt"])
    for name, stage in job["stages"].items():
        if not stage["startedAt"] or not stage["endedAt"]:
            continue
        start, end = (datetime.fromisoformat(stage[key]) for key in ("startedAt", "endedAt"))
        yield name, (start - before).total_seconds(), (end - start).total_seconds(), stage["attempts"]
        before = end
