"""Speech through OpenAI's transcription endpoint.

Only Whisper returns timestamps of words and segments (`verbose_json`). gpt-4o-transcribe-diarize returns timestamps of
segments, and the other models return text only, which becomes one segment of the clip's length.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from shared.ai.openai.client import PRICES, optional_feature
from shared.ai.provider import AudioClip, Transcription
from shared.ai.speech import MAX_COMPRESSION, assign_words, normalize_segments
from shared.ai.usage import Meter
from shared.errors import TransientError
from shared.languages import language_tag
from shared.models.video import Segment, Word
from shared.progress import Tick

if TYPE_CHECKING:
    from openai import OpenAI

NO_SPEECH_THRESHOLD, LOGPROB_THRESHOLD = 0.6, -1.0
"""`no_speech_threshold` and `logprob_threshold` of Whisper's decoder (`whisper/transcribe.py`)."""


class FiniteModel(BaseModel):
    model_config = ConfigDict(allow_inf_nan=False)


class SpokenWord(FiniteModel):
    word: str
    start: float
    end: float


class SpokenSegment(FiniteModel):
    text: str
    start: float
    end: float
    speaker: str | None = None
    avg_logprob: float = 0
    no_speech_prob: float = 0
    compression_ratio: float = 0


class InputTokens(FiniteModel):
    audio_tokens: int = 0


class TranscriptionUsage(FiniteModel):
    seconds: float | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    input_token_details: InputTokens | None = None


class DetectedLanguage(FiniteModel):
    code: str


class TranscriptionReply(FiniteModel):
    """A response in any of the endpoint's JSON formats. Only `text` is present in all of them."""

    text: str
    language: str | None = None
    languages: list[DetectedLanguage] | None = None
    duration: float | None = None
    segments: list[SpokenSegment] | None = None
    words: list[SpokenWord] | None = None
    usage: TranscriptionUsage | None = None


def transcribe_clip(client: OpenAI, model: str, clip: AudioClip, meter: Meter, tick: Tick) -> Transcription:
    """Transcribe the clip.

    Raises as `shared.ai.openai.client.optional_feature`, and TransientError `answer_invalid`.
    """
    meter.allow()
    tick(0, "Transcribing the audio")
    with optional_feature("transcription"):
        answer = client.audio.transcriptions.create(
            file=("sound.flac", clip.path.read_bytes(), "audio/flac"),
            model=model,
            **response_options(model),
        )
    try:
        reply = TranscriptionReply.model_validate(answer if isinstance(answer, str) else answer.to_dict(warnings=False))
    except ValidationError:
        meter.count(PRICES, model, 0, 0, audio_sec=clip.duration_sec)
        raise TransientError("answer_invalid", "The transcript from OpenAI cannot be read. Try again later.") from None
    count_usage(meter, model, reply, clip)
    segments = to_segments(reply, clip, meter)
    names = [reply.language, *(detected.code for detected in reply.languages or [])]
    language = next(filter(None, map(language_tag, names)), None) if segments else None
    return Transcription(segments, language, meter.total("openai", model))


def response_options(model: str) -> dict[str, Any]:
    """Return the options for the most detailed response that the model supports."""
    if "diarize" in model:
        return {"response_format": "diarized_json", "chunking_strategy": "auto"}
    if model.startswith("gpt-"):
        return {"response_format": "json"}
    return {
        "response_format": "verbose_json",
        "timestamp_granularities": ["word", "segment"],
        "temperature": 0,
    }


def count_usage(meter: Meter, model: str, reply: TranscriptionReply, clip: AudioClip) -> None:
    billed = reply.usage or TranscriptionUsage()
    meter.count(
        PRICES,
        model,
        billed.input_tokens,
        billed.output_tokens,
        audio_tokens=billed.input_token_details.audio_tokens if billed.input_token_details else 0,
        audio_sec=billed.seconds or reply.duration or clip.duration_sec,
    )


def to_segments(reply: TranscriptionReply, clip: AudioClip, meter: Meter) -> list[Segment]:
    if reply.segments is None:
        if reply.text.strip():
            meter.note("The speech model returned no timestamps: each text covers the whole passage it comes from.")
        return normalize_segments([Segment(start=0, end=clip.duration_sec, text=reply.text)], clip.duration_sec)
    spoken = sorted(reply.segments, key=lambda item: item.start)
    words = [Word(start=item.start, end=item.end, text=item.word) for item in reply.words or []]
    segments = assign_words([spoken_segment(item) for item in spoken], words)
    kept = [
        item
        for item, measures in zip(segments, spoken, strict=True)
        if not is_hallucinated(measures, clip.duration_sec)
    ]
    if len(kept) < len(segments):
        meter.note("Passages that the speech model marked as silence or as unreliable were omitted.")
    return normalize_segments(kept, clip.duration_sec)


def spoken_segment(spoken: SpokenSegment) -> Segment:
    return Segment(start=spoken.start, end=spoken.end, text=spoken.text, speaker=spoken.speaker)


def is_hallucinated(spoken: SpokenSegment, duration_sec: float) -> bool:
    """Return True if Whisper's decoder would treat the segment as silence or a loop, or if it starts after the clip."""
    silent = spoken.no_speech_prob > NO_SPEECH_THRESHOLD and spoken.avg_logprob < LOGPROB_THRESHOLD
    return silent or spoken.compression_ratio > MAX_COMPRESSION or spoken.start >= duration_sec
