"""A short video taken apart: why it works, its script by time, what would make it better.

`readOnly` marks what is never a model's to say: AI providers are not asked for it, and what they say of it is dropped.
"""

from __future__ import annotations

from pydantic import Field

from shared.models.base import Model
from shared.models.recipe import OURS
from shared.models.video import Loudness

KEYS = 5


class Original(Model):
    """What is said in the video."""

    transcription: str | None = Field(
        None, description="The words as they are said; null when the evidence has a transcript, or nothing is heard."
    )
    translation: str | None = Field(
        None, description="The same in the language asked for; null when it is said in that language, or not at all."
    )


class Key(Model):
    """One thing the video does that keeps people watching."""

    title: str
    description: str


class Scene(Model):
    """A stretch of the script."""

    start: float = Field(description="Seconds.")
    end: float = Field(description="Seconds.")
    time: str = Field("", description="`start` and `end` for people: `00:03–00:07`.", json_schema_extra=OURS)
    visual: str = Field(description="What is to be seen.")
    text: str = Field(description="What is said, or shown as text; empty for neither.")
    note: str = Field(description="For whoever makes the video: camera, cut, sound, mood; empty for none.")


class Recommendation(Model):
    category: str
    text: str


class Pacing(Model):
    """What was measured in the video. None is what could not be: there was nothing of the sort to measure."""

    duration_sec: float
    shots: int
    cuts_per_minute: float
    mean_shot_sec: float | None = None
    median_shot_sec: float | None = None
    longest_shot_sec: float | None = None
    first_cut_sec: float | None = None
    first_words_sec: float | None = Field(None, description="When the first word is said.")
    first_text_sec: float | None = Field(None, description="When the first text stands on the screen.")
    hook_sec: float | None = Field(
        None, description="Until anything happens: the earliest of first cut, first words and first text."
    )
    loudness: Loudness | None = None
    silence_share: float | None = Field(None, description="Of the duration, 0 to 1; None without a sound track.")
    words_spoken: int | None = None
    words_per_minute: float | None = Field(None, description="Over the time in which somebody speaks.")
    text_share: float | None = Field(None, description="Share of the time with text on the screen, 0 to 1.")
    text_words_per_sec: float | None = Field(
        None, description="Words to be read for each second with text on the screen."
    )


class Reel(Model):
    original: Original
    keys: list[Key] = Field(
        min_length=KEYS, max_length=KEYS, description=f"Exactly {KEYS} things that keep people watching."
    )
    script: list[Scene] = Field(description="The video from start to end, in order of time.")
    recommendations: list[Recommendation]
    pacing: Pacing | None = Field(None, json_schema_extra=OURS)
    language: str | None = Field(None, description="BCP-47 tag of the text in this result.", json_schema_extra=OURS)
    notes: list[str] = Field(
        [], description="What the reader should know, e.g. limits of the provider.", json_schema_extra=OURS
    )
