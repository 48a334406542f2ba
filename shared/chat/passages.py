"""The stored passages of videos, made of their transcripts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shared.ai.offline.terms import terms
from shared.ai.provider import EmbeddingResult
from shared.chat.windows import Window
from shared.models.chat import Passage
from shared.models.transcript import Transcript
from shared.pipeline.segments import SEGMENTS, segments_where
from shared.platform.ports import Documents, Vector

MAX_WORDS = 400
"""Terms of a passage; nobody says more in a window."""


@dataclass(frozen=True)
class PassageSource:
    """Whose words they are, and which job brought them."""

    owner: str
    video_id: str
    job_id: str


def passage_id(video_id: str, number: int) -> str:
    return f"{video_id}-{number:05}"


def build_passage(
    source: PassageSource, number: int, window: Window, transcript: Transcript, model: str | None
) -> Passage:
    return Passage(
        owner=source.owner,
        video_id=source.video_id,
        job_id=source.job_id,
        number=number,
        start=window.start,
        end=window.end,
        text=window.text,
        lines=list(window.lines),
        language=transcript.language,
        words=list(dict.fromkeys(terms(window.text)))[:MAX_WORDS],
        model=model,
    )


def store_passages(
    documents: Documents,
    source: PassageSource,
    windows: Sequence[Window],
    transcript: Transcript,
    embeddings: EmbeddingResult | None,
) -> None:
    """Put the windows in place of whatever passages the video had."""
    model = embeddings.usage.model if embeddings else None
    for number, window in enumerate(windows):
        data = build_passage(source, number, window, transcript, model).to_document()
        if embeddings:
            data["embedding"] = Vector(tuple(embeddings.vectors[number]))
        documents.put(SEGMENTS, passage_id(source.video_id, number), data)
    for old in list(segments_where(documents, "videoId", source.video_id)):
        if old.data["number"] >= len(windows):
            documents.delete(SEGMENTS, old.id)


def passages_job_id(documents: Documents, video_id: str) -> str | None:
    """The job whose transcript the video's passages are from; None when it has no passages."""
    page = documents.query(SEGMENTS, [("videoId", "==", video_id)], limit=1)
    return next((str(document.data["jobId"]) for document in page.documents), None)
