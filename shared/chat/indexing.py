"""Making what is said in a video findable."""

from __future__ import annotations

from shared.ai.budget import meter_for
from shared.ai.meter import Meter
from shared.ai.provider import Embedded
from shared.ai.providers import InOrder, order_for
from shared.chat.meanings import CHAT
from shared.chat.passages import Words, brought_by, store
from shared.chat.windows import Window, windows
from shared.errors import PermanentError, TransientError
from shared.models.job import Job, Usage
from shared.pipeline.media import load_transcript
from shared.pipeline.run import StageRun
from shared.progress import tick_within
from shared.settings import settings
from shared.wiring import wiring

EMBEDDED, STORED = 0.6, 0.9
"""How much of the stage is done then."""


def index_words(run: StageRun) -> Usage:
    """Store the passages of the job's transcript as those of its video; returns what the job took with that.

    A job that analyses a video again does so only when the video had no words before. A search by words alone is left
    when nobody can embed them, which never costs a job its result: a provider that is down is waited for as long as
    the stage has attempts left. Raises TransientError for that.
    """
    job = run.job
    transcript = load_transcript(run.platform.objects, job.id)
    source = Words(job.owner, job.of_video or job.id, job.id)
    made = windows(transcript.segments)
    if not made or (job.of_video and brought_by(run.platform.documents, job.of_video) not in (None, job.id)):
        return job.usage
    meter = meter_for(run.platform.documents, job.owner, settings().monthly_budget_usd, Usage())

    def bill(stored: Job) -> None:
        stored.usage = total(job, meter)

    run.leave(bill)
    embedded = embed(run, made, meter)
    run.tick(EMBEDDED, "Storing what is said")
    store(run.platform.documents, source, made, transcript, embedded)
    run.tick(STORED)
    return total(job, meter)


def total(job: Job, meter: Meter) -> Usage:
    """Made by whoever made the result."""
    return Usage.total([meter.usage, job.usage])


def embed(run: StageRun, made: list[Window], meter: Meter) -> Embedded | None:
    provider = InOrder(order_for(CHAT, settings()), settings(), meter)
    try:
        return provider.embed([window.text for window in made], "document", tick_within(run.tick, 0, EMBEDDED))
    except (PermanentError, TransientError) as error:
        last = run.job.stages[run.stage].attempts >= wiring().functions[run.stage].attempts
        if error.retryable and not last:
            raise
        meter.note(f"The transcript can be searched by words only, not by meaning: {error.message}")
        return None
