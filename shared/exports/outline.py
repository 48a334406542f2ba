"""Reels, summaries and transcripts as outlines (sections with entries), written as CommonMark or HTML."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from shared.analyses.reel import Reel, Scene
from shared.analyses.summary import VideoSummary
from shared.analyses.transcript import SpokenText
from shared.exports.markup import escape_html, escape_markdown, html_document
from shared.exports.quantities import Fact
from shared.exports.wording import Headings
from shared.models.video import Pacing


@dataclass(frozen=True)
class OutlineEntry:
    """A labelled text. `label` is a time or a name and may be empty; `details` follow below the text."""

    label: str
    text: str
    details: tuple[str, ...] = ()


@dataclass(frozen=True)
class OutlineSection:
    heading: str
    entries: list[OutlineEntry]


@dataclass(frozen=True)
class Outline:
    """A document of facts, text and sections. Sections without entries are omitted.

    Attributes:
        language: BCP-47 tag.
        text: Paragraphs, one per line.
    """

    title: str
    language: str | None
    facts: list[Fact] = field(default_factory=list)
    text: str = ""
    sections: list[OutlineSection] = field(default_factory=list)


def reel_outline(reel: Reel, words: Headings) -> Outline:
    original = reel.original
    translated = original.translation if original.translation != original.transcription else None
    return Outline(
        title=words.reel,
        language=reel.language,
        sections=[
            OutlineSection(words.keys, [OutlineEntry(key.title, key.description) for key in reel.keys]),
            OutlineSection(words.script, [_scene_entry(scene) for scene in reel.script]),
            OutlineSection(
                words.recommendations,
                [OutlineEntry(recommendation.category, recommendation.text) for recommendation in reel.recommendations],
            ),
            OutlineSection(words.pace, [OutlineEntry(label, text) for label, text in pace_facts(reel.pacing, words)]),
            OutlineSection(words.transcription, plain_entries((original.transcription or "").splitlines())),
            OutlineSection(words.translation, plain_entries((translated or "").splitlines())),
            OutlineSection(words.notes, plain_entries(reel.notes)),
        ],
    )


def _scene_entry(scene: Scene) -> OutlineEntry:
    return OutlineEntry(scene.time, scene.visual, tuple(filter(None, (scene.text, scene.note))))


def summary_outline(summary: VideoSummary, words: Headings) -> Outline:
    points = [
        OutlineEntry("" if item.start is None else format_time(item.start), item.text) for item in summary.key_points
    ]
    return Outline(
        title=summary.title or words.summary,
        language=summary.language,
        text=summary.summary,
        sections=[
            OutlineSection(words.key_points, points),
            OutlineSection(
                words.chapters, [OutlineEntry(format_time(item.start), item.title) for item in summary.chapters]
            ),
            OutlineSection(words.notes, plain_entries(summary.notes)),
        ],
    )


def transcript_outline(transcript: SpokenText, words: Headings) -> Outline:
    recognizer = " · ".join(filter(None, (transcript.provider, transcript.model)))
    facts = (
        (words.duration, format_time(transcript.duration_sec)),
        (words.language, transcript.language),
        (words.words, transcript.words),
        (words.transcribed_by, recognizer),
    )
    return Outline(
        title=words.transcript,
        language=transcript.language,
        facts=[(label, str(value)) for label, value in facts if value],
        text=transcript.text,
        sections=[OutlineSection(words.notes, plain_entries(transcript.notes))],
    )


def outline_markdown(outline: Outline) -> str:
    """Write an outline as CommonMark."""
    facts = " · ".join(f"**{label}:** {escape_markdown(text)}" for label, text in outline.facts)
    blocks = [f"# {escape_markdown(outline.title)}", facts, *map(escape_markdown, outline.text.splitlines())]
    for section in outline.sections:
        if section.entries:
            blocks += [
                f"## {section.heading}",
                "\n".join(line for entry in section.entries for line in _entry_lines(entry)),
            ]
    return "\n\n".join(filter(None, blocks)) + "\n"


def _entry_lines(entry: OutlineEntry) -> Iterator[str]:
    label = f"**{escape_markdown(entry.label)}** " if entry.label else ""
    yield f"- {label}{escape_markdown(entry.text)}"
    yield from (f"  - {escape_markdown(detail)}" for detail in entry.details)


def outline_page(outline: Outline) -> str:
    """Write an outline as an HTML page in one column, which prints on A4."""
    facts = "".join(f"<li>{label} <b>{escape_html(text)}</b></li>" for label, text in outline.facts)
    body = [
        "<header>",
        f"<h1>{escape_html(outline.title)}</h1>",
        f'<ul class="facts">{facts}</ul>' if facts else "",
        "</header>",
        *(f"<p>{escape_html(line)}</p>" for line in outline.text.splitlines()),
    ]
    for section in outline.sections:
        if section.entries:
            body += [f"<h2>{section.heading}</h2>", '<ul class="entries">', *map(_entry_item, section.entries), "</ul>"]
    return html_document(escape_html(outline.title), outline.language, body)


def _entry_item(entry: OutlineEntry) -> str:
    label = f"<b>{escape_html(entry.label)}</b>" if entry.label else ""
    details = "".join(f"<p>{escape_html(detail)}</p>" for detail in entry.details)
    return f"<li>{label}{escape_html(entry.text)}{details}</li>"


def pace_facts(pacing: Pacing | None, words: Headings) -> list[Fact]:
    """Return the measures that have a value, formatted with their units."""
    if pacing is None:
        return []
    loudness = pacing.loudness.integrated_lufs if pacing.loudness else None
    measures = (
        (words.duration, pacing.duration_sec, words.seconds),
        (words.shots, pacing.shots, ""),
        (words.cuts_per_minute, pacing.cuts_per_minute, ""),
        (words.mean_shot, pacing.mean_shot_sec, words.seconds),
        (words.longest_shot, pacing.longest_shot_sec, words.seconds),
        (words.hook, pacing.hook_sec, words.seconds),
        (words.words_per_minute, pacing.words_per_minute, ""),
        (words.loudness, loudness, "LUFS"),
        (words.silence, _percent(pacing.silence_share), "%"),
        (words.text_share, _percent(pacing.text_share), "%"),
    )
    return [
        (label, f"{_format_number(value, words)} {unit}".strip())
        for label, value, unit in measures
        if value is not None
    ]


def _percent(share: float | None) -> float | None:
    return None if share is None else round(100 * share)


def _format_number(value: float, words: Headings) -> str:
    return f"{value:.1f}".removesuffix(".0").replace(".", words.decimal).replace("-", "−")


def format_time(seconds: float) -> str:
    """Format seconds as `1:05`, or as `1:02:03` from one hour on."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def plain_entries(texts: list[str]) -> list[OutlineEntry]:
    return [OutlineEntry("", text) for text in texts]
