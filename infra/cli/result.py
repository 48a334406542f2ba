"""What came out of a job, for people to read."""

from __future__ import annotations

import json
from itertools import groupby

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from infra.cli import words
from infra.cli.client import JobDocument
from infra.cli.words import clean
from shared.analyses.metadata import Metadata
from shared.exports.quantities import amount, duration, quantity
from shared.exports.wording import ENGLISH
from shared.models.recipe import Ingredient, Recipe, Sighting, Step


def result_view(job: JobDocument) -> RenderableType:
    """The result of a job that is done."""
    if job["kind"] == "recipe":
        return recipe_view(Recipe.read(job["result"]))
    if job["kind"] == "metadata":
        return metadata_view(Metadata.read(job["result"]))
    return Text(json.dumps(job["result"], ensure_ascii=False, indent=2))


def recipe_view(recipe: Recipe) -> RenderableType:
    empty = not (recipe.title or recipe.ingredients or recipe.steps)
    title = "No recipe was found in this video." if empty else recipe.title or "A recipe without a title"
    parts: list[RenderableType] = [Text(clean(title), style="bold")]
    if facts := _facts(recipe):
        parts.append(Text(" · ".join(facts)))
    if recipe.description:
        parts.append(Text(clean(recipe.description)))
    parts += _section("Ingredients", _ingredients(recipe.ingredients))
    parts += _section("Steps", _steps(recipe.steps))
    parts += _section("Notes", _notes(recipe.notes))
    return Group(*parts)


def _facts(recipe: Recipe) -> list[str]:
    times = ((recipe.prep_minutes, "preparation"), (recipe.cook_minutes, "cooking"), (recipe.total_minutes, "in all"))
    return [
        *([f"serves {amount(recipe.servings, None, ENGLISH)}"] if recipe.servings else []),
        *(f"{duration(minutes, ENGLISH)} {what}" for minutes, what in times if minutes is not None),
        *(clean(fact) for fact in (recipe.difficulty, recipe.cuisine) if fact),
    ]


def _section(heading: str, body: Table) -> list[RenderableType]:
    """Nothing for an empty table."""
    if not body.row_count:
        return []
    return [Text(), Text(heading, style="bold cyan"), Padding(body, (0, 0, 0, 2), expand=False)]


def _ingredients(ingredients: list[Ingredient]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", no_wrap=True)
    table.add_column()
    table.add_column(justify="right", style="dim", no_wrap=True)
    for heading, members in groupby(ingredients, key=lambda ingredient: ingredient.group):
        if heading:
            table.add_row("", Text(clean(heading), style="italic"), "")
        for one in members:
            name = ", ".join(clean(part) for part in (one.name, one.note) if part)
            measure = clean(quantity(one, ENGLISH))
            table.add_row(Text(measure), Text(name), Text(_when(one.seen)))
    return table


def _steps(steps: list[Step]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", no_wrap=True)
    table.add_column()
    table.add_column(justify="right", style="dim", no_wrap=True)
    for step in steps:
        table.add_row(Text(f"{step.number}."), Text(clean(step.text)), Text(_when(step.seen)))
    return table


def _notes(notes: list[str]) -> Table:
    table = Table.grid(padding=(0, 1))
    for note in notes:
        table.add_row("-", Text(clean(note)))
    return table


def _when(seen: Sighting | None) -> str:
    return f"at {words.clock(seen.time)}" if seen and seen.time is not None else ""


def metadata_view(metadata: Metadata) -> RenderableType:
    info = metadata.info
    picture = [f"{info.width}×{info.height}", f"{info.fps:.4g} fps" if info.fps else "", info.video_codec or ""]
    if info.hdr:
        picture.append("HDR")
    sound = [info.audio_codec or "", f"{info.sample_rate} Hz" if info.sample_rate else ""]
    tracks = ", ".join(f"{track.language or 'unknown language'} ({track.codec})" for track in info.subtitles)
    rows = {
        "Duration": metadata.duration,
        "Picture": ", ".join(filter(None, picture)) if info.has_video else "none",
        "Sound": ", ".join(filter(None, sound)) if info.has_audio else "none",
        "Subtitles": tracks or "none",
        "File": f"{info.container}, {words.megabytes(info.size_bytes)}",
        "Shots": str(metadata.shots),
        "Key frames": ", ".join(words.clock(frame.time) for frame in metadata.frames) or "none",
        "Thumbnail": f"at {words.clock(metadata.thumbnail.time)}" if metadata.thumbnail else "none",
        "Damage": ", ".join(info.warnings),
    }
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold cyan", no_wrap=True)
    table.add_column()
    for name, value in rows.items():
        if value:
            table.add_row(name, Text(clean(value)))
    return table


def failure_view(job: JobDocument, retry: str) -> RenderableType:
    """Why a job has no result, and whether the command `retry` can help."""
    if job["status"] == "cancelled":
        return Text(f"Job {job['id']} was cancelled.")
    error = job["error"]
    where = f" in {error['stage']}" if error["stage"] else ""
    hope = f"{retry} can help." if error["retryable"] else "Trying it again cannot help."
    return Text.assemble(
        (f"Job {job['id']} failed{where}: ", "bold red"),
        clean(error["message"]),
        f" ({error['code']})\n",
        hope,
    )


def job_view(job: JobDocument) -> RenderableType:
    """A job's state in short."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold cyan", no_wrap=True)
    table.add_column()
    table.add_row("Job", job["id"])
    table.add_row("Source", Text(source(job)))
    table.add_row("Kind", f"{job['kind']} ({job['language']})")
    table.add_row("Status", f"{job['status']}, {job['progress']} %")
    table.add_row("Stages", ", ".join(f"{name} {stage['status']}" for name, stage in job["stages"].items()))
    table.add_row("Started", words.moment(job["createdAt"]))
    return table


def jobs_table(jobs: list[JobDocument]) -> Table:
    """One row per job; the source gives way where the terminal is narrow, the id never."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold cyan")
    for heading in ("ID", "Kind", "Status", "Started"):
        table.add_column(heading, no_wrap=True)
    table.add_column("Source")
    for job in jobs:
        status = f"running {job['progress']} %" if job["status"] == "running" else job["status"]
        where = Text(source(job), no_wrap=True, overflow="ellipsis")
        table.add_row(job["id"], job["kind"], status, words.day(job["createdAt"]), where)
    return table


def source(job: JobDocument) -> str:
    return clean(job["url"] or job["filename"] or "")
