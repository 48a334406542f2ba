"""The kind `reel`: why a short video works, its script by time, pacing metrics and recommendations."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, Field

from shared.analyses.evidence import Evidence, TimedLine, clamp_time
from shared.analyses.kinds import Kind
from shared.analyses.transcript import GAP_SENTENCES
from shared.languages import is_same_language
from shared.media.video.pacing import measure_pacing, trace_timeline
from shared.models import READ_ONLY, Model
from shared.models.video import Pacing, PacingTimeline
from shared.wiring import ANALYZE, EXTRACT, PERSIST, TRANSCRIBE

KEY_COUNT = 5
PROMPT = """\
Take this short video apart for somebody who makes such videos for social media.

- original.transcription: what you hear being said, word for word, in the language it is said in. Null when the evidence
  has a transcript, which is kept as it is, and null when you cannot hear the video or nothing is said in it.
- original.translation: all that is said, translated. Null when it is said in the language you write in already, or when
  nothing is said.
- keys: exactly 5 things that this video does to make people stop, stay and act, the strongest first: its hook, its
  structure, its pace, its emotion, its call to act, or whatever else it is. Each with a short title and a description
  that names the place in the video.
- script: the video from start to end, scene by scene, so that somebody else could film it again. For each scene its
  start and end in seconds, what is to be seen, the words that are said or shown (translated), and a note on camera,
  cut, sound or mood.
- recommendations: what would make the video better, each with a category such as hook, pace, text, sound or call to
  act.
- `measured` in the evidence was measured in this very video. Build on these numbers, and do not guess others. A null is
  unknown: where `speech` in the evidence says that the audio was not transcribed, and you cannot hear it, nothing
  follows from the absence of words, and no recommendation is about speech or captions.
"""


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


class Reel(Model):
    original: OriginalSpeech
    keys: list[KeyFactor] = Field(
        min_length=KEY_COUNT, max_length=KEY_COUNT, description=f"Exactly {KEY_COUNT} things that keep people watching."
    )
    script: list[Scene] = Field(description="The video from start to end, in order of time.")
    recommendations: list[Recommendation]
    pacing: Pacing | None = Field(None, json_schema_extra=READ_ONLY)
    timeline: PacingTimeline | None = Field(None, json_schema_extra=READ_ONLY)
    language: str | None = Field(
        None, description="BCP-47 tag of the text in this result.", json_schema_extra=READ_ONLY
    )
    notes: list[str] = Field(
        [], description="What the reader should know, e.g. limits of the provider.", json_schema_extra=READ_ONLY
    )


def measure(evidence: Evidence, screen: Sequence[TimedLine]) -> Pacing:
    sample_times = [frame.time for frame, _ in evidence.samples]
    pacing = measure_pacing(
        evidence.info, evidence.shots, evidence.audio, evidence.silences, evidence.transcript, sample_times, screen
    )
    # The first words may come before the first cut and text.
    return pacing.model_copy(update={"hook_sec": None}) if evidence.is_speech_unknown else pacing


def timeline_of(evidence: Evidence) -> PacingTimeline:
    transcript = None if evidence.is_speech_unknown else evidence.transcript
    return trace_timeline(evidence.info, evidence.shots, evidence.audio, transcript)


def complete(result: BaseModel, evidence: Evidence, language: str) -> Reel:
    """Return the model's answer with times inside the video, the stored transcript and the measured pacing."""
    reel = Reel.model_validate(result)
    words = spoken_text(evidence)
    # A model that did not receive the audio can only have invented a transcription.
    reel.original.transcription = words or (reel.original.transcription if evidence.model_hears_audio else None)
    if reel.original.transcription is None:
        reel.original.translation = None
    elif is_same_language(evidence.transcript_language, language) or not reel.original.translation:
        reel.original.translation = same_language_translation(reel.original.transcription, evidence, language)
    reel.script = order_scenes(reel.script, evidence.info.duration_sec)
    reel.pacing = Pacing.model_validate(evidence.measured) if evidence.measured else None
    reel.timeline = timeline_of(evidence)
    reel.language = language
    is_unheard = reel.original.transcription is None and evidence.is_speech_unknown and not evidence.model_hears_audio
    reel.notes = [GAP_SENTENCES[evidence.transcript_gap]] if is_unheard else []
    return reel


def spoken_text(evidence: Evidence) -> str | None:
    """Return the stored transcript, a line per segment; None without one."""
    return "\n".join(segment.text for segment in evidence.transcript) or None


def same_language_translation(words: str, evidence: Evidence, language: str) -> str | None:
    """Return `words` if they are in `language` or in an unknown language, which need no translation; else None."""
    spoken_language = evidence.transcript_language
    return words if spoken_language is None or is_same_language(spoken_language, language) else None


def order_scenes(script: list[Scene], duration_sec: float) -> list[Scene]:
    """Return the scenes by time, each within the video and with a readable time range."""
    scenes = []
    for scene in script:
        start, end = sorted(round(clamp_time(time, duration_sec), 2) for time in (scene.start, scene.end))
        scenes.append(scene.model_copy(update={"start": start, "end": end, "time": time_range(start, end)}))
    return sorted(scenes, key=lambda scene: (scene.start, scene.end))


def time_range(start: float, end: float) -> str:
    """Return a range such as `00:03–00:07`, to the nearest second; a single time if both ends are equal."""
    first, last = (f"{round(time) // 60:02}:{round(time) % 60:02}" for time in (start, end))
    return first if first == last else f"{first}–{last}"


KIND = Kind(
    name="reel",
    does="Why a short video works: five key factors, a timed script, pacing metrics and recommendations.",
    stages=(EXTRACT, TRANSCRIBE, ANALYZE, PERSIST),
    schema=Reel,
    prompt=PROMPT,
    prompt_version="2",
    measure=measure,
    complete=complete,
    reads_text=True,
    is_empty=lambda result: not result.keys and not result.script,
    collection="reels",
)
