"""Terminal views of jobs and their results, and the formatting of untrusted text, times and sizes in them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from infra.api_client import JobDocument
from shared.analyses.evidence import Sighting
from shared.analyses.metadata import Metadata
from shared.analyses.recipe import Ingredient, Recipe, Step
from shared.analyses.reel import Reel
from shared.analyses.summary import VideoSummary
from shared.analyses.transcript import SpokenText
from shared.chat.history import clock_time
from shared.exports.markup import clean_text
from shared.exports.outline import Outline, OutlineEntry, reel_outline, summary_outline, transcript_outline
from shared.exports.quantities import format_amount, format_duration, format_quantity, format_yield
from shared.exports.wording import ENGLISH_HEADINGS, ENGLISH_RECIPE
from shared.models.media import MediaTrack


def format_megabytes(size: int) -> str:
    return f"{size / 1_000_000:.1f} MB"


def format_clock(seconds: float) -> str:
    """Format seconds as `1:05`, or `1:02:03` from one hour on."""
    minutes, remainder = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{remainder:02}" if hours else f"{minutes}:{remainder:02}"


def format_short_time(iso: str) -> str:
    """Format an ISO 8601 time as short local date and time."""
    return datetime.fromisoformat(iso).astimezone().strftime("%d %b %H:%M")


def format_time(iso: str) -> str:
    """Format an ISO 8601 time as local date and time."""
    return datetime.fromisoformat(iso).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def section_view(heading: str, body: Table) -> list[RenderableType]:
    """Render a heading with a table; nothing for an empty table."""
    if not body.row_count:
        return []
    return [Text(), Text(heading, style="bold cyan"), Padding(body, (0, 0, 0, 2), expand=False)]


def metadata_view(metadata: Metadata) -> RenderableType:
    info = metadata.info
    picture = [f"{info.width}×{info.height}", f"{info.fps:.4g} fps" if info.fps else "", info.video_codec or ""]
    if info.hdr:
        picture.append("HDR")
    audio = [info.audio_codec or "", f"{info.sample_rate} Hz" if info.sample_rate else ""]
    sounds, subtitles = (", ".join(map(describe_track, tracks)) for tracks in (info.audio_tracks, info.subtitles))
    rows = {
        "Duration": metadata.duration,
        "Video": ", ".join(filter(None, picture)) if info.has_video else "none",
        "Audio": ", ".join(filter(None, audio)) if info.has_audio else "none",
        "Audio tracks": sounds if len(info.audio_tracks) > 1 else "",
        "Subtitles": subtitles or "none",
        "File": f"{info.container}, {format_megabytes(info.size_bytes)}",
        "Shots": str(metadata.shots),
        "Key frames": ", ".join(format_clock(frame.time) for frame in metadata.frames) or "none",
        "Thumbnail": f"at {format_clock(metadata.thumbnail.time)}" if metadata.thumbnail else "none",
        "Warnings": ", ".join(info.warnings),
    }
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold cyan", no_wrap=True)
    table.add_column()
    for name, value in rows.items():
        if value:
            table.add_row(name, Text(clean_text(value)))
    return table


def describe_track(track: MediaTrack) -> str:
    """Return such as `2: deu (aac), used`."""
    use = ", used" if track.selected else ""
    return f"{track.index}: {track.language or 'unknown language'} ({track.codec}){use}"


def outline_view(outline: Outline) -> RenderableType:
    parts: list[RenderableType] = [Text(clean_text(outline.title), style="bold")]
    if outline.facts:
        parts.append(Text(" · ".join(f"{label}: {clean_text(text)}" for label, text in outline.facts)))
    if outline.text:
        parts.append(Text(clean_text(outline.text)))
    for section in outline.sections:
        parts += section_view(section.heading, _entries_table(section.entries))
    return Group(*parts)


def _entries_table(entries: list[OutlineEntry]) -> Table:
    """Render entries; names and times, if any, get their own column."""
    labelled = any(entry.label for entry in entries)
    table = Table.grid(padding=(0, 2) if labelled else (0, 1))
    if labelled:
        table.add_column(style="bold", max_width=28)
    else:
        table.add_column(no_wrap=True)
    table.add_column()
    for entry in entries:
        text = Text(clean_text(entry.text))
        for detail in entry.details:
            text.append(f"\n{clean_text(detail)}", style="dim")
        table.add_row(Text(clean_text(entry.label)) if labelled else Text("-"), text)
    return table


def recipe_view(recipe: Recipe) -> RenderableType:
    empty = not (recipe.title or recipe.ingredients or recipe.steps)
    title = "No recipe was found in this video." if empty else recipe.title or "Untitled recipe"
    parts: list[RenderableType] = [Text(clean_text(title), style="bold")]
    if facts := _recipe_facts(recipe):
        parts.append(Text(" · ".join(facts)))
    if recipe.description:
        parts.append(Text(clean_text(recipe.description)))
    parts += section_view("Ingredients", _ingredients_table(recipe.ingredients))
    parts += section_view("Steps", _steps_table(recipe.steps))
    parts += section_view("Notes", _notes_table(recipe.notes))
    return Group(*parts)


def _recipe_facts(recipe: Recipe) -> list[str]:
    times = ((recipe.prep_minutes, "preparation"), (recipe.cook_minutes, "cooking"), (recipe.total_minutes, "total"))
    return [
        *([f"serves {format_amount(recipe.servings, None, ENGLISH_RECIPE)}"] if recipe.servings else []),
        *([f"makes {clean_text(format_yield(recipe.yield_, ENGLISH_RECIPE))}"] if recipe.yield_ else []),
        *(f"{format_duration(minutes, ENGLISH_RECIPE)} {label}" for minutes, label in times if minutes is not None),
        *(clean_text(fact) for fact in (recipe.difficulty, recipe.cuisine) if fact),
    ]


def _ingredients_table(ingredients: list[Ingredient]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", no_wrap=True)
    table.add_column()
    table.add_column(justify="right", style="dim", no_wrap=True)
    for heading, members in groupby(ingredients, key=lambda ingredient: ingredient.group):
        if heading:
            table.add_row("", Text(clean_text(heading), style="italic"), "")
        for item in members:
            name = ", ".join(clean_text(part) for part in (item.name, item.note) if part)
            measure = clean_text(format_quantity(item, ENGLISH_RECIPE))
            table.add_row(Text(measure), Text(name), Text(_format_sighting_time(item.seen)))
    return table


def _steps_table(steps: list[Step]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", no_wrap=True)
    table.add_column()
    table.add_column(justify="right", style="dim", no_wrap=True)
    for step in steps:
        table.add_row(Text(f"{step.number}."), Text(clean_text(step.text)), Text(_format_sighting_time(step.seen)))
    return table


def _notes_table(notes: list[str]) -> Table:
    table = Table.grid(padding=(0, 1))
    for note in notes:
        table.add_row("-", Text(clean_text(note)))
    return table


def _format_sighting_time(sighting: Sighting | None) -> str:
    return f"at {format_clock(sighting.time)}" if sighting and sighting.time is not None else ""


VIEWS: dict[str, Callable[[dict[str, Any]], RenderableType]] = {
    "recipe": lambda result: recipe_view(Recipe.read(result)),
    "metadata": lambda result: metadata_view(Metadata.read(result)),
    "reel": lambda result: outline_view(reel_outline(Reel.read(result), ENGLISH_HEADINGS)),
    "summary": lambda result: outline_view(summary_outline(VideoSummary.read(result), ENGLISH_HEADINGS)),
    "transcript": lambda result: outline_view(transcript_outline(SpokenText.read(result), ENGLISH_HEADINGS)),
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


def empty_view(job: JobDocument) -> RenderableType | None:
    """Render why the result of a job is empty, and what would help; None if it is not empty."""
    empty = job.get("resultEmpty")
    if not empty:
        return None
    return Text.assemble(("Empty result: ", "bold yellow"), clean_text(f"{empty['message']} {empty['advice']}"))


def job_status(job: JobDocument) -> str:
    """Return the status for people: a finished job with an empty result says so."""
    return "done, empty" if job["status"] == "done" and job.get("resultEmpty") else str(job["status"])


def job_view(job: JobDocument) -> RenderableType:
    """Render a summary of a job's state."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold cyan", no_wrap=True)
    table.add_column()
    table.add_row("Job", job["id"])
    table.add_row("Source", Text(job_source(job)))
    table.add_row("Kind", f"{job['kind']} ({job['language']})")
    table.add_row("Status", f"{job_status(job)}, {job['progress']} %")
    table.add_row("Stages", ", ".join(f"{name} {stage['status']}" for name, stage in job["stages"].items()))
    table.add_row("Started", format_time(job["createdAt"]))
    return table


def jobs_table(jobs: list[JobDocument]) -> Table:
    """Render one row per job; on a narrow terminal the source is truncated, never the id."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold cyan")
    for heading in ("ID", "Kind", "Status", "Started"):
        table.add_column(heading, no_wrap=True)
    table.add_column("Source")
    for job in jobs:
        status = f"running {job['progress']} %" if job["status"] == "running" else job_status(job)
        source_cell = Text(job_source(job), no_wrap=True, overflow="ellipsis")
        table.add_row(job["id"], job["kind"], status, format_short_time(job["createdAt"]), source_cell)
    return table


def datasets_table(datasets: Sequence[Mapping[str, Any]]) -> Table:
    """Render one row per dataset; on a narrow terminal the name is truncated, never the id."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold cyan")
    for heading in ("ID", "Status", "Images", "Created"):
        table.add_column(heading, no_wrap=True)
    table.add_column("Name")
    for dataset in datasets:
        name = Text(clean_text(dataset["name"]), no_wrap=True, overflow="ellipsis")
        images = str(dataset["progress"]["images"]["downloaded"])
        table.add_row(dataset["id"], dataset["status"], images, format_short_time(dataset["createdAt"]), name)
    return table


def keys_table(keys: Sequence[Mapping[str, Any]]) -> Table:
    """Render one row per API key; on a narrow terminal the name is truncated, never the id."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold cyan")
    for heading in ("ID", "Scopes", "Expires", "Last used"):
        table.add_column(heading, no_wrap=True)
    table.add_column("Name")
    for key in keys:
        expires = format_short_time(key["expiresAt"]) if key["expiresAt"] else "never"
        last_used = format_short_time(key["lastUsedAt"]) if key["lastUsedAt"] else "never"
        name = Text(clean_text(key["name"]), no_wrap=True, overflow="ellipsis")
        table.add_row(key["id"], " ".join(key["scopes"]), expires, last_used, name)
    return table


def job_source(job: JobDocument) -> str:
    return clean_text(job["url"] or job["filename"] or "")


def moment_view(moment: JobDocument) -> Text:
    """Format a moment as `Soup, 1:05, speech (honey): “Add honey.”`, with its link."""
    words = ", ".join(moment["words"]) or "by meaning"
    return Text.assemble(
        (moment["title"] or moment["videoId"], "bold"),
        f", {clock_time(moment['time'])}, {moment['origin']} ({words}): “{moment['text']}”\n    ",
        (moment["link"], "dim"),
    )
