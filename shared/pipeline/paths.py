"""Where things lie, derived from the job: a second run of a stage overwrites and never duplicates."""

from __future__ import annotations

from shared.errors import PermanentError

JOBS = "jobs"
VIDEOS = "videos"
DELETED = "deleted"
PARTS = "parts"
UPLOADS = "uploads"
MEDIA = "media"
EXTRACTION = "extract.json"
CAPTIONS = "captions.json"
TRANSCRIPT = "transcript.json"


def source_name(job_id: str) -> str:
    """Object in `uploads` that holds the job's video."""
    return f"{job_id}/source"


def job_of_source(name: str) -> str:
    """The job that an object in `uploads` belongs to; raises PermanentError `stray_object`."""
    job_id, _, leaf = name.partition("/")
    if leaf != "source" or not job_id:
        raise PermanentError("stray_object", f"The object {name!r} belongs to no job. Delete it.")
    return job_id


def media_prefix(job_id: str) -> str:
    return f"{job_id}/"


def media_name(job_id: str, name: str) -> str:
    """Object in `media` behind a media name such as `frames/03.jpg`."""
    return f"{media_prefix(job_id)}{name}"
