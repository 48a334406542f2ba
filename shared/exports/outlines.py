"""Reels, summaries and transcripts as outlines."""

from __future__ import annotations

from shared.analyses.transcript import SpokenText
from shared.exports.facts import Fact
from shared.exports.headings import Headings
from shared.exports.outline import Entry, Outline, Section, clock, plain_entries
from shared.models.reel import Pacing, Reel, Scene
from shared.models.summary import VideoSummary


def reel_outline(reel: Reel, words: Headings) -> Outline:
    said = reel.original
    translated = said.translation if said.translation != said.transcription else None
    return Outline(
        title=words.reel,
        language=reel.language,
        sections=[
            Section(words.keys, [Entry(key.title, key.description) for key in reel.keys]),
            Section(words.script, [_scene(scene) for scene in reel.script]),
            Section(words.recommendations, [Entry(one.category, one.text) for one in reel.recommendations]),
            Section(words.pace, [Entry(label, text) for label, text in pace_facts(reel.pacing, words)]),
            Section(words.transcription, plain_entries((said.transcription or "").splitlines())),
            Section(words.translation, plain_entries((translated or "").splitlines())),
            Section(words.notes, plain_entries(reel.notes)),
        ],
    )


def summary_outline(summary: VideoSummary, words: Headings) -> Outline:
    points = [Entry("" if one.start is None else clock(one.start), one.text) for one in summary.key_points]
    return Outline(
        title=summary.title or words.summary,
        language=summary.language,
        text=summary.summary,
        sections=[
            Section(words.key_points, points),
            Section(words.chapters, [Entry(clock(one.start), one.title) for one in summary.chapters]),
            Section(words.notes, plain_entries(summary.notes)),
        ],
    )


def transcript_outline(said: SpokenText, words: Headings) -> Outline:
    listened = " · ".join(filter(None, (said.provider, said.model)))
    facts = (
        (words.duration, clock(said.duration_sec)),
        (words.language, said.language),
        (words.words, said.words),
        (words.listened, listened),
    )
    return Outline(
        title=words.transcript,
        language=said.language,
        facts=[(label, str(value)) for label, value in facts if value],
        text=said.text,
        sections=[Section(words.notes, plain_entries(said.notes))],
    )


def _scene(scene: Scene) -> Entry:
    return Entry(scene.time, scene.visual, tuple(filter(None, (scene.text, scene.note))))


def pace_facts(pacing: Pacing | None, words: Headings) -> list[Fact]:
    """The numbers that are known."""
    if pacing is None:
        return []
    loudness = pacing.loudness.integrated_lufs if pacing.loudness else None
    known = (
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
    return [(label, f"{_number(value, words)} {unit}".strip()) for label, value, unit in known if value is not None]


def _percent(share: float | None) -> float | None:
    return None if share is None else round(100 * share)


def _number(value: float, words: Headings) -> str:
    return f"{value:.1f}".removesuffix(".0").replace(".", words.decimal).replace("-", "−")
