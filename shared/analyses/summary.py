"""The kind `summary`: what a video says in short, with its chapters."""

from __future__ import annotations

from pydantic import BaseModel, Field

from shared.analyses.evidence import MAX_TRANSCRIPT, Evidence, clamp_time
from shared.analyses.kinds import Kind
from shared.models.base import Model
from shared.models.recipe import READ_ONLY
from shared.models.video import Segment
from shared.wiring import ANALYZE, EXTRACT, PERSIST, TRANSCRIBE


class KeyPoint(Model):
    text: str
    start: float | None = Field(None, description="Seconds; where in the video it is said, null if nowhere exactly.")
    quote: str | None = Field(None, description="The spoken words at that time.", json_schema_extra=READ_ONLY)


class Chapter(Model):
    """From `start` to `end` in seconds; chapters follow each other without gaps, from the start of the video."""

    title: str
    start: float
    end: float = Field(0, json_schema_extra=READ_ONLY)


class VideoSummary(Model):
    title: str | None = None
    summary: str = Field(description="Some sentences; empty when nothing is said.")
    key_points: list[KeyPoint] = []
    chapters: list[Chapter] = Field(min_length=1, description="In order of time; one for a video that does not divide.")
    duration_sec: float = Field(0, json_schema_extra=READ_ONLY)
    language: str | None = Field(
        None, description="BCP-47 tag of the text in this result.", json_schema_extra=READ_ONLY
    )
    notes: list[str] = Field(
        [], description="Remarks for the reader, e.g. limits of the provider.", json_schema_extra=READ_ONLY
    )


PROMPT = """\
Sum up what this video says.

- title: what it is about, in a few words. Null when that cannot be told.
- summary: three to six sentences that somebody can read instead of watching. Empty when nothing is said or shown.
- keyPoints: three to ten points that are worth keeping, each one sentence, with the time in seconds at which it is
  said.
- chapters: where a new topic begins, with a title of a few words and the time in seconds at which it starts. The first
  starts at 0. A video of one topic has one chapter; no chapter is shorter than ten seconds.
- Name places in the video by times of the transcript only.
"""
NEAR_SEC = 10.0
"""A point is said in the segment at its time, or in the nearest one that is no further off than this."""
UNTITLED = "–"
"""Title of the one chapter of a video that nothing is known of."""


def complete(result: BaseModel, evidence: Evidence, language: str) -> VideoSummary:
    """The model's answer with times and quotations from the stored words, and chapters that cover the video."""
    summary = VideoSummary.model_validate(result)
    duration = evidence.info.duration_sec
    summary.notes = []
    if not evidence.transcript and not evidence.model_hears_audio:
        summary.notes.append("No transcript is available for this video.")
        if not evidence.frames:
            summary = VideoSummary(summary="", chapters=[Chapter(title=UNTITLED, start=0)], notes=summary.notes)
    if sum(len(segment.text) for segment in evidence.transcript) > MAX_TRANSCRIPT:
        summary.notes.append("The transcript was too long: its last part is not included in the summary.")
    summary.key_points = [ground_key_point(point, evidence) for point in summary.key_points]
    summary.chapters = cover_video(summary.chapters, duration)
    summary.duration_sec = duration
    summary.language = language
    return summary


def ground_key_point(point: KeyPoint, evidence: Evidence) -> KeyPoint:
    """The point at the start of the stored words it is taken from, with these; without any its time is only clamped."""
    if point.start is None:
        return point.model_copy(update={"quote": None})
    time = clamp_time(point.start, evidence.info.duration_sec)
    segment = segment_at(time, evidence.transcript)
    start = clamp_time(segment.start, evidence.info.duration_sec) if segment else time
    return point.model_copy(update={"start": round(start, 2), "quote": segment.text if segment else None})


def segment_at(time: float, transcript: list[Segment]) -> Segment | None:
    """What is said at `time`, or nearest to it within NEAR_SEC."""
    nearest = min(transcript, key=lambda segment: distance(time, segment), default=None)
    return nearest if nearest and distance(time, nearest) <= NEAR_SEC else None


def distance(time: float, segment: Segment) -> float:
    return max(segment.start - time, time - segment.end, 0.0)


def cover_video(chapters: list[Chapter], duration_sec: float) -> list[Chapter]:
    """The chapters by time, the first from 0, each to the next, the last to the end; of two at one time the first."""
    starts: dict[float, Chapter] = {}
    for chapter in sorted(chapters, key=lambda chapter: chapter.start):
        starts.setdefault(round(clamp_time(chapter.start, duration_sec), 2), chapter)
    first, *later = starts.items()
    kept = [(0.0, first[1]), *((start, chapter) for start, chapter in later if 0 < start < duration_sec)]
    ends = [*(start for start, _ in kept[1:]), duration_sec]
    return [
        chapter.model_copy(update={"start": start, "end": end})
        for (start, chapter), end in zip(kept, ends, strict=True)
    ]


KIND = Kind(
    name="summary",
    does="Title, summary, key points and chapters with their times.",
    stages=(EXTRACT, TRANSCRIBE, ANALYZE, PERSIST),
    schema=VideoSummary,
    prompt=PROMPT,
    prompt_version="1",
    complete=complete,
    needs_video=False,
    reads_text=True,
    collection="summaries",
)
