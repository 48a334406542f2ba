"""The kind `transcript`: the spoken words, without analysis."""

from __future__ import annotations

from pydantic import Field

from shared.analyses.kinds import Kind
from shared.languages import language_tag
from shared.media.video.pacing import count_words
from shared.models import Model
from shared.models.video import Extraction, Transcript, TranscriptSource
from shared.wiring import EXTRACT, PERSIST, TRANSCRIBE

MAX_TEXT = 200_000
"""Maximum number of characters; the text of about 20 hours of speech would exceed the size limit of a document."""


class SpokenText(Model):
    """The transcript as text. Exports contain the timestamps."""

    language: str | None = Field(None, description="Language as a BCP-47 tag. Null if unknown.")
    source: TranscriptSource | None = Field(None, description="Where the text comes from. Null if there is none.")
    provider: str | None = Field(None, description="The provider that transcribed the speech, if any.")
    model: str | None = Field(None, description="The model that transcribed the speech, if any.")
    duration_sec: float = Field(description="Duration of the video in seconds.")
    words: int | None = Field(
        None, description="Number of words. Null if there are none, or in scripts without spaces between words."
    )
    segments: int = Field(description="Number of segments.")
    text: str = Field(description=f"The transcript, one line per segment, at most {MAX_TEXT:,} characters.")
    truncated: bool = Field(False, description="Whether `text` was cut off. The export contains all of it.")
    notes: list[str] = Field([], description="Remarks, e.g. that no speech recognition was available.")


def derive(extraction: Extraction, transcript: Transcript) -> SpokenText:
    text = "\n".join(segment.text for segment in transcript.segments)
    remarks = [] if transcript.segments else ["No words were found in this video."]
    return SpokenText(
        language=language_tag(transcript.language),
        source=transcript.source,
        provider=transcript.provider,
        model=transcript.model,
        duration_sec=extraction.info.duration_sec,
        words=count_words([text]),
        segments=len(transcript.segments),
        text=text[:MAX_TEXT],
        truncated=len(text) > MAX_TEXT,
        notes=[*transcript.notes, *remarks],
    )


KIND = Kind(
    name="transcript",
    does="The spoken words with timestamps, from subtitles, captions or speech recognition.",
    stages=(EXTRACT, TRANSCRIBE, PERSIST),
    schema=SpokenText,
    needs_video=False,
    derive=derive,
    collection="transcripts",
)
