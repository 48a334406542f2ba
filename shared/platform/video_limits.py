"""How large and how long a video of the native API may be. The earlier systems' paths have limits of their own.

One machine has a disk, and time enough for two hours. In the cloud, a function's files are in its memory, and its time
is limited: what the wiring table gives is what a video may take.
"""

from __future__ import annotations

import os
from dataclasses import replace

from shared.models.job import Job
from shared.settings import Settings
from shared.wiring import EXTRACT, wiring

LOCAL_FILE_MB, LONGEST_SEC = 8_000, 7_200.0
"""Two hours of video from a phone, or from YouTube."""
_SEC_PER_SEC = 12
"""Seconds of 1080p video that `extract` processes in a second on one core, with time to spare."""
_ROUNDING_MB, _ROUNDING_SEC = 10, 60


def cloud_file_mb() -> int:
    """Return the size in MB of the largest file that every function has memory for."""
    rows = wiring().functions.values()
    most = min((row.memory_mb - row.files.work_mb) // row.files.copies for row in rows if row.files)
    return most // _ROUNDING_MB * _ROUNDING_MB


def cloud_video_sec() -> float:
    """Return the duration of the longest video that `extract` has time for, at most two hours."""
    most = wiring().functions[EXTRACT].timeout_sec * _SEC_PER_SEC
    return min(LONGEST_SEC, float(most // _ROUNDING_SEC * _ROUNDING_SEC))


def native_settings(settings: Settings) -> Settings:
    """Return the settings with the limits of the native API."""
    in_cloud = "K_SERVICE" in os.environ  # set by Cloud Run
    return replace(
        settings,
        max_file_size_mb=settings.api_max_file_size_mb or (cloud_file_mb() if in_cloud else LOCAL_FILE_MB),
        max_video_duration_sec=settings.api_max_video_duration_sec or (cloud_video_sec() if in_cloud else LONGEST_SEC),
    )


def job_settings(job: Job, settings: Settings) -> Settings:
    """Return the settings with the limits of the path by which the job came."""
    return settings if job.earlier_limits else native_settings(settings)
