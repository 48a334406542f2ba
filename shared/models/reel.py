"""An analysis of a short video: why it works, its script by time, what would improve it.

`readOnly` marks fields that Clipwise sets itself: AI providers are not asked for them, and their values are dropped.
"""

from __future__ import annotations

from pydantic import Field

from shared.models.base import Model
from shared.models.recipe import READ_ONLY
from shared.models.video import Loudness

KEY_COUNT = 5


class OriginalSpeech(Model):
    """What is said in the video."""

    transcription: str | None = Field(
        None, description="The words as they are said; null when the evidence has a transcript, or nothing is heard."
    )
    translation: str | None = Field(
        None, description="The same in the language asked for; null when it is said in that language, or not at all."
    )


class KeyFactor(Model):
    """One thing the video does that keeps people watching."""

    title: str
    description: str


class Scene(Model):
    """A stretch of the script."""

    start: float = Field(description="Seconds.")
    end: float = Field(description="Seconds.")
    time: str = Field("", description="`start` and `end` for people: `00:03–00:07`.", json_schema_extra=READ_ONLY)
    visual: str = Field(description="What is to be seen.")
    text: str = Field(description="What is said, or shown as text; empty for neither.")
    note: str = Field(description="For whoever makes the video: camera, cut, sound, mood; empty for none.")


class Recommendation(Model):
    category: str
    text: str


class Pacing(Model):
    """Measurements of the video. A value is null if there was nothing to measure."""

    duration_sec: float = Field(description="Duration in seconds.")
    shots: int = Field(description="Number of shots.")
    cuts_per_minute: float = Field(description="Cuts per minute.")
    mean_shot_sec: float | None = Field(None, description="Mean duration of a shot in seconds.")
    median_shot_sec: float | None = Field(None, description="Median duration of a shot in seconds.")
    longest_shot_sec: float | None = Field(None, description="Duration of the longest shot in seconds.")
    first_cut_sec: float | None = Field(None, description="Time of the first cut in seconds.")
    first_words_sec: float | None = Field(None, description="Time of the first spoken word in seconds.")
    first_text_sec: float | None = Field(None, description="Time of the first on-screen text in seconds.")
    hook_sec: float | None = Field(
        None, description="Time until something happens: the earliest of first cut, first words and first text."
    )
    loudness: Loudness | None = Field(None, description="Loudness of the audio track.")
    silence_share: float | None = Field(
        None, description="Share of silence in the duration, from 0 to 1. Null without an audio track."
    )
    words_spoken: int | None = Field(None, description="Number of spoken words.")
    words_per_minute: float | None = Field(None, description="Speaking rate in words per minute of speech.")
    text_share: float | None = Field(None, description="Share of the duration with on-screen text, from 0 to 1.")
    text_words_per_sec: float | None = Field(
        None, description="On-screen words per second, over the time with on-screen text."
    )


class Reel(Model):
    original: OriginalSpeech
    keys: list[KeyFactor] = Field(
        min_length=KEY_COUNT, max_length=KEY_COUNT, description=f"Exactly {KEY_COUNT} things that keep people watching."
    )
    script: list[Scene] = Field(description="The video from start to end, in order of time.")
    recommendations: list[Recommendation]
    pacing: Pacing | None = Field(None, json_schema_extra=READ_ONLY)
    language: str | None = Field(
        None, description="BCP-47 tag of the text in this result.", json_schema_extra=READ_ONLY
    )
    notes: list[str] = Field(
        [], description="What the reader should know, e.g. limits of the provider.", json_schema_extra=READ_ONLY
    )
