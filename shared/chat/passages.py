"""The searchable passages of videos: built from transcript, on-screen text and caption, embedded and stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from shared.ai.offline.language.lexicon import detect_language
from shared.ai.offline.terms import terms
from shared.ai.provider import Provider
from shared.ai.usage import Meter, meter_for
from shared.ai.vectors import mean_vector, pack_vectors
from shared.chat.excerpts import Window, split_windows
from shared.chat.search import embedding_provider
from shared.errors import PermanentError, TransientError
from shared.media.speakers import drop_sole_speaker
from shared.models.chat import Passage
from shared.models.job import Job, Usage
from shared.models.video import Segment, Transcript
from shared.pipeline.job_storage import SCREENS, SEGMENTS, find_passages, load_screen_text
from shared.pipeline.stage_run import StageRun
from shared.platform.ports import Documents, Vector
from shared.progress import Tick, tick_within
from shared.settings import settings
from shared.wiring import wiring

INDEXES, PASSAGES = "indexes", "passages"
"""Collection, with one document: the model of the passages' vectors, while it is the same for all of them."""
COLLECTIONS = (SEGMENTS, SCREENS)
"""Collections of passages."""
MAX_WORDS = 400
"""Maximum number of terms of a passage; a window has fewer."""
EMBEDDING_DONE, STORING_DONE = 0.6, 0.9
"""Progress of the stage after each step."""
PASSAGES_SHARE = 0.4
"""Share of the time that the passages take of those models that embed lines too."""


@dataclass(frozen=True)
class PassageSource:
    """The owner and the video of passages, and the job that produced the transcript."""

    owner: str
    video_id: str
    job_id: str


def passage_id(video_id: str, number: int) -> str:
    return f"{video_id}-{number:05}"


def build_passage(source: PassageSource, number: int, window: Window, language: str | None) -> Passage:
    return Passage(
        owner=source.owner,
        video_id=source.video_id,
        job_id=source.job_id,
        number=number,
        origin=window.origin,
        start=window.start,
        end=window.end,
        text=window.text,
        lines=list(window.lines),
        language=language,
        words=list(dict.fromkeys(terms(window.text)))[:MAX_WORDS],
    )


@dataclass(frozen=True)
class PassageVectors:
    """The embeddings of some windows by one model.

    Attributes:
        passages: The vector of each window.
        lines: The packed vectors of each window's lines; None if the model's similarities do not depend on them.
    """

    model: str
    passages: Sequence[Sequence[float]]
    lines: Sequence[str] | None

    def part(self, start: int, end: int) -> PassageVectors:
        return PassageVectors(self.model, self.passages[start:end], self.lines[start:end] if self.lines else None)

    def document_fields(self, number: int) -> dict[str, Any]:
        """Return the fields of a window's document that depend on the model."""
        return {
            "model": self.model,
            "embedding": Vector(tuple(self.passages[number])),
            "lineVectors": self.lines[number] if self.lines else None,
        }


def embed_windows(provider: Provider, windows: Sequence[Window], tick: Tick) -> PassageVectors:
    """Embed windows, and their lines if the model needs them; each distinct text once. Raises as `Provider.embed`.

    A line's vector is the mean of two: of the line alone, and with the line before it, which says what it is about.
    """
    texts = [window.text for window in windows]
    result = provider.embed(texts, "document", tick_within(tick, 0, PASSAGES_SHARE))
    lines = None
    if result.calibration.line_share:
        texts_by_line = [line_texts(window) for window in windows]
        distinct = list(dict.fromkeys(chain.from_iterable(chain.from_iterable(texts_by_line))))
        line_result = provider.embed(distinct, "document", tick_within(tick, PASSAGES_SHARE, 1))
        vectors = dict(zip(distinct, line_result.vectors, strict=True))
        lines = [
            pack_vectors([mean_vector(vectors[alone], vectors[in_context]) for alone, in_context in of_window])
            for of_window in texts_by_line
        ]
    return PassageVectors(str(result.usage.model), result.vectors, lines)


def line_texts(window: Window) -> list[tuple[str, str]]:
    """Return the text of each line, and the text with the line before it in the window."""
    texts = [line.text for line in window.lines]
    return [(after, f"{before} {after}".strip()) for before, after in zip(["", *texts], texts, strict=False)]


def store_passages(
    documents: Documents,
    collection: str,
    source: PassageSource,
    windows: Sequence[Window],
    language: str | None,
    vectors: PassageVectors | None,
) -> None:
    """Replace the video's passages in a collection by the windows."""
    for number, window in enumerate(windows):
        data = build_passage(source, number, window, language).to_document()
        if vectors:
            data |= vectors.document_fields(number)
        documents.put(collection, passage_id(source.video_id, number), data)
    _delete_passages_from(documents, collection, source.video_id, len(windows))
    if windows and indexed_model(documents) not in (None, vectors and vectors.model):
        documents.delete(INDEXES, PASSAGES)


def _delete_passages_from(documents: Documents, collection: str, video_id: str, number: int) -> None:
    """Delete the passages of a video from this number on. The last one goes first: so no gap hides any."""
    if documents.get(collection, passage_id(video_id, number)) is None:
        return
    stored = find_passages(documents, collection, "videoId", video_id)
    for id in sorted((old.id for old in stored if old.data["number"] >= number), reverse=True):
        documents.delete(collection, id)


def indexed_model(documents: Documents) -> str | None:
    """Return the model of the vectors of all passages; None if some may be of another one."""
    stored = documents.get(INDEXES, PASSAGES)
    return str(stored.data["model"]) if stored else None


def set_indexed_model(documents: Documents, model: str) -> None:
    documents.put(INDEXES, PASSAGES, {"model": model})


def passages_job_id(documents: Documents, collection: str, video_id: str) -> str | None:
    """Return the id of the job whose texts the video's passages come from; None without passages."""
    page = documents.query(collection, [("videoId", "==", video_id)], limit=1)
    return next((str(document.data["jobId"]) for document in page.documents), None)


def index_video(run: StageRun, transcript: Transcript) -> Usage:
    """Store the passages of the job's texts as those of its video; return the job's usage including this.

    A job that analyzes a video again does so only if the video had no passages. Without embeddings, passages can be
    searched by words only; the job succeeds all the same. If the provider is down, raises TransientError as long as
    the stage has attempts left.
    """
    job, documents = run.job, run.place.documents
    windows = {
        SEGMENTS: split_windows(drop_sole_speaker(transcript.segments)),
        SCREENS: visible_windows(job.video.caption, load_screen_text(run.place.objects, job.id)),
    }
    source = PassageSource(job.owner, job.of_video or job.id, job.id)
    for collection in COLLECTIONS:
        if job.of_video and passages_job_id(documents, collection, job.of_video) not in (None, job.id):
            windows[collection] = []
    if not any(windows.values()):
        return job.usage
    meter = meter_for(documents, job.owner, settings().monthly_budget_usd, Usage())

    def set_usage(stored: Job) -> None:
        stored.usage = total_usage(job, meter)

    run.add_result(set_usage)
    all_windows = [window for of_collection in windows.values() for window in of_collection]
    vectors = try_embedding(run, all_windows, meter)
    run.tick(EMBEDDING_DONE, "Storing what is said")
    start = 0
    for collection, of_collection in windows.items():
        if of_collection:
            known = transcript.language if collection == SEGMENTS else None
            language = known or detect_language([window.text for window in of_collection], None)
            own_vectors = vectors and vectors.part(start, start + len(of_collection))
            store_passages(documents, collection, source, of_collection, language, own_vectors)
            start += len(of_collection)
    run.tick(STORING_DONE)
    return total_usage(job, meter)


def visible_windows(caption: str | None, screen_text: Sequence[Segment]) -> list[Window]:
    """Return the caption, which has no time, and the on-screen text in windows."""
    captions = split_windows([Segment(start=0, end=0, text=caption)], "caption") if (caption or "").strip() else []
    return captions + split_windows(screen_text, "screen")


def total_usage(job: Job, meter: Meter) -> Usage:
    """Return the usage of job and embeddings; provider and model are those of the job's result."""
    return Usage.total([meter.usage, job.usage])


def try_embedding(run: StageRun, windows: Sequence[Window], meter: Meter) -> PassageVectors | None:
    """Embed the windows; return None, with a note, if no provider can do it. Raises as `index_video`."""
    try:
        return embed_windows(embedding_provider(meter), windows, tick_within(run.tick, 0, EMBEDDING_DONE))
    except (PermanentError, TransientError) as error:
        is_last_attempt = run.job.stages[run.stage].attempts >= wiring().functions[run.stage].attempts
        if error.retryable and not is_last_attempt:
            raise
        meter.note(f"The transcript can be searched by words only, not by meaning: {error.message}")
        return None
