"""Stage `export`: writes a dataset's export files straight into storage while it reads the images."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import PurePosixPath
from typing import BinaryIO

from shared.datasets.export_archives import write_webdataset, write_zip
from shared.datasets.export_selection import ExportSpec, ExportSummary, SplitShares
from shared.datasets.export_sheet import contact_sheet
from shared.datasets.export_tables import write_coco, write_parquet
from shared.datasets.runs import export_object_name
from shared.datasets.store import dataset_id_of, iterate_images, read_dataset
from shared.errors import Cancelled, NotFound
from shared.models.dataset import ExportedFile, ExportFormat, ExportOptions, ExportResult
from shared.models.image import ImageRecord
from shared.pipeline.job_storage import MEDIA
from shared.pipeline.stage_run import StageRun
from shared.platform.ports import Objects

FILE_NAMES = {"zip": "images.zip", "parquet": "images.parquet", "coco": "images.json", "sheet": "sheet.html"}
"""File names of the formats that consist of one file."""
CONTENT_TYPES = {
    ".zip": "application/zip",
    ".parquet": "application/vnd.apache.parquet",
    ".json": "application/json",
    ".html": "text/html; charset=utf-8",
    ".tar": "application/x-tar",
    ".md": "text/markdown; charset=utf-8",
}


def export_dataset(run: StageRun) -> None:
    """Write the files of the run's export job, and list them in the job's result."""
    try:
        dataset = read_dataset(run.place.documents, dataset_id_of(run.job))
    except NotFound:
        raise Cancelled(run.job.id) from None
    options = ExportOptions.read(run.job.options)
    spec = ExportSpec(
        title=dataset.name,
        created_at=run.job.created_at,
        keywords=tuple(dataset.keywords),
        shares=SplitShares(options.train, options.val, options.test),
        is_selected=options.includes,
    )
    files = ExportFiles(run, dataset.id)
    total = max(1, dataset.progress.images.found)
    summary = write_format(
        options.format, _with_progress(run, iterate_images(run.place.documents, dataset.id), total), files, spec
    )
    result = ExportResult(files=files.complete_files, images=summary.images, splits=dict(summary.splits))
    run.add_result(lambda job: setattr(job, "result", result.to_document()))


def write_format(
    format: ExportFormat, records: Iterable[ImageRecord], files: ExportFiles, spec: ExportSpec
) -> ExportSummary:
    match format:
        case "zip":
            with files.create(FILE_NAMES[format]) as out:
                return write_zip(records, files.open_image, out, spec)
        case "webdataset":
            return write_webdataset(records, files.open_image, files.create, spec)
        case "parquet":
            with files.create(FILE_NAMES[format]) as out:
                return write_parquet(records, out, spec)
        case "coco":
            with files.create(FILE_NAMES[format]) as out:
                return write_coco(records, out, spec)
        case "sheet":
            with files.create(FILE_NAMES[format]) as out:
                out.write(contact_sheet(records, files.thumbnail, spec).encode())
    return ExportSummary()


def _with_progress(run: StageRun, records: Iterator[ImageRecord], total: int) -> Iterator[ImageRecord]:
    for number, record in enumerate(records, start=1):
        run.tick(number / total, f"{number} images")
        yield record


class ExportFiles:
    """The files of one export, written straight into storage while images are read from it.

    Attributes:
        complete_files: Files that are completely stored.
    """

    def __init__(self, run: StageRun, dataset_id: str) -> None:
        self.complete_files: list[ExportedFile] = []
        self._objects = run.place.objects
        self._dataset_id, self._job_id = dataset_id, run.job.id

    def open_image(self, record: ImageRecord) -> BinaryIO:
        with self._objects.open(MEDIA, record.media or "") as stream:
            return io.BytesIO(stream.read())

    def thumbnail(self, record: ImageRecord) -> str | None:
        if record.media is None:
            return None
        from shared.images.thumbnail import thumbnail_data_url

        with self.open_image(record) as image:
            return thumbnail_data_url(image.read())

    @contextmanager
    def create(self, name: str) -> Iterator[BinaryIO]:
        object_name = export_object_name(self._dataset_id, self._job_id, name)
        with open_object_writer(self._objects, object_name, CONTENT_TYPES[PurePosixPath(name).suffix]) as out:
            yield out
        stored = self._objects.stat(MEDIA, object_name)
        if stored is None:
            raise NotFound(object_name)
        self.complete_files.append(ExportedFile(name=name, size=stored.size))


class _PipeReader(io.RawIOBase):
    """The end of a pipe that storage reads. After a failed write it raises, instead of signaling end of file."""

    broken = False

    def __init__(self, pipe: BinaryIO) -> None:
        self.pipe = pipe

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self.pipe.read(size)
        if self.broken:
            raise OSError("the writer failed before the end of the file")
        return data


@contextmanager
def open_object_writer(objects: Objects, name: str, content_type: str) -> Iterator[BinaryIO]:
    """Open a file that streams into the object `name` of the media bucket; the object exists after the block.

    If the block raises, no object is created.
    """
    reader, writer = os.pipe()
    source, output = _PipeReader(os.fdopen(reader, "rb")), os.fdopen(writer, "wb")
    with ThreadPoolExecutor(1) as thread:
        stored = thread.submit(_store_stream, objects, name, source, content_type)
        try:
            yield output
            output.close()
        except BaseException as error:
            source.broken = True
            with suppress(BrokenPipeError):
                output.close()
            if isinstance(error, BrokenPipeError):
                # Storage failed: raise its error instead.
                stored.result()
            raise
        stored.result()


def _store_stream(objects: Objects, name: str, source: _PipeReader, content_type: str) -> None:
    with source.pipe:
        objects.put(MEDIA, name, source, content_type)  # type: ignore[arg-type]  # only read() is used
