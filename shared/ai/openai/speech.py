"""Speech through OpenAI's transcription endpoint.

Only Whisper tells when each word and segment is said (`verbose_json`); gpt-4o-transcribe-diarize tells segments, and
the other models tell the text alone, which is then one segment as long as the sound.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from shared.ai.meter import Meter
from shared.ai.openai.calls import optional
from shared.ai.provider import Heard, Sound
from shared.ai.speech import MAX_COMPRESSION, in_order, with_words
from shared.errors import TransientError
from shared.languages import language_tag
from shared.models.video import Segment, Word
from shared.progress import Tick

if TYPE_CHECKING:
    from openai import OpenAI

NO_SPEECH, LOW_PROBABILITY = 0.6, -1.0
"""`no_speech_threshold` and `logprob_threshold` of Whisper's decoder (`whisper/transcribe.py`)."""


class Told(BaseModel):
    model_config = ConfigDict(allow_inf_nan=False)


class SpokenWord(Told):
    word: str
    start: float
    end: float


class SpokenSegment(Told):
    text: str
    start: float
    end: float
    avg_logprob: float = 0
    no_speech_prob: float = 0
    compression_ratio: float = 0


class InputTokens(Told):
    audio_tokens: int = 0


class Billed(Told):
    seconds: float | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    input_token_details: InputTokens | None = None


class Language(Told):
    code: str


class Transcription(Told):
    """What the endpoint answers in any of its JSON formats; everything but the text is there in some only."""

    text: str
    language: str | None = None
    languages: list[Language] | None = None
    duration: float | None = None
    segments: list[SpokenSegment] | None = None
    words: list[SpokenWord] | None = None
    usage: Billed | None = None


def listen(client: OpenAI, model: str, sound: Sound, meter: Meter, tick: Tick) -> Heard:
    """What is said in the sound.

    Raises what `shared.ai.openai.calls.optional` does, and TransientError `answer_invalid`.
    """
    meter.allow()
    tick(0, "Transcribing the audio")
    with optional("transcription"):
        answer = client.audio.transcriptions.create(
            file=("sound.flac", sound.path.read_bytes(), "audio/flac"),
            model=model,
            **asked_of(model),
        )
    try:
        told = Transcription.model_validate(answer if isinstance(answer, str) else answer.to_dict(warnings=False))
    except ValidationError:
        meter.count("openai", model, 0, 0, audio_sec=sound.duration_sec)
        raise TransientError("answer_invalid", "The transcript from OpenAI cannot be read. Try again later.") from None
    bill(meter, model, told, sound)
    segments = segments_of(told, sound, meter)
    names = [told.language, *(one.code for one in told.languages or [])]
    language = next(filter(None, map(language_tag, names)), None) if segments else None
    return Heard(segments, language, meter.total("openai", model))


def asked_of(model: str) -> dict[str, Any]:
    """The most that each model can be asked for."""
    if "diarize" in model:
        return {"response_format": "diarized_json", "chunking_strategy": "auto"}
    if model.startswith("gpt-"):
        return {"response_format": "json"}
    return {
        "response_format": "verbose_json",
        "timestamp_granularities": ["word", "segment"],
        "temperature": 0,
    }


def bill(meter: Meter, model: str, told: Transcription, sound: Sound) -> None:
    billed = told.usage or Billed()
    meter.count(
        "openai",
        model,
        billed.input_tokens,
        billed.output_tokens,
        audio_tokens=billed.input_token_details.audio_tokens if billed.input_token_details else 0,
        audio_sec=billed.seconds or told.duration or sound.duration_sec,
    )


def segments_of(told: Transcription, sound: Sound, meter: Meter) -> list[Segment]:
    if told.segments is None:
        if told.text.strip():
            meter.note("The speech model returned no timestamps: each text covers the whole passage it comes from.")
        return in_order([Segment(start=0, end=sound.duration_sec, text=told.text)], sound.duration_sec)
    spoken = sorted(told.segments, key=lambda one: one.start)
    words = [Word(start=one.start, end=one.end, text=one.word) for one in told.words or []]
    segments = with_words([Segment(start=one.start, end=one.end, text=one.text) for one in spoken], words)
    kept = [one for one, measures in zip(segments, spoken, strict=True) if not invented(measures, sound.duration_sec)]
    if len(kept) < len(segments):
        meter.note("Passages that the speech model marked as silence or as unreliable were omitted.")
    return in_order(kept, sound.duration_sec)


def invented(spoken: SpokenSegment, duration_sec: float) -> bool:
    """Whether Whisper's own decoder would call it silence or a loop; or it is in the padding after the sound's end."""
    silent = spoken.no_speech_prob > NO_SPEECH and spoken.avg_logprob < LOW_PROBABILITY
    return silent or spoken.compression_ratio > MAX_COMPRESSION or spoken.start >= duration_sec
