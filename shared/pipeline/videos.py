"""Reading videos: a video is known by the job that brought it."""

from __future__ import annotations

from collections.abc import Iterable

from shared.models.job import Job
from shared.pipeline.paths import JOBS
from shared.platform.ports import Documents

IN_LIMIT = 30


def read_videos(documents: Documents, ids: Iterable[str], owner: str) -> dict[str, Job]:
    """The videos among `ids` that exist and belong to `owner`, by id, in the order of `ids`."""
    unique = list(dict.fromkeys(ids))
    videos: dict[str, Job] = {}
    for start in range(0, len(unique), IN_LIMIT):
        batch = unique[start : start + IN_LIMIT]
        page = documents.query(JOBS, [("owner", "==", owner), ("id", "in", batch)], limit=IN_LIMIT)
        videos |= {document.id: Job.read(document.data) for document in page.documents}
    return {id: videos[id] for id in unique if id in videos and videos[id].of_video is None}


def video_titles(documents: Documents, ids: Iterable[str], owner: str) -> dict[str, str | None]:
    """Titles of the videos among `ids` that exist and belong to `owner`, by id; None for one without any name."""
    return {id: video_title(job) or job.filename for id, job in read_videos(documents, ids, owner).items()}


def video_title(job: Job) -> str | None:
    """The title that its owner gave the video, else its source's, else the result's."""
    return job.title or job.video.title or (job.result or {}).get("title")
