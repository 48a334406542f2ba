"""Speech through OpenAI's transcription endpoint.

Whisper returns timestamps of words and segments (`verbose_json`), gpt-4o-transcribe-diarize those of segments. The
other models of OpenAI, and some compatible servers, return text only, to which estimated times are added.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError

from shared.ai.alignment import align_text
from shared.ai.openai.endpoint import Endpoint
from shared.ai.openai.errors import translate_errors
from shared.ai.provider import AudioClip, Transcription
from shared.ai.speech import MAX_COMPRESSION, assign_words, normalize_segments
from shared.ai.usage import ServiceMeter
from shared.errors import TransientError
from shared.languages import language_tag
from shared.models.video import Segment, Word
from shared.progress import Tick

if TYPE_CHECKING:
    from openai import OpenAI

NO_SPEECH_THRESHOLD, LOGPROB_THRESHOLD = 0.6, -1.0
"""`no_speech_threshold` and `logprob_threshold` of Whisper's decoder (`whisper/transcribe.py`)."""
FORMAT_REFUSALS = frozenset((400, 415, 422, 500))
"""Statuses of compatible servers for a format that the model does not have; speaches has 500."""


class FiniteModel(BaseModel):
    model_config = ConfigDict(allow_inf_nan=False)


class TranscriptionWord(FiniteModel):
    """A word; in whisper.cpp a token, and without times if it computes none."""

    word: str = Field(validation_alias=AliasChoices("word", "text"))  # `text`: LocalAI
    start: float | None = None
    end: float | None = None


class SpokenSegment(FiniteModel):
    """A segment. Servers omit what their engine does not compute, or send null."""

    text: str
    start: float | None = None
    end: float | None = None
    speaker: str | None = None
    words: list[TranscriptionWord] | None = None
    avg_logprob: float | None = None
    no_speech_prob: float | None = None
    compression_ratio: float | None = None


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
    words: list[TranscriptionWord] | None = None
    usage: TranscriptionUsage | None = None

    def has_times(self) -> bool:
        return bool(self.segments) and all(item.start is not None for item in self.segments or [])


def transcribe_clip(
    client: OpenAI, endpoint: Endpoint, clip: AudioClip, meter: ServiceMeter, tick: Tick
) -> Transcription:
    """Transcribe the clip.

    Raises as `translate_errors`, and TransientError `answer_invalid`.
    """
    meter.allow()
    tick(0, "Transcribing the audio")
    with translate_errors(endpoint):
        answer = _request(client, endpoint, clip)
    model = endpoint.model
    try:
        reply = TranscriptionReply.model_validate(answer if isinstance(answer, str) else answer.to_dict(warnings=False))
    except ValidationError:
        meter.count(model, 0, 0, audio_sec=clip.duration_sec)
        raise TransientError(
            "answer_invalid", f"The transcript from {endpoint.name} cannot be read. Try again later."
        ) from None
    count_usage(meter, model, reply, clip)
    segments = to_segments(reply, clip, meter)
    names = [reply.language, *(detected.code for detected in reply.languages or [])]
    language = next(filter(None, map(language_tag, names)), None) if segments else None
    return Transcription(segments, language, meter.total(model))


def _request(client: OpenAI, endpoint: Endpoint, clip: AudioClip) -> Any:
    """Request the most detailed format; of a compatible server that refuses it, the text only."""
    from openai import APIStatusError

    file, model = ("sound.flac", clip.path.read_bytes(), "audio/flac"), endpoint.model
    try:
        return client.audio.transcriptions.create(file=file, model=model, **response_options(endpoint))
    except APIStatusError as error:
        if endpoint.is_vendor or error.status_code not in FORMAT_REFUSALS:
            raise
    return client.audio.transcriptions.create(file=file, model=model, response_format="json")


def response_options(endpoint: Endpoint) -> dict[str, Any]:
    """Return the options for the most detailed response that the model supports."""
    model = endpoint.model
    if endpoint.is_vendor and "diarize" in model:
        return {"response_format": "diarized_json", "chunking_strategy": "auto"}
    if endpoint.is_vendor and model.startswith("gpt-"):
        return {"response_format": "json"}
    return {
        "response_format": "verbose_json",
        "timestamp_granularities": ["word", "segment"],
        "temperature": 0,
    }


def count_usage(meter: ServiceMeter, model: str, reply: TranscriptionReply, clip: AudioClip) -> None:
    billed = reply.usage or TranscriptionUsage()
    meter.count(
        model,
        billed.input_tokens,
        billed.output_tokens,
        audio_tokens=billed.input_token_details.audio_tokens if billed.input_token_details else 0,
        audio_sec=billed.seconds or reply.duration or clip.duration_sec,
    )


def to_segments(reply: TranscriptionReply, clip: AudioClip, meter: ServiceMeter) -> list[Segment]:
    if not reply.has_times():
        segments = align_text(reply.text, clip.duration_sec, clip.silences)
        if segments:
            meter.note("The speech model returned no timestamps; they are estimated from pauses and lengths.")
        return normalize_segments(segments, clip.duration_sec)
    spoken = sorted(reply.segments or [], key=lambda item: item.start or 0)
    segments = [spoken_segment(item) for item in spoken]
    if reply.words:
        segments = assign_words(segments, join_tokens(reply.words))
    else:
        own_words = [join_tokens(item.words or []) for item in spoken]
        segments = [
            segment.model_copy(update={"words": words}) for segment, words in zip(segments, own_words, strict=True)
        ]
    kept = [
        item
        for item, measures in zip(segments, spoken, strict=True)
        if not is_hallucinated(measures, clip.duration_sec)
    ]
    if len(kept) < len(segments):
        meter.note("Passages that the speech model marked as silence or as unreliable were omitted.")
    return normalize_segments(kept, clip.duration_sec)


def join_tokens(words: Sequence[TranscriptionWord]) -> list[Word]:
    """Return the words that have times. If some begin with a space, the others are tokens that continue a word."""
    are_tokens = any(word.word.startswith(" ") for word in words)
    joined: list[Word] = []
    for word in words:
        if word.start is None or word.end is None:
            continue
        if joined and are_tokens and not word.word.startswith(" "):
            update = {"text": joined[-1].text + word.word, "end": max(joined[-1].end, word.end)}
            joined[-1] = joined[-1].model_copy(update=update)
        else:
            joined.append(Word(start=word.start, end=word.end, text=word.word))
    return joined


def spoken_segment(spoken: SpokenSegment) -> Segment:
    start = spoken.start or 0
    return Segment(start=start, end=spoken.end or start, text=spoken.text, speaker=spoken.speaker)


def is_hallucinated(spoken: SpokenSegment, duration_sec: float) -> bool:
    """Return True if Whisper's decoder would treat the segment as silence or a loop, or if it starts after the clip."""
    silent = (spoken.no_speech_prob or 0) > NO_SPEECH_THRESHOLD and (spoken.avg_logprob or 0) < LOGPROB_THRESHOLD
    return silent or (spoken.compression_ratio or 0) > MAX_COMPRESSION or (spoken.start or 0) >= duration_sec
