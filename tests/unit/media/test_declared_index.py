"""Files that declare far more than they hold: refused before a demuxer takes memory for it."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import pytest

from shared.errors import PermanentError
from shared.media import declared_index
from shared.media.container import open_media
from shared.media.declared_index import check_index
from tests.media_samples import ffmpeg

MILLIONS = 30_000_000


def box(kind: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def numbers(*values: int) -> bytes:
    """The version and flags, 0, and the numbers of a full box."""
    return struct.pack(f">{len(values) + 1}I", 0, *values)


def track(samples: int, size: int = 1, handler: bytes = b"vide", step: int = 1, per_chunk: int | None = None) -> bytes:
    table = box(
        b"stbl",
        box(b"stts", numbers(1, samples, step)),
        box(b"stsc", numbers(1, 1, samples if per_chunk is None else per_chunk, 1)),
        box(b"stsz", numbers(size, samples)),
        box(b"stco", numbers(1, 8)),
    )
    hdlr = box(b"hdlr", numbers(0), handler, bytes(13))
    return box(b"trak", box(b"mdia", hdlr, box(b"minf", table)))


def movie(*tracks: bytes) -> bytes:
    return box(b"ftyp", b"isom", bytes(4)) + box(b"mdat", bytes(64)) + box(b"moov", *tracks)


def fragment(samples: int) -> bytes:
    return box(b"moof", box(b"traf", box(b"tfhd", numbers(1)), box(b"trun", numbers(samples))))


def compressed(moov: bytes) -> bytes:
    data = zlib.compress(moov)
    return box(b"moov", box(b"cmov", box(b"dcom", b"zlib"), box(b"cmvd", struct.pack(">I", len(moov)), data)))


def element(id: str, content: bytes) -> bytes:
    return bytes.fromhex(id) + (len(content) | 1 << 56).to_bytes(8, "big") + content


def matroska(content: bytes) -> bytes:
    return element("1a45dfa3", element("4282", b"matroska")) + element("18538067", content)


def chunk(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("<I", len(content)) + content


@pytest.mark.parametrize(
    "data",
    [
        movie(track(MILLIONS)),
        b"caff\0\1\0\0pakt" + struct.pack(">qqqii", 24, MILLIONS, MILLIONS * 1024, 0, 0),
        movie(*[track(90_000)] * 20),
        movie(*[track(0)] * 300),
        movie(track(2**31, 2, b"soun", per_chunk=2**31)),
        movie(track(0), fragment(1)) + fragment(MILLIONS),
        movie() + compressed(box(b"moov", track(MILLIONS))),
        movie() + compressed(box(b"moov", bytes(20_000_000))),
        b"ID3\x04\0\0\0\0\0\x05" + bytes(5) + movie(track(MILLIONS)),
        matroska(element("1654ae6b", b"\xae\x80" * 300)),
        matroska(b"\0\0damage\0" + element("1254c367", b"\x67\xc8\x80" * 10_001)),
        matroska(element("1c53bb6b", b"\xbb\x80" * 110_000)),
        chunk(b"RIFF", b"AVI " + chunk(b"idx1", b"01wb" + struct.pack("<III", 16, 4, 2**29))),
        chunk(b"RIFF", b"AVI " + chunk(b"indx", b"\2\0\0\1" + bytes(20) + struct.pack("<II", 4, 2**29))),
    ],
    ids=[
        "samples of one size",
        "packets of one size in CAF",
        "samples of many tracks",
        "tracks",
        "chunks of uncompressed audio",
        "a fragment without fields",
        "in a compressed header",
        "a compressed header",
        "behind an ID3 tag",
        "tracks of Matroska",
        "tags behind damage",
        "cue points",
        "a chunk of audio in an AVI index",
        "a chunk of audio in an OpenDML index",
    ],
)
def test_a_file_cannot_declare_more_than_it_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    """A small file that would take gigabytes of memory ends its own job, in a moment, with advice."""
    monkeypatch.setattr("shared.media.declared_index._MAX_BOXES", 10_000)
    monkeypatch.setattr("shared.media.declared_index.MAX_ENTRIES", 100_000)
    path = tmp_path / "video"
    path.write_bytes(data)
    with pytest.raises(PermanentError) as caught, open_media(path):
        pass
    assert caught.value.code == "index_too_large"
    assert "Export the video again" in caught.value.message


@pytest.mark.parametrize(
    "data",
    [
        movie(track(200_000_000, 4, b"soun", per_chunk=4096)),
        movie(track(90_000, 32, step=160)),
        movie(track(0), fragment(1024)) * 20,
        movie() + box(b"moov", box(b"trak", box(b"stsc", numbers(MILLIONS)), box(b"stsz", numbers(0, MILLIONS)))),
        matroska(element("1654ae6b", b"\xae\x80" * 20)),
        b"RIFF\0\0\0\0AVI ",
        b"\x1a\x45\xdf\xa3",
        b"ID3",
        b"\0\0\0\1moov",
    ],
    ids=[
        "hours of uncompressed audio",
        "the start of a long recording",
        "fragments",
        "a table without its rows",
        "tracks",
        "an AVI header",
        "a Matroska header",
        "an ID3 tag",
        "a box without a size",
    ],
)
def test_truncated_and_uncompressed_files_are_not_refused(tmp_path: Path, data: bytes) -> None:
    """What is left of a real recording is read as far as it plays, and uncompressed audio has its many samples."""
    path = tmp_path / "video"
    path.write_bytes(data)
    check_index(path)


@pytest.mark.parametrize("suffix", ["mov", "mp4", "mkv", "avi", "wav"])
def test_long_real_files_pass(tmp_path: Path, suffix: str) -> None:
    """Ten minutes of real audio pass the check in every container, also when the end is missing."""
    codec = "aac" if suffix == "mp4" else "pcm_s16le"
    path = ffmpeg(tmp_path / f"a.{suffix}", "-f", "lavfi", "-i", "anullsrc=r=8000:cl=mono", "-t", "600", "-c:a", codec)
    check_index(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
    check_index(path)


def test_a_file_is_walked_once_until_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stage that opens its video several times checks the index once; a changed file is checked anew."""
    walks: list[int] = []
    real = declared_index._Index

    def count(data: Any) -> Any:
        walks.append(len(data))
        return real(data)

    monkeypatch.setattr(declared_index, "_Index", count)
    path = tmp_path / "video.mp4"
    path.write_bytes(b"\0\0\0\x08free")
    for _ in range(3):
        check_index(path)
    assert walks == [8]
    path.write_bytes(b"\0\0\0\x08free" * 2)
    check_index(path)
    assert walks == [8, 16]
