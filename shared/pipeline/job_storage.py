"""Collections, buckets and names of what is stored for a job. Names derive from the job: a second run overwrites."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from shared.errors import NotFound, PermanentError
from shared.models.video import Extraction, Frame, Segment, Transcript
from shared.platform.documents import iterate_query
from shared.platform.ports import Document, Documents, NewObject, Objects

# Collections.
JOBS = "jobs"
VIDEOS = "videos"
DELETED = "deleted"
PARTS = "parts"
SEGMENTS = "segments"
"""Passages of transcripts; `shared.chat.passages` writes them."""
SCREENS = "screens"
"""Passages of on-screen text and captions, likewise."""
# Buckets.
UPLOADS = "uploads"
MEDIA = "media"
DROP = "drop"
"""Objects that become jobs of DROP_OWNER; only `ingest` reads them, and no function writes them."""
# Objects in `media`.
EXTRACTION = "extract.json"
CAPTIONS = "captions.json"
SCREEN_TEXT = "screen.json"
TRANSCRIPT = "transcript.json"
FILES_AT_ONCE = 32
"""Files that are open at the same time."""
CONTENT_TYPES = {
    ".jpg": "image/jpeg",
    ".flac": "audio/flac",
    ".json": "application/json",
    ".zip": "application/zip",
}


def source_name(job_id: str) -> str:
    """Return the name of the object in `uploads` that holds the job's video."""
    return f"{job_id}/source"


def job_of_source(name: str) -> str:
    """Return the id of the job that an object in `uploads` belongs to; raises PermanentError `stray_object`."""
    job_id, _, leaf = name.partition("/")
    if leaf != "source" or not job_id:
        raise PermanentError("stray_object", f"The object {name!r} belongs to no job. Delete it.")
    return job_id


def media_prefix(job_id: str) -> str:
    return f"{job_id}/"


def media_name(job_id: str, name: str) -> str:
    """Return the name of the object in `media` for a media name such as `frames/03.jpg`."""
    return f"{media_prefix(job_id)}{name}"


def store_folder(objects: Objects, job_id: str, folder: Path, tick: Callable[[float], None]) -> None:
    """Store every file below `folder` under its relative name, many in one step; replaces those of an earlier run."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    for start in range(0, len(files), FILES_AT_ONCE):
        paths = {
            media_name(job_id, path.relative_to(folder).as_posix()): path for path in files[start:][:FILES_AT_ONCE]
        }
        with ExitStack() as streams:
            new_objects = [
                NewObject(name, streams.enter_context(path.open("rb")), CONTENT_TYPES[path.suffix])
                for name, path in paths.items()
            ]
            for name in objects.create_many(MEDIA, new_objects):
                objects.put(MEDIA, name, paths[name], CONTENT_TYPES[paths[name].suffix])
        tick(min(len(files), start + FILES_AT_ONCE) / len(files))


def download_frames(objects: Objects, job_id: str, frames: Sequence[Frame], into: Path) -> list[tuple[Frame, Path]]:
    """Copy frames to local files; raises NotFound."""
    frame_paths = []
    for frame in frames:
        path = into / frame.name
        path.parent.mkdir(parents=True, exist_ok=True)
        objects.download(MEDIA, media_name(job_id, frame.name), path)
        frame_paths.append((frame, path))
    return frame_paths


def store_json(objects: Objects, job_id: str, name: str, value: dict[str, Any]) -> None:
    objects.put(MEDIA, media_name(job_id, name), json.dumps(value, ensure_ascii=False).encode(), CONTENT_TYPES[".json"])


def load_json(objects: Objects, job_id: str, name: str) -> dict[str, Any]:
    """Raises NotFound."""
    value: dict[str, Any] = json.loads(objects.read(MEDIA, media_name(job_id, name)))
    return value


def load_transcript(objects: Objects, job_id: str) -> Transcript:
    """Return the job's transcript; before, or without, the stage `transcribe`, the subtitles of the file.

    Raises NotFound before the stage `extract` is done.
    """
    try:
        return Transcript.read(load_json(objects, job_id, TRANSCRIPT))
    except NotFound:
        extraction = Extraction.read(load_json(objects, job_id, EXTRACTION))
    return subtitle_transcript(extraction)


def subtitle_transcript(extraction: Extraction) -> Transcript:
    if not extraction.transcript:
        return Transcript()
    return Transcript(
        source="subtitles",
        language=extraction.transcript_language,
        segments=extraction.transcript,
        notes=extraction.transcript_notes,
    )


def load_screen_text(objects: Objects, job_id: str) -> list[Segment]:
    """Return the on-screen text that the stage `analyze` has read; nothing if it has read none."""
    try:
        return [Segment.read(line) for line in load_json(objects, job_id, SCREEN_TEXT)["lines"]]
    except NotFound:
        return []


def find_passages(documents: Documents, collection: str, field: str, value: str) -> Iterator[Document]:
    """Yield passages; `collection` is SEGMENTS or SCREENS."""
    return iterate_query(documents, collection, [(field, "==", value)])


def delete_passages(collection: str, documents: Documents, job_id: str) -> None:
    """Delete the passages that this job wrote."""
    for passage in list(find_passages(documents, collection, "jobId", job_id)):
        documents.delete(collection, passage.id)
