"""Deleting a job with everything that hangs on it."""

from __future__ import annotations

from shared.chat import history
from shared.library.groups import forget_video
from shared.models.job import Job
from shared.pipeline import lifecycle, once
from shared.platform.ports import Platform


def delete_job(place: Platform, job: Job) -> None:
    """Remove the job, its results and its media; with the job that brought a video, the video and all about it."""
    # First, so that no request for the same thing gets the id of a job that is going away.
    once.forget(place.documents, job.id)
    lifecycle.delete(place, job.id)
    if job.of_video is None:
        forget_video(place.documents, job.owner, job.id)
        history.delete_messages(place.documents, job.owner, history.subject_filter(None, job.id))
