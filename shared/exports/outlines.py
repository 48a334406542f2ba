"""Reels, summaries and transcripts as outlines."""

from __future__ import annotations

from shared.analyses.transcript import SpokenText
from shared.exports.facts import Fact
from shared.exports.headings import Headings
from shared.exports.outline import Outline, OutlineEntry, OutlineSection, format_time, plain_entries
from shared.models.reel import Pacing, Reel, Scene
from shared.models.summary import VideoSummary


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
        (words.listened, recognizer),
    )
    return Outline(
        title=words.transcript,
        language=transcript.language,
        facts=[(label, str(value)) for label, value in facts if value],
        text=transcript.text,
        sections=[OutlineSection(words.notes, plain_entries(transcript.notes))],
    )


def _scene_entry(scene: Scene) -> OutlineEntry:
    return OutlineEntry(scene.time, scene.visual, tuple(filter(None, (scene.text, scene.note))))


def pace_facts(pacing: Pacing | None, words: Headings) -> list[Fact]:
    """The numbers that are known."""
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
