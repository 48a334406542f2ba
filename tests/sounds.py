"""Sounds without words, and videos with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.media_samples import ffmpeg, small_video, with_sound

RATE = 16_000


def flac_header(samples: int) -> bytes:
    """The beginning of a FLAC file, mono at 16 kHz, of so many samples (RFC 9639, 8.2)."""
    fields = RATE << 44 | 15 << 36 | samples
    return b"fLaC" + b"\x80\x00\x00\x22" + bytes(10) + fields.to_bytes(8, "big") + bytes(16)


def talking_video(path: Path, seconds: float = 4) -> Path:
    """Two shots and a tone."""
    silent = small_video(path.with_suffix(".silent.mp4"), seconds)
    return with_sound(path, silent)


def bursts(path: Path, seconds: int, burst_sec: float = 6, pause_sec: float = 0.8) -> Path:
    """Tones with pauses between them, each of another pitch, as a FLAC of 8 kHz: hours of it are made in no time."""
    rate = 8_000
    period = round((burst_sec + pause_sec) * rate)
    time = np.arange(seconds * rate)
    number, within = np.divmod(time, period)
    pitch = 200 + 7 * (number % 97)
    tone = np.sin(2 * np.pi * pitch * time / rate) * (within < burst_sec * rate)
    raw = path.with_suffix(".raw")
    raw.write_bytes((tone * 8_000).astype("<i2").tobytes())
    made = ffmpeg(path, "-f", "s16le", "-ar", str(rate), "-ac", "1", "-i", raw)
    raw.unlink()
    return made
