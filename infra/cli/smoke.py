"""`clipwise smoke`: runs one real job on a deployment, checks its result, times its stages and cleans up."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from infra.api_client import ApiClient, ApiError, JobDocument, ServerUnreachable
from infra.cli.progress import ProgressView, has_ended, progress_view, update_job, update_task, update_upload
from infra.cli.upload import send_file
from infra.demo.recipe import recipe_differences
from shared.analyses.kinds import kind_named
from shared.analyses.recipe import Recipe
from shared.errors import PermanentError

POLL_SEC = 0.5
MAX_FAILURES = 12
TOLERANCE_SEC = 0.5
"""Tolerated difference between the reported and the actual duration of the video."""


class SmokeTestError(Exception):
    """The deployment does not work as expected; the message says why."""


def run_smoke_test(api: ApiClient, kind: str, data: Path, patience_sec: float, out: Console, err: Console) -> int:
    """Submit the demo video as a job of `kind`, wait at most `patience_sec`, and return the exit code, 0 or 1."""
    with tempfile.TemporaryDirectory(prefix="clipwise-smoke-") as folder, progress_view(err) as view:
        try:
            video = prepare_demo_video(data, Path(folder), view)
            job, durations = run_job(api, kind, video, patience_sec, view, Path(folder))
        except (SmokeTestError, PermanentError) as failure:
            err.print(Text(f"FAILED: {failure}", style="bold red"), soft_wrap=True)
            return 1
    out.print(timing_table(job, durations))
    out.print(Text(f"PASSED: {api.server} processed a {kind} job correctly in {sum(durations.values()):.1f} s."))
    return 0


def prepare_demo_video(data: Path, folder: Path, view: ProgressView) -> Path:
    """Return the video of `clipwise demo` from the data folder, or render it in `folder`."""
    from infra.cli.demo import video_name
    from infra.demo.video import render_video

    video = data / "demo" / f"{video_name()}.mp4"
    if not video.exists():
        video = folder / "smoke.mp4"
        render_video(video, lambda done: update_task(view, "render", done, "drawing the video"))
    return video


def run_job(
    api: ApiClient, kind: str, video: Path, patience_sec: float, view: ProgressView, folder: Path
) -> tuple[JobDocument, dict[str, float]]:
    """Run a job; returns it with the seconds that upload, job and checks took. Raises SmokeTestError."""
    size, marks = video.stat().st_size, [time.monotonic()]
    started = send_file(api, video, kind, "en", {}, lambda sent: update_upload(view, sent, size))
    try:
        marks.append(time.monotonic())
        job = wait_until_done(api, started["id"], patience_sec, view)
        marks.append(time.monotonic())
        check_job(api, job, kind, video, folder)
        marks.append(time.monotonic())
    finally:
        delete_job(api, started["id"])
    if job_exists(api, started["id"]):
        raise SmokeTestError(f"job {started['id']} still exists after it was deleted")
    names = ("upload", "job", "result checks")
    return job, {name: end - start for name, start, end in zip(names, marks, marks[1:], strict=False)}


def wait_until_done(api: ApiClient, id: str, patience_sec: float, view: ProgressView) -> JobDocument:
    """Wait until the job is done and return it; tolerates single failed requests."""
    deadline, failures = time.monotonic() + patience_sec, 0
    while True:
        try:
            job = api.get_job(id)
            failures = 0
            update_job(view, job)
            if has_ended(job):
                break
            if time.monotonic() > deadline:
                raise SmokeTestError(
                    f"after {patience_sec:g} s the job is still {job['status']}, in stage {job['stage']}"
                )
        except (ServerUnreachable, ApiError) as error:
            failures += 1
            if failures > MAX_FAILURES or (isinstance(error, ApiError) and not error.is_temporary):
                raise
        time.sleep(POLL_SEC)
    if job["status"] != "done":
        problem = job.get("error") or {"code": job["status"], "message": "", "stage": job["stage"]}
        raise SmokeTestError(f"the job {job['status']} in {problem['stage']}: {problem['message']} ({problem['code']})")
    return job


def check_job(api: ApiClient, job: JobDocument, kind: str, video: Path, folder: Path) -> None:
    """Compare the job's outputs with the demo video; raises SmokeTestError."""
    from shared.media.probe import probe

    unfinished = [name for name, stage in job["stages"].items() if stage["status"] != "done"]
    if unfinished:
        raise SmokeTestError(f"the job is done, but these stages are not: {', '.join(unfinished)}")
    info, source_info = job["video"]["info"], probe(video)
    if abs(info["durationSec"] - (source_info.duration_sec or 0)) > TOLERANCE_SEC:
        raise SmokeTestError(
            f"the video's duration is {source_info.duration_sec} s, but the job says {info['durationSec']} s"
        )
    if (info["width"], info["height"]) != (source_info.width, source_info.height):
        raise SmokeTestError(
            f"the video's size is {source_info.width}×{source_info.height}, "
            f"but the job says {info['width']}×{info['height']}"
        )
    thumbnail = job["video"]["thumbnail"]
    if not thumbnail:
        raise SmokeTestError("there is no thumbnail")
    picture = folder / "thumbnail.jpg"
    # The link to storage is signed, so this also checks signing.
    api.save_media(job["id"], thumbnail["name"], picture)
    if picture.read_bytes()[:2] != b"\xff\xd8":
        raise SmokeTestError("the thumbnail is not a JPEG file")
    check_result(job, kind)


def check_result(job: JobDocument, kind: str) -> None:
    """Check the result against the kind's schema; a recipe read offline must match the video exactly."""
    result: dict[str, Any] | None = job["result"]
    try:
        kind_named(kind).schema.model_validate(result)
    except ValidationError as error:
        raise SmokeTestError(
            f"the result does not match the schema of the kind {kind}: {error.errors()[0]['msg']}"
        ) from None
    if kind == "recipe" and job["usage"]["provider"] == "offline":
        mismatches = recipe_differences(Recipe.read(result or {}), job["video"]["info"]["durationSec"])
        if mismatches:
            raise SmokeTestError("the recipe differs from the one in the video: " + "; ".join(mismatches))


def delete_job(api: ApiClient, id: str) -> None:
    """Cancel the job, so that its stages stop, and delete it."""
    with suppress(ServerUnreachable, ApiError):
        api.cancel_job(id)
    with suppress(ServerUnreachable, ApiError):
        api.delete_job(id)


def job_exists(api: ApiClient, id: str) -> bool:
    try:
        api.get_job(id)
    except ApiError as error:
        return error.status != 404
    return True


def timing_table(job: JobDocument, durations: dict[str, float]) -> Table:
    """Render a table of the stages: waiting time, running time and attempts."""
    table = Table("stage", "waiting s", "running s", "attempts", title_justify="left")
    for column in table.columns[1:]:
        column.justify = "right"
    for name, wait_sec, run_sec, attempts in stage_timings(job):
        table.add_row(name, f"{wait_sec:.2f}", f"{run_sec:.2f}", str(attempts))
    table.add_section()
    for name, seconds in durations.items():
        table.add_row(name, "", f"{seconds:.2f}", "")
    table.add_row("total", "", f"{sum(durations.values()):.2f}", "")
    return table


def stage_timings(job: JobDocument) -> Iterator[tuple[str, float, float, int]]:
    """Yield name, seconds waited since the previous stage (or the job's creation), seconds run, and attempts."""
    before = datetime.fromisoformat(job["createdAt"])
    for name, stage in job["stages"].items():
        if not stage["startedAt"] or not stage["endedAt"]:
            continue
        start, end = (datetime.fromisoformat(stage[key]) for key in ("startedAt", "endedAt"))
        yield name, (start - before).total_seconds(), (end - start).total_seconds(), stage["attempts"]
        before = end
