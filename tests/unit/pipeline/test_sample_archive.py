"""Samples are stored as one object, from which each becomes an object of its own when it is opened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shared.models.video import Frame
from shared.pipeline.cleanup import delete_job_data
from shared.pipeline.job_storage import MEDIA, media_name, store_folder
from shared.pipeline.sample_archive import SAMPLES, download_samples, pack_samples, publish_media
from shared.platform.embedded.place import open_embedded_place
from shared.platform.ports import Objects, Place
from shared.settings import Settings

JOB = "a" * 32
NAMES = ("samples/001.jpg", "samples/002.jpg")
FRAMES = [Frame(name=name, time=number, width=1, height=1) for number, name in enumerate(NAMES)]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return open_embedded_place(Settings(clipwise_data=tmp_path / "data")).place


@pytest.fixture
def objects(place: Place) -> Objects:
    return place.objects


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The samples as `extract` leaves them."""
    made = tmp_path / "made"
    (made / "samples").mkdir(parents=True)
    for name in NAMES:
        (made / name).write_bytes(name.encode())
    return made


def store(objects: Objects, folder: Path) -> list[str]:
    store_folder(objects, JOB, folder, lambda done: None)
    return names(objects)


def names(objects: Objects) -> list[str]:
    return [info.name.partition("/")[2] for info in objects.list(MEDIA, JOB)]


def test_samples_are_one_object(objects: Objects, folder: Path, tmp_path: Path) -> None:
    """What goes in comes out, in the order that was asked for, and nothing else stays in the folder."""
    pack_samples(folder, FRAMES)
    assert store(objects, folder) == [SAMPLES]
    into = tmp_path / "into"
    into.mkdir()
    copies = download_samples(objects, JOB, FRAMES, into)
    assert [(frame.name, path.read_bytes().decode()) for frame, path in copies] == [(name, name) for name in NAMES]
    assert not (into / SAMPLES).exists()


def test_an_opened_sample_is_an_object(objects: Objects, folder: Path) -> None:
    """A link to a sample works as to every picture, and only what somebody opens is stored once more."""
    pack_samples(folder, FRAMES)
    store(objects, folder)
    assert publish_media(objects, JOB, NAMES[1])
    assert publish_media(objects, JOB, NAMES[1])
    assert names(objects) == [SAMPLES, NAMES[1]]
    assert objects.read(MEDIA, media_name(JOB, NAMES[1])) == NAMES[1].encode()
    assert not any(publish_media(objects, JOB, name) for name in ("samples/003.jpg", "frames/01.jpg"))
    assert not publish_media(objects, "b" * 32, NAMES[1])


@pytest.mark.parametrize("is_before", [True, False])
def test_an_opened_sample_does_not_outlive_its_job(
    place: Place, objects: Objects, folder: Path, monkeypatch: pytest.MonkeyPatch, is_before: bool
) -> None:
    """Whoever opens a sample while its job is being deleted leaves nothing behind."""
    pack_samples(folder, FRAMES)
    store(objects, folder)
    put = objects.put

    def put_during_deletion(*values: Any) -> Any:
        if is_before:
            delete_job_data(place, JOB)
        stored = put(*values)
        if not is_before:
            delete_job_data(place, JOB)
        return stored

    monkeypatch.setattr(objects, "put", put_during_deletion)
    assert not publish_media(objects, JOB, NAMES[0])
    assert names(objects) == []


def test_samples_of_earlier_videos_are_read(objects: Objects, folder: Path, tmp_path: Path) -> None:
    """A video that was extracted before samples had an archive can be analyzed again, and its samples opened."""
    assert store(objects, folder) == list(NAMES)
    (tmp_path / "into").mkdir()
    copies = download_samples(objects, JOB, FRAMES, tmp_path / "into")
    assert [path.read_bytes().decode() for _, path in copies] == list(NAMES)
    assert publish_media(objects, JOB, NAMES[0])


def test_a_video_without_samples_has_no_archive(objects: Objects, tmp_path: Path) -> None:
    """A kind that reads no text stores nothing for it."""
    pack_samples(tmp_path, [])
    assert not (tmp_path / SAMPLES).exists()
    assert download_samples(objects, JOB, [], tmp_path) == []
