"""Closed captions of broadcasts and live streams: read without decoding a picture, or named as present."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import av
import pytest

from shared.media.probe import probe
from shared.media.subtitles import read_subtitles
from tests import media_samples

FPS = 30
ROLL_UP, CARRIAGE_RETURN, ROW_15 = 0x9425, 0x94AD, 0x9470
LOAD, ERASE_HIDDEN, SHOW, ERASE = 0x9420, 0x94AE, 0x942F, 0x942C
Wrap = Callable[[bytes], bytes]


def with_parity(byte: int) -> int:
    return byte | 0x80 if (byte & 0x7F).bit_count() % 2 == 0 else byte


def letters(text: str) -> list[int]:
    codes = [with_parity(ord(letter)) for letter in text] + [0x80] * (len(text) % 2)
    return [high << 8 | low for high, low in zip(codes[::2], codes[1::2], strict=True)]


def popped(text: str) -> list[int]:
    return [LOAD, LOAD, ERASE_HIDDEN, ERASE_HIDDEN, ROW_15, ROW_15, *letters(text), SHOW, SHOW]


def rolled(text: str) -> list[int]:
    return [ROLL_UP, ROLL_UP, CARRIAGE_RETURN, CARRIAGE_RETURN, ROW_15, ROW_15, *letters(text)]


def user_data(kind: int, pair: int) -> bytes:
    """The caption data of one picture: one pair of bytes."""
    return b"\xb5\0\x31GA94\x03\x41\xff" + bytes([0xFC | kind, pair >> 8, pair & 0xFF]) + b"\xff"


def in_h264(data: bytes) -> bytes:
    return b"\x06\x04" + bytes([len(data)]) + data + b"\x80"


def with_length(data: bytes) -> bytes:
    return len(in_h264(data)).to_bytes(4, "big") + in_h264(data)


def with_start_code(data: bytes) -> bytes:
    return b"\0\0\0\1" + in_h264(data)


CARRIERS: dict[str, tuple[str, Wrap, int]] = {
    "mkv": ("libx264", with_length, 0),
    "mp4": ("libx264", with_length, 0),
    "ts": ("libx264", with_start_code, 6),  # after the access unit delimiter
    "mpg": ("mpeg2video", lambda data: b"\0\0\1\xb2" + data[3:], 0),
}


def captioned(path: Path, pairs: Sequence[int], kind: int = 0) -> Path:
    """A video of four seconds with B-frames, and the pairs in its pictures, one in each, in the order shown."""
    codec, wrap, at = CARRIERS[path.suffix[1:]]
    picture = ("-f", "lavfi", "-i", f"testsrc2=s=160x120:r={FPS}:d=4")
    clear = media_samples.ffmpeg(path.with_stem("clear"), *picture, "-c:v", codec, "-bf", "2", "-pix_fmt", "yuv420p")
    with av.open(str(clear)) as source, av.open(str(path), "w") as target:
        stream = source.streams.video[0]
        copy = target.add_stream_from_template(stream)
        packets: list[Any] = [packet for packet in source.demux(stream) if packet.pts is not None]
        first = min(packet.pts * packet.time_base for packet in packets)
        for packet in packets:
            number = round(float(packet.pts * packet.time_base - first) * FPS)
            content = bytes(packet)
            data = wrap(user_data(kind, pairs[number] if number < len(pairs) else 0x8080))
            changed = av.Packet(content[:at] + data + content[at:])
            changed.pts, changed.dts, changed.time_base = packet.pts, packet.dts, packet.time_base
            changed.is_keyframe, changed.stream = packet.is_keyframe, copy
            target.mux(changed)
    return path


def texts(path: Path) -> list[str]:
    info = probe(path)
    return [segment.text for track in info.subtitles for segment in read_subtitles(path, track)]


@pytest.mark.parametrize("carrier", CARRIERS)
def test_captions_within_the_pictures_are_read(tmp_path: Path, carrier: str) -> None:
    """What a broadcast says in captions becomes the transcript, whatever the order of its packets."""
    pairs = [*popped("MIX THE FLOUR"), *[0x8080] * 30, *popped("ADD WATER"), *[0x8080] * 20, ERASE, ERASE]
    path = captioned(tmp_path / f"video.{carrier}", pairs)
    info = probe(path)
    assert [track.codec for track in info.subtitles] == ["eia_608"]
    first, second = read_subtitles(path, info.subtitles[0], start=info.clock_start)
    assert (first.text, second.text) == ("MIX THE FLOUR", "ADD WATER")
    assert first.start == pytest.approx(13 / FPS, abs=0.1)
    assert first.end == pytest.approx(second.start, abs=0.1)
    assert second.end == pytest.approx((pairs.index(ERASE, 50) + 1) / FPS, abs=0.15)


def test_rolling_captions_say_each_line_once(tmp_path: Path) -> None:
    """Live captions roll two lines up; each line is said once."""
    rows = ["FIRST WE MIX", "THE FLOUR AND", "THE WATER"]
    pairs = [pair for row in rows for pair in (*rolled(row), *[0x8080] * 20)]
    assert texts(captioned(tmp_path / "video.mkv", [*pairs, ERASE, ERASE])) == rows


def test_captions_of_a_track_are_read(tmp_path: Path) -> None:
    """A QuickTime file with a track of captions is read as well."""
    rows = [(1, popped("MIX THE FLOUR")), (2, popped("ADD WATER")), (3, [ERASE, ERASE])]
    lines = [f"00:00:0{second}:00\t" + " ".join(f"{pair:04x}" for pair in pairs) for second, pairs in rows]
    scenarist = media_samples.written(
        tmp_path / "captions.scc", "\n\n".join(["Scenarist_SCC V1.0", *lines, ""]).encode()
    )
    picture = ("-f", "lavfi", "-i", f"testsrc2=s=160x120:r={FPS}:d=4")
    path = media_samples.ffmpeg(tmp_path / "video.mov", *picture, "-i", scenarist, "-c:s", "copy")
    assert texts(path) == ["MIX THE FLOUR", "ADD WATER"]


def test_captions_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    """CEA-708 alone is not read: the job says so, instead of leaving the impression that there are no captions."""
    info = probe(captioned(tmp_path / "video.mkv", letters("HELLO"), kind=3))
    assert (info.subtitles, info.warnings) == ([], ["unread subtitles: cea_708"])


def test_empty_captions_are_no_track(tmp_path: Path) -> None:
    """Encoders send empty caption data all the time; it promises no text."""
    info = probe(captioned(tmp_path / "video.mkv", []))
    assert (info.subtitles, info.warnings) == ([], [])
