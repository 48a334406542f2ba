"""The samples of a video, stored as one object: a minute has sixty, and few of them are ever opened alone.

A sample that somebody opens becomes an object of its own, with a link of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from zipfile import ZipFile, ZipInfo

from shared.errors import NotFound
from shared.models.video import Frame
from shared.pipeline.job_storage import CONTENT_TYPES, MEDIA, download_frames, media_name
from shared.platform.ports import Objects

SAMPLES = "samples.zip"
"""Media name of the archive, whose members have the samples' media names."""
FOLDER = "samples/"


def pack_samples(folder: Path, samples: Sequence[Frame]) -> None:
    """Move the samples' files below `folder` into the archive there; without samples there is none."""
    if not samples:
        return
    # JPEG does not get smaller. Without times, the same video always gives the same archive.
    with ZipFile(folder / SAMPLES, "w") as archive:
        for sample in samples:
            path = folder / sample.name
            archive.writestr(ZipInfo(sample.name), path.read_bytes())
            path.unlink()


def download_samples(objects: Objects, job_id: str, samples: Sequence[Frame], into: Path) -> list[tuple[Frame, Path]]:
    """Copy samples to local files; raises NotFound."""
    if not samples:
        return []
    path = into / SAMPLES
    try:
        objects.download(MEDIA, media_name(job_id, SAMPLES), path)
    except NotFound:
        # Extracted before samples had an archive.
        return download_frames(objects, job_id, samples, into)
    with ZipFile(path) as archive:
        copies = [(sample, Path(archive.extract(sample.name, into))) for sample in samples]
    path.unlink()
    return copies


def publish_media(objects: Objects, job_id: str, name: str) -> bool:
    """Let the job's media of this name have a link: a sample becomes an object of its own. Return False without any."""
    return objects.stat(MEDIA, media_name(job_id, name)) is not None or (
        name.startswith(FOLDER) and _publish_sample(objects, job_id, name)
    )


def _publish_sample(objects: Objects, job_id: str, name: str) -> bool:
    archive_name, sample_name = media_name(job_id, SAMPLES), media_name(job_id, name)
    try:
        with objects.open(MEDIA, archive_name) as stream, ZipFile(stream) as archive:
            picture = archive.read(name)
    except (NotFound, KeyError):
        return False
    objects.put(MEDIA, sample_name, picture, CONTENT_TYPES[".jpg"])
    if objects.stat(MEDIA, archive_name) is None:
        # The job is being deleted, the archive before all else: the sample may be too late to be found.
        objects.delete(MEDIA, sample_name)
        return False
    return True
