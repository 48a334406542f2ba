"""What a file says about itself: its chapters, its title and artist, and when and where it was recorded."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from shared.media.file_tags import MAX_CHAPTERS, read_location
from shared.media.probe import probe
from shared.models.file_tags import Location
from tests import media_samples

TAGS = """;FFMETADATA1
title=Grandma's bread\\
and butter
artist=Ada
creation_time=2024-05-01T10:00:00Z
location=+48.2082+016.3738/
"""
CHAPTERS = [(0.0, 1.5, "Dough"), (1.5, 9.0, "Oven")]
OPTIONS = {
    "m4b": ("-vn", "-f", "ipod"),
    "track.mp4": ("-movflags", "disable_chpl+use_metadata_tags"),
    "mp4": ("-movflags", "use_metadata_tags"),
    "mov": ("-movflags", "use_metadata_tags"),
    "mkv": (),
    "mp3": ("-vn",),
}


def tagged(path: Path, spoken: Path, chapters: list[tuple[float, float, str]], *options: str) -> Path:
    """The video with tags and chapters as its suffix's muxer writes them."""
    sections = (
        f"[CHAPTER]\nTIMEBASE=1/1000\nSTART={start * 1000:.0f}\nEND={end * 1000:.0f}\ntitle={title}\n"
        for start, end, title in chapters
    )
    script = media_samples.written(path.with_suffix(".txt"), (TAGS + "".join(sections)).encode())
    inputs = ("-i", spoken, "-f", "ffmetadata", "-i", script, "-map_metadata", "1", "-map_chapters", "1")
    return media_samples.ffmpeg(path, *inputs, "-map", "0", *options)


@pytest.mark.parametrize("suffix", OPTIONS)
def test_chapters_are_read_from_every_container(tmp_path: Path, spoken: Path, suffix: str) -> None:
    """Chapters of audio books and films are shown with their titles, none beyond the end of the file."""
    info = probe(tagged(tmp_path / f"file.{suffix}", spoken, CHAPTERS, *OPTIONS[suffix]))
    assert [(chapter.start, chapter.title) for chapter in info.chapters] == [
        (0, "Dough"),
        (pytest.approx(1.5, abs=0.06), "Oven"),
    ]
    assert info.chapters[-1].end == pytest.approx(info.duration_sec, abs=0.06)
    assert info.subtitles == []  # a track of chapter titles is no transcript


def test_chapters_of_a_list_alone_are_read(tmp_path: Path, spoken: Path) -> None:
    """Audio books with a list of chapters, without a track of them, have chapters, too."""
    path = tagged(tmp_path / "file.m4b", spoken, CHAPTERS, *OPTIONS["m4b"])
    alone = media_samples.written(tmp_path / "list.m4b", path.read_bytes().replace(b"tref", b"free"))
    assert [chapter.title for chapter in probe(alone).chapters] == ["Dough", "Oven"]


def test_the_number_of_chapters_is_bounded(tmp_path: Path, spoken: Path) -> None:
    """A file with a chapter for every frame does not make a document of any size."""
    many = [(n / 200, (n + 1) / 200, "x" * 1000) for n in range(300)]
    chapters = probe(tagged(tmp_path / "file.mkv", spoken, many)).chapters
    assert len(chapters) == MAX_CHAPTERS
    assert {len(chapter.title or "") for chapter in chapters} == {200}


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv"])
def test_tags_are_kept_and_the_place_only_if_asked_for(tmp_path: Path, spoken: Path, suffix: str) -> None:
    """Title, artist and time of a recording are known; where it was made is read only for those who want it."""
    path = tagged(tmp_path / f"file.{suffix}", spoken, [], *OPTIONS[suffix])
    tags = probe(path).tags
    assert (tags.title, tags.artist) == ("Grandma's bread and butter", "Ada")
    assert tags.created_at == datetime(2024, 5, 1, 10, tzinfo=UTC)
    assert tags.location is None
    assert read_location(path) == Location(latitude=48.2082, longitude=16.3738)


def test_a_file_without_tags_has_none(spoken: Path) -> None:
    """Nothing is made up."""
    tags = probe(spoken).tags
    assert (tags.title, tags.artist, tags.created_at, read_location(spoken)) == (None, None, None, None)
