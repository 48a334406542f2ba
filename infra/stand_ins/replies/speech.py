"""Words for a sound that nobody listens to: as many as fit its length, and the same each time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import chain, cycle

from infra.demo.script import SCRIPT
from shared.models.video import Segment, Word

WORD_SEC, PAUSE_SEC = 0.35, 0.5
SPEECH_LANGUAGE = "en"
STREAMINFO = slice(8, 42)


def audio_digest(flac: bytes) -> str:
    """A short name for a sound, by its bytes."""
    return hashlib.sha256(flac).hexdigest()[:8]


def make_speech_segments(flac: bytes) -> list[Segment]:
    """Sentences, the first of which says that they are made up and for which sound; raises ValueError."""
    end, time = flac_duration(flac), 0.0
    segments = []
    for sentence in speech_sentences(audio_digest(flac)):
        words = []
        for text in sentence.split():
            if time + WORD_SEC > end:
                break
            words.append(Word(start=round(time, 3), end=round(time + WORD_SEC, 3), text=text))
            time += WORD_SEC
        if not words:
            break
        spoken_text = " ".join(word.text for word in words)
        segments.append(Segment(start=words[0].start, end=words[-1].end, text=spoken_text, words=words))
        time += PAUSE_SEC
    return segments


def speech_sentences(name: str) -> Iterator[str]:
    """Without end."""
    return chain([f"Nobody listened to sound {name}, these words are made up."], cycle(line.text for line in SCRIPT))


def flac_duration(flac: bytes) -> float:
    """How long the sound is, by its STREAMINFO block (RFC 9639, 8.2); raises ValueError when that does not tell."""
    if flac[:4] != b"fLaC" or flac[4] & 0x7F or len(flac) < STREAMINFO.stop:
        raise ValueError("this is no FLAC file")
    fields = int.from_bytes(flac[STREAMINFO][10:18], "big")
    rate, samples = fields >> 44, fields & (1 << 36) - 1
    if not rate or not samples:
        raise ValueError("the FLAC file does not tell its length")
    return samples / rate
