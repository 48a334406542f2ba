"""The duration in the header, read without a decoder."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.media.header_duration import header_duration
from tests.media_samples import ffmpeg

SECONDS = 1.5
MOST_READ = 64 * 1024
MOST_READS = 2000


class Counted(io.BytesIO):
    """A file that counts what is read of it."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.taken = self.reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.taken += len(data)
        self.reads += 1
        return data


def box(kind: bytes, content: bytes = b"", *, wide: bool = False, open_end: bool = False) -> bytes:
    if wide:
        return struct.pack(">I4sQ", 1, kind, 16 + len(content)) + content
    return struct.pack(">I4s", 0 if open_end else 8 + len(content), kind) + content


def mvhd(scale: int, duration: int, version: int = 0) -> bytes:
    times = struct.pack(">QQIQ" if version else ">IIII", 0, 0, scale, duration)
    return box(b"mvhd", bytes([version, 0, 0, 0]) + times + bytes(80))


def film(folder: Path, name: str, *options: str) -> Path:
    path = folder / name
    picture = ["-f", "lavfi", "-i", f"testsrc=duration={SECONDS}:size=64x64:rate=10"]
    ffmpeg(path, *picture, *options)
    return path


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("end.mp4", []),
        ("begin.mp4", ["-movflags", "faststart"]),
        ("a.mov", []),
        ("a.webm", ["-c:v", "libvpx"]),
        ("a.mkv", ["-c:v", "libx264"]),
    ],
)
def test_real_files_say_how_long_they_are(tmp_path: Path, name: str, options: list[str]) -> None:
    """Whatever an app records, its length is known without decoding it, wherever the header lies."""
    with film(tmp_path, name, *options).open("rb") as file:
        assert header_duration(file) == pytest.approx(SECONDS)


@pytest.mark.parametrize(
    ("name", "options"),
    [("a.mp4", ["-movflags", "frag_keyframe+empty_moov"]), ("a.webm", ["-c:v", "libvpx", "-live", "1"])],
)
def test_streams_do_not_say(tmp_path: Path, name: str, options: list[str]) -> None:
    """A recording whose header was written before its end is not taken for one of any length."""
    with film(tmp_path, name, *options).open("rb") as file:
        assert header_duration(file) is None


@given(
    scale=st.integers(1, 2**32 - 1),
    duration=st.integers(1, 2**32 - 2),
    version=st.sampled_from([0, 1]),
    before=st.lists(st.tuples(st.sampled_from([b"ftyp", b"free", b"mdat"]), st.binary(max_size=50), st.booleans())),
    open_end=st.booleans(),
)
def test_the_movie_header_is_found_wherever_it_is(
    scale: int, duration: int, version: int, before: list[tuple[bytes, bytes, bool]], open_end: bool
) -> None:
    """Duration over time scale, in both versions, behind boxes of both sizes."""
    boxes = [box(kind, content, wide=wide) for kind, content, wide in before]
    movie = box(b"moov", box(b"udta") + mvhd(scale, duration, version), open_end=open_end)
    assert header_duration(io.BytesIO(b"".join(boxes) + movie)) == duration / scale


@pytest.mark.parametrize(
    "movie",
    [
        mvhd(1000, 2**32 - 1),
        mvhd(1000, 2**64 - 1, version=1),
        mvhd(0, 5),
        mvhd(1000, 0),
        b"",
        box(b"mvhd"),
        box(b"mvex"),
    ],
    ids=["unknown", "unknown, 64 bits", "no scale", "zero", "empty", "cut", "other"],
)
def test_what_is_unknown_stays_unknown(movie: bytes) -> None:
    """A header that does not say, or says nonsense, is no statement."""
    assert header_duration(io.BytesIO(box(b"ftyp", b"isom") + box(b"moov", movie))) is None


@pytest.mark.parametrize("version", [0, 1])
def test_fragments_can_say_their_sum(version: int) -> None:
    """A fragmented movie that tells its whole duration is believed."""
    length = box(b"mehd", bytes([version, 0, 0, 0]) + struct.pack(">Q" if version else ">I", 9000))
    movie = box(b"moov", mvhd(1000, 0) + box(b"mvex", length))
    assert header_duration(io.BytesIO(movie)) == 9


def element(id: str, content: bytes, size: bytes | None = None) -> bytes:
    return bytes.fromhex(id) + (size or bytes([0x80 | len(content)])) + content


@pytest.mark.parametrize(
    ("info", "seconds"),
    [
        (element("4489", struct.pack(">d", 2500.0)), 2.5),
        (element("4489", struct.pack(">f", 2500.0)), 2.5),
        (element("4489", struct.pack(">d", 5.0)) + element("2ad7b1", (10**9).to_bytes(4, "big")), 5.0),
        (element("4489", struct.pack(">d", float("nan"))), None),
        (element("4489", struct.pack(">d", float("inf"))), None),
        (element("4489", struct.pack(">d", -1.0)), None),
        (element("4489", b"\1\2\3"), None),
        (element("4489", bytes(9)), None),
        (element("ec", bytes(20)), None),
    ],
)
@pytest.mark.parametrize("unknown_size", [False, True])
def test_matroska(info: bytes, seconds: float | None, unknown_size: bool) -> None:
    """Ticks times scale, where they are numbers; a segment may be of unknown size, as streams have it."""
    segment = element("ec", b"void") + element("1549a966", info)
    size = b"\x01" + b"\xff" * 7 if unknown_size else None
    file = io.BytesIO(element("1a45dfa3", b"webm") + element("18538067", segment, size))
    assert header_duration(file) == seconds


GOOD = [
    box(b"ftyp", b"isom") + box(b"mdat", bytes(40), wide=True) + box(b"moov", mvhd(600, 90_000)),
    element("1a45dfa3", b"webm") + element("18538067", element("1549a966", element("4489", struct.pack(">d", 2500.0)))),
]


@given(
    good=st.sampled_from(GOOD),
    cut=st.integers(0, 200),
    changes=st.lists(st.tuples(st.integers(0, 199), st.integers(0, 255)), max_size=12),
)
def test_damage_does_no_harm(good: bytes, cut: int, changes: list[tuple[int, int]]) -> None:
    """Whatever is broken in a header, the answer is a sensible number or none, for a bounded effort."""
    data = bytearray(good)
    for at, value in changes:
        data[at % len(data)] = value
    assert_harmless(bytes(data[: len(data) - cut % len(data)]))


@given(st.sampled_from([b"", b"\x1a\x45\xdf\xa3", b"\0\0\0\x08moov"]), st.binary(max_size=4000))
def test_garbage_does_no_harm(head: bytes, rest: bytes) -> None:
    """Neither does what never was a video."""
    assert_harmless(head + rest)


@pytest.mark.parametrize("data", [box(b"free") * 50_000, element("1a45dfa3", b"") + element("ec", b"") * 50_000])
def test_endless_boxes_are_not_followed(data: bytes) -> None:
    """A file made of nothing but little boxes keeps nobody busy."""
    assert_harmless(data)


def assert_harmless(data: bytes) -> None:
    file = Counted(data)
    seconds = header_duration(file)
    assert seconds is None or 0 < seconds < float("inf")
    assert file.taken <= MOST_READ
    assert file.reads <= MOST_READS
