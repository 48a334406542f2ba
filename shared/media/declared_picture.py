"""What a container declares of a video track's pictures that FFmpeg's libraries do not hand over with the frames.

The clean aperture of QuickTime and MP4 (`clap`, ISO/IEC 14496-12, 12.1.4) and the cropping of Matroska (RFC 9559,
5.1.4.1.28) hide edges of the decoded frames. Dolby's configuration record (`dvcC`, `dvvC`) names the profile.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from shared.media.header_duration import EBML_MAGIC, Box, box_content, boxes, elements, file_box, find_box

_SEGMENT, _TRACKS, _ENTRY, _VIDEO = 0x18538067, 0x1654AE6B, 0xAE, 0xE0
_CROPS = (0x54CC, 0x54BB, 0x54DD, 0x54AA)  # left, top, right, bottom
_MAPPING, _EXTRA_DATA = 0x41E4, 0x41ED
_SAMPLE_ENTRY_BYTES = 78
_IDENTIFIER_AT = {0: 12, 1: 20}
Crop = tuple[int, int, int, int]


@dataclass(frozen=True)
class DeclaredPicture:
    """What is declared of one track.

    Attributes:
        crop: Pixels to hide on the left, top, right and bottom.
        dolby_profile: Profile of Dolby Vision; None without.
    """

    crop: Crop = (0, 0, 0, 0)
    dolby_profile: int | None = None


def read_declared_picture(path: Path, index: int, identifier: int) -> DeclaredPicture:
    """Read the declaration of the video track with this stream index (Matroska) or track id (MP4).

    Returns an empty one for other containers, and where a declaration makes no sense.
    """
    with path.open("rb") as file:
        whole = file_box(file)
        try:
            if box_content(file, whole, 4) == EBML_MAGIC:
                return _read_matroska(file, whole, index)
            return _read_iso(file, whole, identifier)
        except (ZeroDivisionError, struct.error):
            return DeclaredPicture()


def _read_iso(file: BinaryIO, whole: Box, identifier: int) -> DeclaredPicture:
    movie = find_box(boxes(file, whole), b"moov")
    tracks = (box for box in boxes(file, movie) if box.type == b"trak") if movie else ()
    for track in tracks:
        header = find_box(boxes(file, track), b"tkhd")
        if header is None or _track_identifier(file, header) != identifier:
            continue
        table = _find_nested(file, track, b"mdia", b"minf", b"stbl", b"stsd")
        entry = next(boxes(file, Box(b"stsd", table.start + 8, table.end)), None) if table else None
        if entry is None:
            return DeclaredPicture()
        width, height = struct.unpack(">HH", box_content(file, entry, 4, 24))
        parts = list(boxes(file, Box(entry.type, entry.start + _SAMPLE_ENTRY_BYTES, entry.end)))
        aperture = find_box(parts, b"clap")
        dolby = find_box(parts, b"dvcC") or find_box(parts, b"dvvC")
        return DeclaredPicture(
            _aperture_crop(box_content(file, aperture, 32), width, height) if aperture else (0, 0, 0, 0),
            _dolby_profile(box_content(file, dolby, 4)) if dolby else None,
        )
    return DeclaredPicture()


def _track_identifier(file: BinaryIO, header: Box) -> int:
    version = box_content(file, header, 1)[0]
    return int.from_bytes(box_content(file, header, 4, _IDENTIFIER_AT.get(version, 12)), "big")


def _find_nested(file: BinaryIO, box: Box, *types: bytes) -> Box | None:
    found: Box | None = box
    for name in types:
        found = find_box(boxes(file, found), name) if found else None
    return found


def _aperture_crop(data: bytes, width: int, height: int) -> Crop:
    """Convert width, height and offsets of the centre, each a fraction, to a crop."""
    numbers = struct.unpack(">IIIIiIiI", data)
    across, down, x, y = (numbers[n] / numbers[n + 1] for n in range(0, 8, 2))
    left, top = (width - across) / 2 + x, (height - down) / 2 + y
    return _possible_crop(round(left), round(top), round(width - across - left), round(height - down - top))


def _possible_crop(*edges: int) -> Crop:
    left, top, right, bottom = edges
    return (left, top, right, bottom) if min(edges) >= 0 else (0, 0, 0, 0)


def _dolby_profile(data: bytes) -> int:
    """Bits 16 to 22 of the record, behind two version bytes (Dolby Vision streams within ISO base media, 3.2)."""
    return data[2] >> 1


def _read_matroska(file: BinaryIO, whole: Box, index: int) -> DeclaredPicture:
    segment = find_box(elements(file, whole), _SEGMENT)
    tracks = find_box(elements(file, segment), _TRACKS) if segment else None
    entries = [box for box in elements(file, tracks) if box.type == _ENTRY] if tracks else []
    if index >= len(entries):
        return DeclaredPicture()
    parts = list(elements(file, entries[index]))
    video = find_box(parts, _VIDEO)
    numbers = (
        {box.type: int.from_bytes(box_content(file, box, 8), "big") for box in elements(file, video)} if video else {}
    )
    records = (find_box(elements(file, part), _EXTRA_DATA) for part in _mappings(parts))
    profiles = [
        _dolby_profile(box_content(file, record, 4)) for record in records if record and record.end - record.start == 24
    ]
    return DeclaredPicture(
        _possible_crop(*(numbers.get(name, 0) for name in _CROPS)), profiles[0] if profiles else None
    )


def _mappings(parts: list[Box]) -> Iterator[Box]:
    return (part for part in parts if part.type == _MAPPING)
