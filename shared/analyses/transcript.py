"""The kind `transcript`: the spoken words, without analysis."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from shared.analyses.kinds import Kind
from shared.languages import language_tag
from shared.media.video.pacing import count_words
from shared.models import Model
from shared.models.job import EmptyResult
from shared.models.video import Extraction, Transcript, TranscriptGap, TranscriptSource
from shared.wiring import EXTRACT, PERSIST, TRANSCRIBE

MAX_TEXT = 200_000
"""Maximum number of characters; the text of about 20 hours of speech would exceed the size limit of a document."""


GAP_SENTENCES: dict[TranscriptGap | None, str] = {
    "no_audio": "The video has no audio and no subtitles.",
    "silent": "The audio of the video is silent, and there are no subtitles.",
    "not_transcribed": "The audio was not transcribed: no speech model or AI key is configured for its language.",
    "no_speech": "The audio was transcribed, but no speech was recognized.",
    None: "No transcript is available for this video.",
}
"""Why there is no transcript. A video that was not transcribed may well contain speech."""
GAP_ADVICE: dict[TranscriptGap | None, str] = {
    "not_transcribed": "Run `clipwise models install speech`, set an AI key or add subtitles; then submit it again.",
    None: "Submit a video with speech or subtitles.",
}


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
    notes = transcript.notes or ([] if transcript.segments else [GAP_SENTENCES[transcript.gap]])
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
        notes=notes,
    )


def explain_empty_result(
    kind: Kind, result: dict[str, Any], gap: TranscriptGap | None, offline: bool
) -> EmptyResult | None:
    """Return why a result is empty and what would help; None if it is not empty.

    Args:
        gap: Why the job has no transcript; None if it has one.
        offline: Whether the result was made without AI.
    """
    if kind.is_empty is None or not kind.is_empty(kind.schema.model_validate(result)):
        return None
    reason = f" {GAP_SENTENCES[gap]}" if gap else ""
    advice = (
        GAP_ADVICE.get(gap, GAP_ADVICE[None]) if gap or kind is KIND else f"Submit a video that contains a {kind.name}."
    )
    if offline:
        advice += " With an AI key, Clipwise also understands pictures."
    return EmptyResult(code=gap or "nothing_found", message=f"The {kind.name} is empty.{reason}", advice=advice)


KIND = Kind(
    name="transcript",
    does="The spoken words with timestamps, from subtitles, captions or speech recognition.",
    stages=(EXTRACT, TRANSCRIBE, PERSIST),
    schema=SpokenText,
    needs_video=False,
    needs_file=False,
    is_empty=lambda result: not result.text,
    derive=derive,
    collection="transcripts",
)
