"""The earlier metadata service: FastAPI accepts a file, a Celery worker reads it with ffprobe and ffmpeg.

It keeps files in the folder SERVICE_FOLDER and everything else in the Redis at REDIS_URL, as fast as such a service can
be: no database, no users, no limits, and nothing that survives a power cut. FFMPEG and FFPROBE are the programs' paths.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import uuid
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from celery import Celery
from fastapi import FastAPI, HTTPException, UploadFile
from fastapi.responses import FileResponse
from redis import Redis

REDIS_URL = os.environ["REDIS_URL"]
FOLDER = Path(os.environ["SERVICE_FOLDER"])

api = FastAPI(title="Video metadata")
celery = Celery("service", broker=REDIS_URL, backend=REDIS_URL)
celery.conf.task_ignore_result = True


@lru_cache(maxsize=1)
def videos() -> Redis:
    """One connection pool for each process."""
    return Redis.from_url(REDIS_URL, decode_responses=True)


@celery.task
def read_video(id: str) -> None:
    source, thumbnail = FOLDER / f"{id}.video", f"thumb_{id}.jpg"
    videos().hset(id, "status", "processing")
    try:
        probe = ["-v", "error", "-show_entries", "format=duration", "-of", "json", str(source)]
        output = subprocess.run([os.environ["FFPROBE"], *probe], check=True, capture_output=True).stdout
        seconds = float(json.loads(output)["format"]["duration"])
        frame = ["-frames:v", "1", "-vf", "scale=320:-1", str(FOLDER / thumbnail)]
        seek = ["-v", "error", "-y", "-ss", str(seconds / 10), "-i", str(source)]
        subprocess.run([os.environ["FFMPEG"], *seek, *frame], check=True, capture_output=True)
    except (subprocess.CalledProcessError, KeyError, ValueError):
        videos().hset(id, "status", "failed")
        return
    minutes, whole_seconds = divmod(int(seconds), 60)
    duration = f"{minutes // 60:02}:{minutes % 60:02}:{whole_seconds:02}"
    thumbnail_url = f"/thumbnails/{thumbnail}"
    videos().hset(id, mapping={"status": "done", "duration": duration, "thumbnail_url": thumbnail_url})


@api.post("/upload-video/")
def upload_video(file: UploadFile) -> dict[str, str]:
    id, filename = uuid.uuid4().hex, file.filename or ""
    with (FOLDER / f"{id}.video").open("wb") as target:
        shutil.copyfileobj(file.file, target)
    uploaded = datetime.now(UTC).isoformat(timespec="seconds")
    videos().hset(id, mapping={"filename": filename, "upload_time": uploaded, "status": "pending"})
    read_video.delay(id)
    return {"id": id, "filename": filename, "message": "The video is being processed."}


@api.get("/video-status/{id}")
def video_status(id: str) -> dict[str, str]:
    return {"id": id, "status": str(_fields(id)["status"])}


@api.get("/video-metadata/{id}")
def video_metadata(id: str) -> dict[str, Any]:
    return {"id": id} | _fields(id)


@api.get("/thumbnails/{name}")
def thumbnail(name: str) -> FileResponse:
    return FileResponse(FOLDER / Path(name).name)


def _fields(id: str) -> dict[str, str]:
    fields = videos().hgetall(id)
    if not fields:
        raise HTTPException(404)
    return fields
