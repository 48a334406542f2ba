"""Exported files, read back by readers that others wrote."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from collections import Counter
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

import duckdb
import pytest
import webdataset
import yaml

from shared.datasets.export_archives import write_webdataset, write_zip
from shared.datasets.export_selection import ExportSpec, SplitShares, sample_key
from shared.datasets.export_tables import write_coco, write_parquet
from shared.models.image import ImageRecord
from tests.unit.datasets.collection import (
    HOSTILE,
    NOW,
    ORDER,
    Folder,
    Stream,
    collection,
    missed,
    open_picture,
    picture,
    record,
)


def zipped(records: list[ImageRecord], order: ExportSpec = ORDER) -> zipfile.ZipFile:
    stream = Stream()
    write_zip(records, open_picture, stream, order)  # type: ignore[arg-type]
    return zipfile.ZipFile(stream.taken)


def test_zip_holds_every_chosen_image_once() -> None:
    """A ZIP file that was streamed has each accepted image, byte for byte, in its split, with its line and the card."""
    archive = zipped(collection())
    assert archive.testzip() is None
    images = [name for name in archive.namelist() if name.endswith(".jpg")]
    assert len(images) == len(set(images)) == 40
    lines = [
        (part, json.loads(line))
        for part in ("train", "val", "test")
        for line in archive.read(f"{part}/metadata.jsonl").splitlines()
    ]
    assert sorted(f"{part}/{line['file_name']}" for part, line in lines) == sorted(images)
    for part, line in lines:
        assert sha256(archive.read(f"{part}/{line['file_name']}")).hexdigest() == line["sha256"]
        assert line["split"] == part
    assert archive.read("README.md").startswith(b"---\n")


def test_zip_can_be_read_from_its_beginning() -> None:
    """Every entry has its size before it: readers that stream, as Java's does, refuse stored entries without."""
    for entry in zipped(collection(3)).infolist():
        assert entry.flag_bits & 0x08 == 0
        assert entry.compress_type == zipfile.ZIP_STORED
        assert entry.date_time == (2026, 11, 20, 12, 30, 2)


def test_zip_of_more_images_than_old_zip_files_can_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """When there are more images than the old directory can count, ZIP64's is written and can be read."""
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 100)
    archive = zipped(collection(150))
    assert len(archive.namelist()) == 150 + 3 + 1
    assert b"PK\x06\x06" in archive.fp.getvalue()[-200:]  # type: ignore[union-attr]


def test_same_order_gives_the_same_bytes() -> None:
    """Whoever exports twice can compare the files."""
    one, other = Stream(), Stream()
    for stream in (one, other):
        write_zip(collection(), open_picture, stream, ORDER)  # type: ignore[arg-type]
    assert one.taken.getvalue() == other.taken.getvalue()


def samples(files: dict[str, bytes], folder: Path) -> list[dict[str, Any]]:
    """As WebDataset reads them."""
    for name, data in files.items():
        (folder / name).write_bytes(data)
    shards = sorted(str(folder / name) for name in files if name.endswith(".tar"))
    return list(webdataset.WebDataset(shards, shardshuffle=False, empty_check=False))


def test_webdataset_reads_every_sample(tmp_path: Path) -> None:
    """WebDataset finds each accepted image with its facts beside it, in shards that keep to their size."""
    folder = Folder()
    limit = 30_720
    summary = write_webdataset(collection(), open_picture, folder.create, ORDER, limit)
    read = samples(folder.files, tmp_path)
    assert len(read) == summary.images == 40
    for sample in read:
        facts = json.loads(sample["json"])
        assert sample["__key__"] == facts["id"]
        assert sample["jpg"] == picture(int(facts["id"]))
        assert f"/{facts['split']}-" in sample["__url__"]
    shards = {name: data for name, data in folder.files.items() if name.endswith(".tar")}
    assert {"train-000000.tar", "train-000001.tar", "val-000000.tar", "test-000000.tar"} <= set(shards)
    assert max(len(data) for data in shards.values()) <= limit
    assert yaml.safe_load(folder.files["README.md"].split(b"---")[1])["configs"][0]["data_files"][0] == {
        "split": "train",
        "path": "train-*.tar",
    }


def names(shard: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(shard)) as tar:
        return tar.getnames()


def test_an_image_larger_than_a_shard_gets_its_own() -> None:
    """A limit smaller than an image makes one shard for each, never an empty one."""
    folder = Folder()
    write_webdataset(
        collection(5), open_picture, folder.create, ExportSpec("x", NOW, shares=SplitShares(1, 0, 0)), 1000
    )
    assert [name for name in folder.files if name.endswith(".tar")] == [f"train-{n:06}.tar" for n in range(5)]
    assert all(len(names(folder.files[f"train-{n:06}.tar"])) == 2 for n in range(5))


def test_a_database_reads_the_parquet_table(tmp_path: Path) -> None:
    """DuckDB sees a row for each accepted image, with types, nothings and all words as they are."""
    stream = Stream()
    odd = record(77, title=HOSTILE, phash=None)
    summary = write_parquet([*collection(2500), odd], stream, ORDER)  # type: ignore[arg-type]
    (tmp_path / "x.parquet").write_bytes(stream.taken.getvalue())
    rows = duckdb.read_parquet(str(tmp_path / "x.parquet"))
    assert dict(zip(rows.columns, map(str, rows.types), strict=True))["found_at"] == "TIMESTAMP WITH TIME ZONE"
    assert duckdb.sql("SELECT count(*) FROM rows").fetchall() == [(summary.images,)] == [(2501,)]
    row = rows.filter("phash IS NULL").project("title, width, accepted, findings, epoch(found_at)").fetchall()
    assert row == [(HOSTILE, 64, True, "", NOW.timestamp())]
    splits = duckdb.sql("SELECT split, count(*) FROM rows GROUP BY 1").fetchall()
    assert dict(splits) == dict(summary.splits)


def test_an_empty_dataset_can_be_exported(tmp_path: Path) -> None:
    """No accepted image gives files that are whole, with nothing in them but the card."""
    records = [missed(1, "http_404")]
    assert zipped(records).namelist() == ["README.md"]
    folder = Folder()
    write_webdataset(records, open_picture, folder.create, ORDER)
    assert list(folder.files) == ["README.md"]
    table, coco = Stream(), Stream()
    write_parquet(records, table, ORDER)  # type: ignore[arg-type]
    (tmp_path / "x.parquet").write_bytes(table.taken.getvalue())
    assert duckdb.read_parquet(str(tmp_path / "x.parquet")).fetchall() == []
    write_coco(records, coco, ORDER)  # type: ignore[arg-type]
    assert json.loads(coco.taken.getvalue())["images"] == []


def test_coco_hangs_together() -> None:
    """Every id that the JSON refers to is there, once, and the fields are those of COCO; file names are the ZIP's."""
    stream = Stream()
    summary = write_coco(collection(), stream, ORDER)  # type: ignore[arg-type]
    data = json.loads(stream.taken.getvalue())
    assert list(data) == ["info", "images", "annotations", "licenses", "categories"]
    assert {"description", "version", "year", "date_created"} <= set(data["info"])
    images = {image["id"]: image for image in data["images"]}
    licences = {licence["id"]: licence["name"] for licence in data["licenses"]}
    categories = {category["id"]: category["name"] for category in data["categories"]}
    assert len(images) == summary.images == 40
    assert Counter(licences[image["license"]] for image in images.values()) == summary.licences
    assert sorted(categories.values()) == ["cat", "dog"]
    assert all(image["width"] == 64 and image["height"] == 48 for image in images.values())
    for annotation in data["annotations"]:
        number = int(images[annotation["image_id"]]["source_id"])
        assert categories[annotation["category_id"]] == ("cat", "dog")[number % 3]
    assert len({annotation["id"] for annotation in data["annotations"]}) == len(data["annotations"]) == 27
    assert {image["file_name"] for image in images.values()} == {
        name for name in zipped(collection()).namelist() if name.endswith(".jpg")
    }


@pytest.mark.parametrize(
    "name", [HOSTILE, "../x", "/etc/passwd", "a.b", "CON", "nul", "Ab", "-rf", "é" * 300, "a b", ""]
)
def test_names_from_outside_name_no_path(name: str) -> None:
    """An id that is no file name becomes one; other ids stay apart from it."""
    safe = sample_key(record(1, id=name))
    assert safe.replace("-", "").replace("_", "").isalnum()
    assert safe.isascii()
    assert safe == safe.lower()
    assert len(safe) <= 80
    assert safe != name
    assert safe != sample_key(record(1, id=name + "x"))
    assert sample_key(record(1, id="0f3a-9_b")) == "0f3a-9_b"


class Broken(Stream):
    """Full after some bytes."""

    def write(self, data: object) -> int:
        if self.taken.tell() > 2000:
            raise OSError("no space left")
        return super().write(data)


@pytest.mark.parametrize("kind", ["zip", "webdataset", "parquet", "coco"])
def test_failures_are_the_callers(kind: str) -> None:
    """A full disk, and records that cannot be read, end the export with their own error, and no file is complete."""

    def export(records: Any, out: Stream) -> None:
        folder = Folder()
        folder.create = lambda name: out  # type: ignore[method-assign,assignment,return-value]
        if kind == "zip":
            write_zip(records, open_picture, out, ORDER)  # type: ignore[arg-type]
        elif kind == "webdataset":
            write_webdataset(records, open_picture, folder.create, ORDER)
        else:
            {"parquet": write_parquet, "coco": write_coco}[kind](records, out, ORDER)  # type: ignore[arg-type]

    def breaking() -> Any:
        yield from collection(30)
        raise LookupError("gone")

    with pytest.raises(OSError, match="no space"):
        export(collection(3000) if kind in ("parquet", "coco") else collection(50), Broken())
    with pytest.raises(LookupError, match="gone"):
        export(breaking(), Stream())


def test_a_missing_image_ends_the_export() -> None:
    """An image that is no longer stored is an error, never a hole that nobody sees."""

    def gone(image: ImageRecord) -> BinaryIO:
        raise LookupError(image.id)

    folder = Folder()
    with pytest.raises(LookupError):
        write_webdataset(collection(), gone, folder.create, ORDER)
    assert folder.files == {}
