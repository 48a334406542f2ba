"""The duration of a video from its header, without a decoder, for replies that cannot wait for one.

ISO base media (MP4, MOV): ISO/IEC 14496-12, boxes `moov`, `mvhd`, `mehd`. Matroska and WebM: RFC 9559 over RFC 8794,
elements Segment, Info, Duration, TimestampScale. A header may be missing or wrong; decoding is authoritative.
"""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

# Valid files have their header after a few boxes; reading stops after this many.
MAX_BOXES = 200
EBML_MAGIC = b"\x1a\x45\xdf\xa3"
_SEGMENT, _INFO, _DURATION, _TIMESTAMP_SCALE = 0x18538067, 0x1549A966, 0x4489, 0x2AD7B1
_DEFAULT_SCALE_NS = 1_000_000


@dataclass(frozen=True)
class Box:
    """A box or element: its type, and the byte range [start, end) of its content."""

    type: bytes | int
    start: int
    end: int


def header_duration(file: BinaryIO) -> float | None:
    """Return the duration in seconds, finite and positive; None if the header has none.

    Seeks in the file and reads at most a few kilobytes, whatever its size and content.
    """
    whole = file_box(file)
    seconds = (
        _matroska_duration(file, whole) if box_content(file, whole, 4) == EBML_MAGIC else _iso_duration(file, whole)
    )
    return seconds if seconds is not None and math.isfinite(seconds) and seconds > 0 else None


def file_box(file: BinaryIO) -> Box:
    """Return the box that contains the boxes or elements of a whole file."""
    return Box(b"", 0, file.seek(0, os.SEEK_END))


def box_content(file: BinaryIO, box: Box, size: int, at: int = 0) -> bytes:
    """Read at most `size` bytes of the box from offset `at`; fewer where the box or the file ends."""
    file.seek(box.start + at)
    return file.read(max(0, min(size, box.end - box.start - at)))


def _to_int(data: bytes) -> int:
    return int.from_bytes(data, "big")


def find_box(boxes: Iterable[Box], type: bytes | int) -> Box | None:
    return next((box for box in boxes if box.type == type), None)


# ISO base media


def _iso_duration(file: BinaryIO, whole: Box) -> float | None:
    movie = find_box(boxes(file, whole), b"moov")
    header = movie and find_box(boxes(file, movie), b"mvhd")
    if not movie or not header:
        return None
    # Layout: version and flags, created and modified (a word each), time scale, duration (a word).
    word = _word_size(file, header)
    scale = _to_int(box_content(file, header, 4, at=4 + 2 * word))
    length = _read_length(file, header, 8 + 2 * word) or _fragment_duration(file, movie)
    return length / scale if scale and length else None


def _fragment_duration(file: BinaryIO, movie: Box) -> int | None:
    """Return the duration of a fragmented movie, in units of the movie's time scale."""
    extends = find_box(boxes(file, movie), b"mvex")
    header = extends and find_box(boxes(file, extends), b"mehd")
    return _read_length(file, header, 4) if header else None


def _word_size(file: BinaryIO, box: Box) -> int:
    """Return the number of bytes of a time in a box of this version."""
    return 8 if box_content(file, box, 1) == b"\1" else 4


def _read_length(file: BinaryIO, box: Box, at: int) -> int | None:
    """Read a duration at an offset; None if all bits are ones, which means unknown."""
    data = box_content(file, box, _word_size(file, box), at)
    return None if not data.strip(b"\xff") else _to_int(data)


def boxes(file: BinaryIO, parent: Box) -> Iterator[Box]:
    """Yield the boxes of ISO base media inside a box, at most `MAX_BOXES`."""
    at = parent.start
    for _ in range(MAX_BOXES):
        head = box_content(file, parent, 16, at - parent.start)
        if len(head) < 8:
            return
        size, start = _to_int(head[:4]), at + 8
        if size == 1:
            size, start = _to_int(head[8:16]), at + 16
        elif size == 0:
            size = parent.end - at
        if at + size < start:
            return
        end = min(at + size, parent.end)
        yield Box(head[4:8], start, end)
        at = end


# Matroska and WebM


def _matroska_duration(file: BinaryIO, whole: Box) -> float | None:
    segment = find_box(elements(file, whole), _SEGMENT)
    info = segment and find_box(elements(file, segment), _INFO)
    if not info:
        return None
    scale, ticks = _DEFAULT_SCALE_NS, None
    for element in elements(file, info):
        data = box_content(file, element, 8)
        if element.type == _TIMESTAMP_SCALE:
            scale = _to_int(data)
        elif element.type == _DURATION:
            ticks = _to_float(data)
    return None if ticks is None else ticks * scale / 1e9


def _to_float(data: bytes) -> float | None:
    form = {4: ">f", 8: ">d"}.get(len(data))
    return float(struct.unpack(form, data)[0]) if form else None


def elements(file: BinaryIO, parent: Box) -> Iterator[Box]:
    """Yield the elements of Matroska inside an element, at most `MAX_BOXES`."""
    at = parent.start
    for _ in range(MAX_BOXES):
        head = box_content(file, parent, 12, at - parent.start)
        id_bytes = vint_length(head)
        size_bytes = vint_length(head[id_bytes:])
        start = at + id_bytes + size_bytes
        if not id_bytes or id_bytes > 4 or not size_bytes or len(head) < id_bytes + size_bytes:
            return
        ones = 2 ** (7 * size_bytes) - 1
        size = _to_int(head[id_bytes : id_bytes + size_bytes]) & ones
        # All ones, as in live streams: the element lasts to the end of its parent.
        end = parent.end if size == ones else min(start + size, parent.end)
        yield Box(_to_int(head[:id_bytes]), start, end)
        at = end


def vint_length(data: bytes) -> int:
    """Return the length in bytes of a variable-size integer by its leading zeros (RFC 8794, 4); 0 if there is none."""
    return 9 - data[0].bit_length() if data and data[0] else 0
