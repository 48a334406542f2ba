"""Sounds without words."""

from __future__ import annotations

RATE = 16_000


def flac_header(samples: int) -> bytes:
    """The beginning of a FLAC file, mono at 16 kHz, of so many samples (RFC 9639, 8.2)."""
    fields = RATE << 44 | 15 << 36 | samples
    return b"fLaC" + b"\x80\x00\x00\x22" + bytes(10) + fields.to_bytes(8, "big") + bytes(16)
