"""Terminal views of jobs and results."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from infra.cli import words
from infra.cli.views.metadata import metadata_view
from infra.cli.views.outline import outline_view
from infra.cli.views.recipe import recipe_view
from infra.cli.words import clean_text
from infra.client.api import JobDocument
from shared.analyses.metadata import Metadata
from shared.analyses.transcript import SpokenText
from shared.exports.headings import ENGLISH
from shared.exports.outlines import reel_outline, summary_outline, transcript_outline
from shared.models.recipe import Recipe
from shared.models.reel import Reel
from shared.models.summary import VideoSummary

VIEWS: dict[str, Callable[[dict[str, Any]], RenderableType]] = {
    "recipe": lambda result: recipe_view(Recipe.read(result)),
    "metadata": lambda result: metadata_view(Metadata.read(result)),
    "reel": lambda result: outline_view(reel_outline(Reel.read(result), ENGLISH)),
    "summary": lambda result: outline_view(summary_outline(VideoSummary.read(result), ENGLISH)),
    "transcript": lambda result: outline_view(transcript_outline(SpokenText.read(result), ENGLISH)),
}
"""Views by kind; results of other kinds are printed as JSON."""


def result_view(job: JobDocument) -> RenderableType:
    """Render the result of a finished job."""
    view = VIEWS.get(job["kind"])
    return view(job["result"]) if view else Text(json.dumps(job["result"], ensure_ascii=False, indent=2))


def failure_view(job: JobDocument, retry: str) -> RenderableType:
    """Render why a job has no result, and whether the command `retry` can help."""
    if job["status"] == "cancelled":
        return Text(f"Job {job['id']} was cancelled.")
    error = job["error"]
    stage_note = f" in {error['stage']}" if error["stage"] else ""
    advice = f"{retry} can help." if error["retryable"] else "A retry cannot help."
    return Text.assemble(
        (f"Job {job['id']} failed{stage_note}: ", "bold red"),
        clean_text(error["message"]),
        f" ({error['code']})\n",
        advice,
    )


def job_view(job: JobDocument) -> RenderableType:
    """Render a summary of a job's state."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold cyan", no_wrap=True)
    table.add_column()
    table.add_row("Job", job["id"])
    table.add_row("Source", Text(job_source(job)))
    table.add_row("Kind", f"{job['kind']} ({job['language']})")
    table.add_row("Status", f"{job['status']}, {job['progress']} %")
    table.add_row("Stages", ", ".join(f"{name} {stage['status']}" for name, stage in job["stages"].items()))
    table.add_row("Started", words.format_time(job["createdAt"]))
    return table


def jobs_table(jobs: list[JobDocument]) -> Table:
    """Render one row per job; on a narrow terminal the source is truncated, never the id."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold cyan")
    for heading in ("ID", "Kind", "Status", "Started"):
        table.add_column(heading, no_wrap=True)
    table.add_column("Source")
    for job in jobs:
        status = f"running {job['progress']} %" if job["status"] == "running" else job["status"]
        source_cell = Text(job_source(job), no_wrap=True, overflow="ellipsis")
        table.add_row(job["id"], job["kind"], status, words.format_short_time(job["createdAt"]), source_cell)
    return table


def job_source(job: JobDocument) -> str:
    return clean_text(job["url"] or job["filename"] or "")
