"""The provider for Gemini, with an API key or through Vertex AI. Its input is the whole video with its audio.

A small video is part of the request. In the cloud, a larger one is read from its bucket; elsewhere it is uploaded to
the Files API and deleted afterwards. Vertex AI has no Files API: there, outside the cloud, key frames replace a larger
video. The service samples one frame per second.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel

from shared.ai.gemini.client import VENDOR, create_client, prices_for, with_retries
from shared.ai.gemini.files import INLINE_BYTES, SMALL_BYTES, registered_object, temporary_upload
from shared.ai.gemini.generation import conversation, generate_answer, stream_chat
from shared.ai.gemini.speech import transcribe_clip
from shared.ai.links import LinkFilter
from shared.ai.prompt import evidence_text, instructions, measure_evidence
from shared.ai.provider import AnalysisResult, AudioClip, EmbeddingResult, Transcription, Turn, estimate_tokens
from shared.ai.structured_output import MAX_ANSWER_TOKENS, ModelAnswer, RepairRequest, request_structured_output
from shared.ai.usage import Meter, PriceList, ServiceMeter
from shared.ai.vectors import DIMENSIONS, batches, normalize_vectors, threshold_for, truncate_texts
from shared.ai.windows import AnalysisWindow, analyze_windows, divide_evidence
from shared.analyses.evidence import Evidence, TimedLine
from shared.analyses.kinds import Kind
from shared.errors import PermanentError
from shared.progress import Tick, tick_within
from shared.settings import Settings

if TYPE_CHECKING:
    from google.genai import Client
    from google.genai.types import EmbedContentResponse, Part

BATCH_TEXTS, BATCH_BYTES = 100, 60_000
"""Limits of one embedding request: the API accepts 100 texts, Vertex AI 20 000 tokens."""
TASKS = {"document": "RETRIEVAL_DOCUMENT", "query": "RETRIEVAL_QUERY"}
WITHOUT_TASKS = "gemini-embedding-2"
"""This model has no task types: a prefix of each text names its purpose."""
PREFIXES = {"document": "title: none | text: ", "query": "task: search result | query: "}
MIN_SIMILARITY = {"gemini-embedding-001": 0.5, "gemini-embedding-2": 0.4}
"""See `shared.ai.vectors.threshold_for`."""
MEASURES_DONE, UPLOAD_DONE = 0.15, 0.3
"""Progress of an analysis once the kind's measurements are done, and once the video is uploaded."""
DETAILED_SEC, LONGEST_SEC = 50 * 60.0, 150 * 60.0
"""A context of a million tokens holds an hour of video in detail, or three hours at low resolution; the rest is for the
texts and the answer."""
TOKENS_PER_SEC, LOW_TOKENS_PER_SEC = 300, 100
"""Tokens of a second of video with its audio: https://ai.google.dev/gemini-api/docs/video-understanding."""
READ_FROM_LINK = "Gemini read the video from its link; it was not downloaded."
MEDIA_TYPES = {
    "webm": "video/webm",
    "mp4": "video/mp4",
    "avi": "video/x-msvideo",
    "mpeg": "video/mpeg",
    "flv": "video/x-flv",
}
"""Media types that Gemini accepts, by a word in the container's name; any other container is sent as MP4."""


class GeminiProvider:
    name = VENDOR

    def __init__(self, settings: Settings, meter: Meter) -> None:
        """Raises PermanentError `provider_key_missing`."""
        if not settings.gemini_api_key and not settings.google_genai_use_vertexai:
            raise PermanentError(
                "provider_key_missing",
                "Gemini is selected but has no API key. Set GEMINI_API_KEY or GOOGLE_GENAI_USE_VERTEXAI.",
            )
        self._settings = settings
        self._meter = ServiceMeter(meter, prices_for(settings))

    def analyze(self, kind: Kind, evidence: Evidence, language: str, tick: Tick) -> AnalysisResult:
        rules = instructions(kind, evidence, language)
        # Do not upload a video if the budget does not allow the call.
        self._meter.allow()
        screen: Sequence[TimedLine] = []
        if kind.measure:
            # Gemini reads on-screen text itself, but measurements must not depend on the provider.
            evidence, screen = measure_evidence(
                kind, evidence, language, self._meter.meter, tick_within(tick, 0, MEASURES_DONE)
            )
        evidence = replace(evidence, model_hears_audio=self._can_send_video(evidence))
        is_long = evidence.model_hears_audio and evidence.info.duration_sec > DETAILED_SEC
        windows = divide_evidence(evidence, screen, LONGEST_SEC if evidence.model_hears_audio else inf)
        answer_tick, model = tick_within(tick, UPLOAD_DONE, 1), self._settings.gemini_model
        with (
            create_client(self._settings) as client,
            self._video_parts(
                client, evidence, tick_within(tick, MEASURES_DONE if kind.measure else 0, UPLOAD_DONE)
            ) as (parts, frames),
        ):

            def request_result(further_rules: str, window: AnalysisWindow | None, text: str, tick: Tick) -> BaseModel:
                shown = window_parts(parts, window, len(windows)) if window else []

                def call_model(max_tokens: int, repair: RepairRequest | None) -> ModelAnswer:
                    self._meter.allow()
                    return generate_answer(
                        client,
                        model,
                        rules + further_rules,
                        conversation(shown, text, repair),
                        kind.schema,
                        max_tokens,
                        self._meter,
                        tick,
                        low_resolution=is_long,
                    )

                return request_structured_output(kind.schema, call_model, tick)

            result = analyze_windows(windows, evidence, request_result, answer_tick)
        result = LinkFilter([evidence_text(window.evidence, window.screen) for window in windows]).filter_model(result)
        if kind.complete:
            result = kind.complete(result, evidence, language)
        return AnalysisResult(result, self._meter.total(model, kind.prompt_version, frames))

    def transcribe(self, clip: AudioClip, tick: Tick) -> Transcription:
        settings = self._settings
        with create_client(settings) as client:
            return transcribe_clip(
                client, settings.gemini_model, clip, not settings.google_genai_use_vertexai, self._meter, tick
            )

    def embed(self, texts: Sequence[str], purpose: Literal["document", "query"], tick: Tick) -> EmbeddingResult:
        with create_client(self._settings) as client:
            return embed(client, self._settings.gemini_embed_model, texts, purpose, self._meter, tick)

    def chat(self, instructions: str, turns: Sequence[Turn], tick: Tick) -> Iterator[str]:
        with create_client(self._settings) as client:
            yield from stream_chat(client, self._settings.gemini_model, instructions, turns, self._meter, tick)

    def _can_send_video(self, evidence: Evidence) -> bool:
        return evidence.source_uri is not None or (
            evidence.source is not None
            and (self._fits_inline(evidence) or not self._settings.google_genai_use_vertexai)
        )

    def _fits_inline(self, evidence: Evidence) -> bool:
        return evidence.info.size_bytes <= (SMALL_BYTES if self._settings.google_genai_use_vertexai else INLINE_BYTES)

    @contextmanager
    def _video_parts(self, client: Client, evidence: Evidence, tick: Tick) -> Iterator[tuple[list[Part], int]]:
        """Yield the video or its key frames as parts of the request, and the number of frames that the service sees."""
        from google.genai.types import Part

        if not self._can_send_video(evidence):
            self._meter.note("Gemini received key frames instead of the whole video.")
            yield key_frame_parts(evidence), len(evidence.frames)
            return
        media_type = media_type_of(evidence.info.container)
        with self._video_reference(client, evidence, media_type, tick) as uri:
            if uri:
                part = Part.from_uri(file_uri=uri, mime_type=media_type)
            else:
                part = Part.from_bytes(data=load_video(evidence, tick).read_bytes(), mime_type=media_type)
            yield [part], round(evidence.info.duration_sec) or 1

    @contextmanager
    def _video_reference(self, client: Client, evidence: Evidence, media_type: str, tick: Tick) -> Iterator[str | None]:
        """Yield the URI by which the service reads the video; None if the video is to be part of the request."""
        if evidence.source is None:
            prices, model = self._meter.prices, self._settings.gemini_model
            self._meter.allow(expected_cost_usd(prices, model, evidence.info.duration_sec))
            self._meter.note(READ_FROM_LINK)
            yield evidence.source_uri
            return
        uri = evidence.source_uri if evidence.info.size_bytes > SMALL_BYTES else None
        if uri and self._settings.google_genai_use_vertexai:
            yield uri
            return
        with ExitStack() as stack:
            file_uri = stack.enter_context(registered_object(client, uri, tick)) if uri else None
            if file_uri is None and not self._fits_inline(evidence):
                path = load_video(evidence, tick)
                file_uri = stack.enter_context(temporary_upload(client, path, media_type, tick))
            yield file_uri


def expected_cost_usd(prices: PriceList, model: str, duration_sec: float) -> float:
    """Return the cost of reading a video and writing the longest answer."""
    tokens_per_sec = LOW_TOKENS_PER_SEC if duration_sec > DETAILED_SEC else TOKENS_PER_SEC
    return prices.cost_usd(model, round(tokens_per_sec * duration_sec), MAX_ANSWER_TOKENS)


def load_video(evidence: Evidence, tick: Tick) -> Path:
    assert evidence.source is not None  # noqa: S101  # checked before a video is sent
    tick(0, "Downloading the video")
    return evidence.source()


def media_type_of(container: str) -> str:
    return next((media_type for word, media_type in MEDIA_TYPES.items() if word in container), MEDIA_TYPES["mp4"])


def window_parts(parts: Sequence[Part], window: AnalysisWindow, of: int) -> Sequence[Part]:
    """Return the parts of a request about one of several windows: its stretch of the video, or its key frames."""
    from google.genai.types import VideoMetadata

    if of == 1:
        return parts
    if len(parts) != 1:
        return key_frame_parts(window.evidence)
    stretch = VideoMetadata(start_offset=f"{window.start:.3f}s", end_offset=f"{window.end:.3f}s")
    return [parts[0].model_copy(update={"video_metadata": stretch})]


def key_frame_parts(evidence: Evidence) -> list[Part]:
    """Return each key frame after a line with its time."""
    from google.genai.types import Part

    parts: list[Part] = []
    for frame, path in evidence.frames:
        parts.append(Part.from_text(text=f"Key frame at {frame.time:.2f} s:"))
        parts.append(Part.from_bytes(data=path.read_bytes(), mime_type="image/jpeg"))
    return parts


def embed(
    client: Client,
    model: str,
    texts: Sequence[str],
    purpose: Literal["document", "query"],
    meter: ServiceMeter,
    tick: Tick,
) -> EmbeddingResult:
    """Return a vector per text; raises as `with_retries` and `shared.ai.vectors.normalize_vectors`."""
    vectors: list[list[float]] = []
    for batch in batches(truncate_texts(texts), BATCH_TEXTS, BATCH_BYTES):
        meter.allow()
        tick(len(vectors) / len(texts), "Embedding texts")
        answer = _request_embeddings(client, model, batch, purpose, tick)
        meter.count(model, _count_tokens(answer, batch), 0)
        vectors += normalize_vectors(
            [embedding.values or [] for embedding in answer.embeddings or []], len(batch), model
        )
    return EmbeddingResult(vectors, DIMENSIONS, meter.total(model), threshold_for(model, MIN_SIMILARITY))


def _request_embeddings(
    client: Client, model: str, texts: Sequence[str], purpose: Literal["document", "query"], tick: Tick
) -> EmbedContentResponse:
    from google.genai.types import Content, EmbedContentConfig, Part

    task = None if model.startswith(WITHOUT_TASKS) else TASKS[purpose]
    prefix = "" if task else PREFIXES[purpose]
    # Each text is a content of its own: multimodal models would treat plain strings as parts of one content.
    contents = [Content(parts=[Part.from_text(text=prefix + text)]) for text in texts]
    config = EmbedContentConfig(task_type=task, output_dimensionality=DIMENSIONS)
    return with_retries(lambda: client.models.embed_content(model=model, contents=[*contents], config=config), tick)


def _count_tokens(answer: EmbedContentResponse, texts: Sequence[str]) -> int:
    """Return the tokens that the service reports, in total or per text; an estimate if it reports none."""
    if answer.usage_metadata and answer.usage_metadata.prompt_token_count:
        return answer.usage_metadata.prompt_token_count
    token_counts = [embedding.statistics.token_count for embedding in answer.embeddings or [] if embedding.statistics]
    return round(sum(filter(None, token_counts))) or estimate_tokens(*texts)
