"""The kind `summary`: title, summary, key points and chapters of a video."""

from __future__ import annotations

from pydantic import BaseModel, Field

from shared.analyses.evidence import Evidence, clamp_time
from shared.analyses.kinds import Kind
from shared.analyses.transcript import GAP_SENTENCES
from shared.models import READ_ONLY, Model
from shared.models.media import MediaInfo
from shared.models.video import Segment
from shared.wiring import ANALYZE, EXTRACT, PERSIST, TRANSCRIBE

PROMPT = """\
Sum up what this video says.

- title: what it is about, in a few words. Null when that cannot be told.
- summary: three to six sentences that somebody can read instead of watching. Empty when nothing is said or shown.
- keyPoints: three to ten points that are worth keeping, each one sentence, with the time in seconds at which it is
  said.
- chapters: where a new topic begins, with a title of a few words and the time in seconds at which it starts. The first
  starts at 0. A video of one topic has one chapter; no chapter is shorter than ten seconds. If the evidence has
  chapters, they are the author's: return these, at the same times, with their titles in the language asked for, and a
  title of your own for one without.
- Name places in the video by times of the transcript only.
"""
NEAR_SEC = 10.0
"""A key point belongs to the segment at its time, or else to the nearest one within this distance."""
UNTITLED = "–"
"""Title of the only chapter of a video without transcript and frames."""


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


def complete(result: BaseModel, evidence: Evidence, language: str) -> VideoSummary:
    """Return the model's answer with times and quotes from the stored transcript, and chapters that cover the video."""
    summary = VideoSummary.model_validate(result)
    duration = evidence.info.duration_sec
    summary.notes = []
    if not evidence.transcript and not evidence.model_hears_audio:
        summary.notes.append(GAP_SENTENCES[evidence.transcript_gap])
        if not evidence.frames:
            summary = VideoSummary(summary="", chapters=[Chapter(title=UNTITLED, start=0)], notes=summary.notes)
    summary.key_points = [ground_key_point(point, evidence) for point in summary.key_points]
    summary.chapters = cover_video(keep_file_chapters(summary.chapters, evidence.info), duration)
    summary.duration_sec = duration
    summary.language = language
    return summary


def keep_file_chapters(chapters: list[Chapter], info: MediaInfo) -> list[Chapter]:
    """Return the chapters that the file contains, if it has several, with the titles of those that begin with them."""
    if len(info.chapters) < 2:
        return chapters
    titles = {round(chapter.start): chapter.title for chapter in chapters if chapter.title != UNTITLED}
    return [
        Chapter(title=titles.get(round(chapter.start)) or chapter.title or UNTITLED, start=chapter.start)
        for chapter in info.chapters
    ]


def ground_key_point(point: KeyPoint, evidence: Evidence) -> KeyPoint:
    """Return the point with start and quote of its transcript segment; without one, only clamp its time."""
    if point.start is None:
        return point.model_copy(update={"quote": None})
    time = clamp_time(point.start, evidence.info.duration_sec)
    segment = segment_at(time, evidence.transcript)
    start = clamp_time(segment.start, evidence.info.duration_sec) if segment else time
    return point.model_copy(update={"start": round(start, 2), "quote": segment.text if segment else None})


def segment_at(time: float, transcript: list[Segment]) -> Segment | None:
    """Return the segment at `time`, or the nearest one within NEAR_SEC."""
    nearest = min(transcript, key=lambda segment: distance(time, segment), default=None)
    return nearest if nearest and distance(time, nearest) <= NEAR_SEC else None


def distance(time: float, segment: Segment) -> float:
    """Return the seconds between `time` and the segment; 0 inside it."""
    return max(segment.start - time, time - segment.end, 0.0)


def cover_video(chapters: list[Chapter], duration_sec: float) -> list[Chapter]:
    """Return the chapters by time, without gaps, from 0 to the end; of two with the same start, keep the first."""
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
    prompt_version="2",
    complete=complete,
    needs_video=False,
    needs_file=False,
    reads_text=True,
    is_empty=lambda result: not result.summary and not result.key_points,
    collection="summaries",
)
