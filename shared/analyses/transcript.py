"""The kind `transcript`: all that is said, without any analysis of it."""

from __future__ import annotations

from pydantic import Field

from shared.analyses.kinds import Kind
from shared.languages import bcp47
from shared.media.pacing import count_words
from shared.models.base import Model
from shared.models.transcript import Transcript
from shared.models.video import Extraction, TranscriptSource

MAX_TEXT = 200_000
"""Characters; about 20 hours of speech would not fit into a document of the database."""


class SpokenText(Model):
    """The words without their times, which the exports have."""

    language: str | None = Field(None, description="BCP-47 tag of what is said; None if unknown.")
    source: TranscriptSource | None = Field(None, description="None when there are no words.")
    provider: str | None = Field(None, description="Who listened, for speech.")
    model: str | None = None
    duration_sec: float
    words: int | None = Field(None, description="None when there are none, or in scripts without spaces between words.")
    segments: int
    text: str = Field(description=f"One line for each segment, at most {MAX_TEXT} characters.")
    truncated: bool = Field(False, description="There is more than `text` holds; the export has all of it.")
    notes: list[str] = []


def derive(extraction: Extraction, transcript: Transcript) -> SpokenText:
    text = "\n".join(segment.text for segment in transcript.segments)
    nothing = [] if transcript.segments else ["No words were found in this video."]
    return SpokenText(
        language=bcp47(transcript.language),
        source=transcript.source,
        provider=transcript.provider,
        model=transcript.model,
        duration_sec=extraction.info.duration_sec,
        words=count_words([text]),
        segments=len(transcript.segments),
        text=text[:MAX_TEXT],
        truncated=len(text) > MAX_TEXT,
        notes=[*transcript.notes, *nothing],
    )


KIND = Kind(
    name="transcript",
    does="All that is said, with times: from subtitles, captions or by listening.",
    stages=("extract", "transcribe", "persist"),
    schema=SpokenText,
    needs_video=False,
    derive=derive,
    collection="transcripts",
)
