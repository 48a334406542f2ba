"""Words for a sound that nobody listens to: as many as fit its length, and the same each time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import chain, cycle

from infra.demo.script import SCRIPT
from shared.models.video import Segment, Word

WORD_SEC, BREATH_SEC = 0.35, 0.5
LANGUAGE = "en"
STREAMINFO = slice(8, 42)


def sound_name(flac: bytes) -> str:
    """A short name for a sound, by its bytes."""
    return hashlib.sha256(flac).hexdigest()[:8]


def heard(flac: bytes) -> list[Segment]:
    """Sentences, the first of which says that they are made up and for which sound; raises ValueError."""
    end, time = flac_seconds(flac), 0.0
    segments = []
    for sentence in sentences(sound_name(flac)):
        words = []
        for text in sentence.split():
            if time + WORD_SEC > end:
                break
            words.append(Word(start=round(time, 3), end=round(time + WORD_SEC, 3), text=text))
            time += WORD_SEC
        if not words:
            break
        said = " ".join(word.text for word in words)
        segments.append(Segment(start=words[0].start, end=words[-1].end, text=said, words=words))
        time += BREATH_SEC
    return segments


def sentences(name: str) -> Iterator[str]:
    """Without end."""
    return chain([f"Nobody listened to sound {name}, these words are made up."], cycle(line.said for line in SCRIPT))


def flac_seconds(flac: bytes) -> float:
    """How long the sound is, by its STREAMINFO block (RFC 9639, 8.2); raises ValueError when that does not tell."""
    if flac[:4] != b"fLaC" or flac[4] & 0x7F or len(flac) < STREAMINFO.stop:
        raise ValueError("this is no FLAC file")
    fields = int.from_bytes(flac[STREAMINFO][10:18], "big")
    rate, samples = fields >> 44, fields & (1 << 36) - 1
    if not rate or not samples:
        raise ValueError("the FLAC file does not tell its length")
    return samples / rate
