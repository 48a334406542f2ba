"""Encrypted files: called encrypted, not damaged; what is not encrypted in them is used."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from shared.errors import PermanentError
from shared.media.header_duration import vint_length
from shared.media.probe import probe
from tests import media_samples
from tests.unit.media.test_declared_index import element

SCHEME = ("-encryption_scheme", "cenc-aes-ctr", "-encryption_key", "0" * 31 + "1", "-encryption_kid", "0" * 31 + "2")
FRAGMENTS = ("-movflags", "+frag_keyframe+empty_moov+default_base_moof")
Make = Callable[[Path, Path], Path]


def cenc(path: Path, spoken: Path, *options: str) -> Path:
    return media_samples.ffmpeg(path, "-i", spoken, "-c", "copy", *SCHEME, *options)


def renamed(path: Path, spoken: Path, *names: tuple[bytes, bytes]) -> Path:
    """The entries of the sample tables get the names that a shop gives encrypted ones."""
    data = spoken.read_bytes()
    start = data.index(b"moov")
    for clear, protected in names:
        data = data[:start] + data[start:].replace(clear + bytes(6), protected + bytes(6))
    return media_samples.written(path, data)


def scrambled_stream(path: Path, spoken: Path) -> Path:
    """A broadcast: the headers of its packets are readable, and mark what follows as scrambled."""
    data = bytearray(media_samples.ffmpeg(path.with_suffix(".clear.ts"), "-i", spoken, "-c", "copy").read_bytes())
    noise = random.Random(1)
    for at in range(0, len(data), 188):
        if 0x100 <= int.from_bytes(data[at + 1 : at + 3], "big") & 0x1FFF < 0x1000:
            data[at + 3] |= 0x80
            start = at + 4 + (1 + data[at + 4] if data[at + 3] & 0x20 else 0)
            data[start : at + 188] = noise.randbytes(at + 188 - start)
    return media_samples.written(path.with_suffix(".ts"), bytes(data))


def encrypted_matroska(path: Path, spoken: Path) -> Path:
    """The first track declares encryption with a key of its own."""
    options = ("-an", "-c", "copy", "-f", "matroska", "-live", "1", "-write_crc32", "0")
    data = media_samples.ffmpeg(path.with_suffix(".clear.mkv"), "-i", spoken, *options).read_bytes()
    key = element("5035", element("47e1", b"\5") + element("47e2", b"key-0123"))
    encodings = element("6d80", element("6240", element("5033", b"\1") + key))
    tracks = data.rindex(bytes.fromhex("1654ae6b")) + 4
    entry = tracks + vint_length(data[tracks : tracks + 8]) + 1
    for at in (entry, tracks):
        length = vint_length(data[at : at + 8])
        size = int.from_bytes(data[at : at + length], "big") & (1 << 7 * length) - 1
        if at == entry:
            end = at + length + size
            data = data[:end] + encodings + data[end:]
        size += len(encodings)
        data = data[:at] + (size | 1 << 7 * length).to_bytes(length, "big") + data[at + length :]
    return media_samples.written(path, data)


ENCRYPTED: dict[str, tuple[str, Make]] = {
    "common encryption": (".mp4", cenc),
    "common encryption in fragments": (".mp4", lambda path, spoken: cenc(path, spoken, *FRAGMENTS)),
    "a song": (".m4a", lambda path, spoken: cenc(path, spoken, "-vn")),
    "a film of a shop": (".m4v", lambda path, spoken: renamed(path, spoken, (b"mp4a", b"drms"), (b"avc1", b"drmi"))),
    "a broadcast": (".ts", scrambled_stream),
    "Matroska": (".mkv", encrypted_matroska),
}


@pytest.mark.parametrize("name", ENCRYPTED)
def test_an_encrypted_file_is_called_encrypted(spoken: Path, tmp_path: Path, name: str) -> None:
    """Who sends a protected file learns that, instead of being told to send a damaged file again."""
    suffix, make = ENCRYPTED[name]
    with pytest.raises(PermanentError, match="without copy protection") as refused:
        probe(make(tmp_path / f"file{suffix}", spoken))
    assert refused.value.code == "encrypted_media"


def test_the_clear_track_of_a_protected_file_is_used(spoken: Path, tmp_path: Path) -> None:
    """Where only the sound is protected, the pictures are looked at, and the job says why there is no sound."""
    info = probe(renamed(tmp_path / "half.mp4", spoken, (b"mp4a", b"drms")))
    assert (info.has_video, info.has_audio) == (True, False)
    assert info.warnings == ["encrypted sound: only the pictures were used"]
