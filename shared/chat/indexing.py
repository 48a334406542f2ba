"""Making what is said in a video findable."""

from __future__ import annotations

from shared.ai.budget import meter_for
from shared.ai.meter import Meter
from shared.ai.provider import EmbeddingResult
from shared.ai.providers import FallbackProvider, provider_order
from shared.chat.meanings import CHAT_KIND
from shared.chat.passages import PassageSource, passages_job_id, store_passages
from shared.chat.windows import Window, split_windows
from shared.errors import PermanentError, TransientError
from shared.models.job import Job, Usage
from shared.pipeline.media import load_transcript
from shared.pipeline.run import StageRun
from shared.progress import tick_within
from shared.settings import settings
from shared.wiring import wiring

EMBEDDING_DONE, STORING_DONE = 0.6, 0.9
"""How much of the stage is done then."""


def index_transcript(run: StageRun) -> Usage:
    """Store the passages of the job's transcript as those of its video; returns what the job took with that.

    A job that analyses a video again does so only when the video had no words before. A search by words alone is left
    when nobody can embed them, which never costs a job its result: a provider that is down is waited for as long as
    the stage has attempts left. Raises TransientError for that.
    """
    job = run.job
    transcript = load_transcript(run.platform.objects, job.id)
    source = PassageSource(job.owner, job.of_video or job.id, job.id)
    transcript_windows = split_windows(transcript.segments)
    if not transcript_windows or (
        job.of_video and passages_job_id(run.platform.documents, job.of_video) not in (None, job.id)
    ):
        return job.usage
    meter = meter_for(run.platform.documents, job.owner, settings().monthly_budget_usd, Usage())

    def set_usage(stored: Job) -> None:
        stored.usage = total_usage(job, meter)

    run.leave(set_usage)
    embeddings = embed_windows(run, transcript_windows, meter)
    run.tick(EMBEDDING_DONE, "Storing what is said")
    store_passages(run.platform.documents, source, transcript_windows, transcript, embeddings)
    run.tick(STORING_DONE)
    return total_usage(job, meter)


def total_usage(job: Job, meter: Meter) -> Usage:
    """Made by whoever made the result."""
    return Usage.total([meter.usage, job.usage])


def embed_windows(run: StageRun, transcript_windows: list[Window], meter: Meter) -> EmbeddingResult | None:
    provider = FallbackProvider(provider_order(CHAT_KIND, settings()), settings(), meter)
    try:
        return provider.embed(
            [window.text for window in transcript_windows], "document", tick_within(run.tick, 0, EMBEDDING_DONE)
        )
    except (PermanentError, TransientError) as error:
        is_last_attempt = run.job.stages[run.stage].attempts >= wiring().functions[run.stage].attempts
        if error.retryable and not is_last_attempt:
            raise
        meter.note(f"The transcript can be searched by words only, not by meaning: {error.message}")
        return None
