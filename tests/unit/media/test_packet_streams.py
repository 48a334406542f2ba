"""Recordings that do not begin with their first packet, and voice memos: taken, with all of their sound."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from shared.media.audio.extraction import extract_audio
from shared.media.file_type import HEAD_BYTES, require_media_type
from shared.media.probe import probe
from tests import media_samples
from tests.sound_samples import sound, speech

SECONDS = 3.0
Change = Callable[[bytes], bytes]
APE_ITEM = b"\2\0\0\0\0\0\0\0Title\0Hi"


def id3(padding: int) -> bytes:
    """An empty ID3 tag with so many bytes of padding."""
    return b"ID3\3\0\0" + bytes(padding >> shift & 0x7F for shift in (21, 14, 7, 0)) + bytes(padding)


def ape(flags: int) -> bytes:
    """The header or the footer of an APE tag with one field."""
    values = (2000, len(APE_ITEM) + 32, 1, flags)
    return b"APETAGEX" + b"".join(value.to_bytes(4, "little") for value in values) + bytes(8)


APE = ape(0xA0000000) + APE_ITEM + ape(0x80000000)
BEGINNINGS: dict[str, tuple[str, str, Change]] = {
    "MP3 after zeros": ("mp3", "audio/mpeg", lambda data: bytes(2048) + data),
    "MP3 after many zeros": ("mp3", "audio/mpeg", lambda data: bytes(30_001) + data),
    "MP3 after padding": ("mp3", "audio/mpeg", lambda data: id3(500) + bytes(7000) + data),
    "MP3 after several tags": ("mp3", "audio/mpeg", lambda data: id3(5000) + id3(0) + id3(9000) + data),
    "MP3 after an APE tag": ("mp3", "audio/mpeg", lambda data: APE + data),
    "MP3 before an APE tag": ("mp3", "audio/mpeg", lambda data: data + APE),
    "MP3 from within a frame": ("mp3", "audio/mpeg", lambda data: data[data.index(b"\xff\xfb") + 200 :]),
    "AAC": ("aac", "audio/aac", lambda data: data),
    "AAC after a tag": ("aac", "audio/aac", lambda data: id3(100) + data),
    "AAC after zeros": ("aac", "audio/aac", lambda data: bytes(999) + data),
    "AAC from within a frame": ("aac", "audio/aac", lambda data: data[50:]),
    "FLAC after a tag": ("flac", "audio/flac", lambda data: id3(20_000) + data),
    "TS from within a packet": ("ts", "video/mp2t", lambda data: data[100:]),
    "TS after zeros": ("ts", "video/mp2t", lambda data: bytes(3000) + data),
    "M2TS": ("m2ts", "video/mp2t", lambda data: data),
    "M2TS from within a packet": ("m2ts", "video/mp2t", lambda data: data[77:]),
    "MPEG after zeros": ("mpg", "video/mpeg", lambda data: bytes(1000) + data),
    "AIFF": ("aiff", "audio/aiff", lambda data: data),
    "AIFC": ("aifc", "audio/aiff", lambda data: data),
    "CAF": ("caf", "audio/x-caf", lambda data: data),
    "CAF with ALAC": ("alac.caf", "audio/x-caf", lambda data: data),
    "3GA": ("3ga", "video/mp4", lambda data: data),
}
OPTIONS = {
    "m2ts": ("-f", "mpegts", "-mpegts_m2ts_mode", "1"),
    "mpg": ("-f", "mpeg"),
    "aifc": ("-f", "aiff", "-c:a", "pcm_s16le"),
    "alac.caf": ("-c:a", "alac"),
    "3ga": ("-f", "3gp", "-c:a", "aac"),
}


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sound(tmp_path_factory.mktemp("talk") / "talk.wav", speech([(0.5, 2.5)], SECONDS))


def taken_type(path: Path) -> str:
    with path.open("rb") as file:
        return require_media_type(file.read(HEAD_BYTES), path.name)


@pytest.mark.parametrize("name", BEGINNINGS)
def test_a_recording_is_taken_wherever_it_begins(talk: Path, tmp_path: Path, name: str) -> None:
    """Zeros, tags and half a packet at the beginning are skipped, as players do, and the sound is heard."""
    suffix, media_type, change = BEGINNINGS[name]
    made = media_samples.ffmpeg(tmp_path / f"made.{suffix}", "-i", talk, *OPTIONS.get(suffix, ()))
    sent = media_samples.written(tmp_path / f"sent.{suffix}", change(made.read_bytes()))
    assert taken_type(sent) == media_type
    info = probe(sent)
    assert info.duration_sec == pytest.approx(SECONDS, abs=0.5)
    extraction = extract_audio(sent, tmp_path / "audio.flac", info)
    assert extraction is not None
    assert extraction[0].duration_sec == pytest.approx(SECONDS, abs=0.5)


@pytest.mark.parametrize(("magic", "frame"), [(b"#!AMR\n", b"\x3c" + bytes(31)), (b"#!AMR-WB\n", b"\x44" + bytes(60))])
def test_voice_memos_of_phones_are_taken(tmp_path: Path, magic: bytes, frame: bytes) -> None:
    """AMR, narrow and wide, for which no encoder is to be had: frames of 20 ms, made by hand."""
    memo = media_samples.written(tmp_path / "memo.amr", magic + frame * 100)
    assert taken_type(memo) == "audio/amr"
    info = probe(memo)
    assert (info.has_audio, info.duration_sec) == (True, pytest.approx(2, abs=0.05))
    assert extract_audio(memo, tmp_path / "audio.flac", info) is not None


@pytest.mark.parametrize(
    "data", [b"\xff\xfb\x90\x64".join([bytes(range(1, 200))] * 9), b"x" + b"G" * 4, b"G" + bytes(187) + b"G"]
)
def test_what_only_resembles_packets_is_not_taken(data: bytes) -> None:
    """Bytes that look like one packet's beginning do not make a recording of any file."""
    with pytest.raises(Exception, match="not an accepted"):
        require_media_type(bytes(10) + data, None)
