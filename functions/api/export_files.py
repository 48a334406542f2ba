"""Exported files: their names in responses, and the media that they link to through a share link."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote

from shared.errors import NotFound
from shared.exports.job_content import SharedMedia
from shared.exports.markup import plain_text
from shared.library.groups import find_shared_group, group_videos
from shared.models.job import Job
from shared.platform.ports import Place
from shared.security.filenames import safe_filename
from shared.settings import settings


def find_shared_media(place: Place, job: Job, token: str) -> SharedMedia:
    """Return the job's video behind a share link; raises NotFound if the link does not show it."""
    group = find_shared_group(place.documents, token)
    video_id = job.of_video or job.id
    video = next((video for video in group_videos(place.documents, group) if video.id == video_id), None)
    if video is None or group.share is None:
        raise NotFound(video_id)
    url = f"{settings().public_url.rstrip('/')}/v1/shared/{token}/videos/{video_id}"
    return SharedMedia(url, group.share.created_at, video)


def filename_parameters(job: Job, extension: str) -> str:
    """Build the parameters of Content-Disposition (RFC 6266): the title in ASCII, and in full as UTF-8."""
    title = re.sub(r"[/\\]", "-", plain_text(str((job.result or {}).get("title") or "")))
    full = safe_filename(f"{title.strip(' .') or job.kind}.{extension}") or f"{job.kind}.{extension}"
    ascii_letters = unicodedata.normalize("NFKD", full.removesuffix(f".{extension}")).encode("ascii", "ignore").decode()
    simple = re.sub(r"[^A-Za-z0-9]+", "-", ascii_letters).strip("-") or job.kind
    return f"filename=\"{simple}.{extension}\"; filename*=UTF-8''{quote(full, safe='')}"
