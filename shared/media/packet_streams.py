"""Recognize streams of packets that players find their way into wherever a file begins.

Recorders and downloads put zeros, ID3 or APE tags before the first packet, or begin within one. MPEG audio: ISO/IEC
11172-3 and 13818-3. AAC in ADTS: ISO/IEC 13818-7. Transport and program streams: ISO/IEC 13818-1.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import chain

from shared.media.declared_tags import id3_end

_APE_HEADER_BYTES = 32
_LONGEST_FRAME = 8192
"""Bytes of the longest frame of AAC, which is longer than those of MPEG audio."""
_SURE_FRAMES = 3
"""Frames in a row that no other data has by chance, even where the first begins anywhere."""
_SURE_PACKETS = 5
_LEAST_PACKETS = 3
_MOST_PACKETS = 20
_PROGRAM_STREAM = re.compile(rb"\0\0\x01[\xba\xb3]")
_SYNC = 0x47
# Bytes of a packet: plain, with a time code before it (Blu-ray, cameras), with error correction after it (broadcast).
_PACKET_BYTES = (188, 192, 204)
_BIT_RATES = {
    (1, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""Kilobits per second by version and layer; the same for layers 2 and 3 of version 2."""
_SAMPLE_RATES = (44_100, 48_000, 32_000)
_ADTS_RATES = 13


def sniff_packet_stream(head: bytes) -> str | None:
    """Return the media type of a file that begins with `head`, whatever precedes its first packet; None if unknown."""
    at = _tags_end(head)
    stream = head[at:]
    padded = stream.lstrip(b"\0")
    zeros = len(stream) - len(padded)
    if stream.startswith(b"fLaC"):
        return "audio/flac"
    if _PROGRAM_STREAM.match(stream, max(0, zeros - 2)):
        return "video/mpeg"
    if _is_transport_stream(stream) or (zeros and _is_transport_stream(padded)):
        return "video/mp2t"
    least = 1 if at or not zeros else _SURE_FRAMES
    kinds = {"audio/mpeg": _mpeg_frame_bytes, "audio/aac": _adts_frame_bytes}
    begins = [name for name, frame_bytes in kinds.items() if _has_frames(padded, frame_bytes, 0, least)]
    continues = (name for name, frame_bytes in kinds.items() if _find_frames(padded, frame_bytes))
    return next(chain(begins, continues), "audio/mpeg" if at else None)


def _tags_end(head: bytes) -> int:
    """Return where the ID3v2 and APEv2 tags at the beginning end."""
    at = id3_end(head)
    if head[at : at + 8] == b"APETAGEX":
        at += _APE_HEADER_BYTES + int.from_bytes(head[at + 12 : at + 16], "little")
    return at


def _is_transport_stream(data: bytes) -> bool:
    """Detect a sync byte in each of the first packets; the file may begin within one."""
    for size in _PACKET_BYTES:
        for start in range(min(size, len(data))):
            syncs = data[start : start + _MOST_PACKETS * size : size]
            least = _LEAST_PACKETS if start in (0, 4) else _SURE_PACKETS
            if len(syncs) >= least and syncs.count(_SYNC) == len(syncs):
                return True
    return False


def _find_frames(data: bytes, frame_bytes: Callable[[bytes], int]) -> bool:
    """Return True if frames follow each other from somewhere within the first one."""
    start = data.find(b"\xff", 1, _LONGEST_FRAME)
    while start >= 0:
        if _has_frames(data, frame_bytes, start, _SURE_FRAMES):
            return True
        start = data.find(b"\xff", start + 1, _LONGEST_FRAME)
    return False


def _has_frames(data: bytes, frame_bytes: Callable[[bytes], int], at: int, count: int) -> bool:
    """Return True if `count` frames follow each other from `at`; the last may be cut off."""
    for _ in range(count):
        size = frame_bytes(data[at : at + 6])
        if not size:
            return False
        at += size
    return True


def _mpeg_frame_bytes(header: bytes) -> int:
    """Return the length of a frame of MPEG audio, layer II or III, by its header; 0 if it is none."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return 0
    version_bits, layer = header[1] >> 3 & 3, 4 - (header[1] >> 1 & 3)
    bit_rate, sample_rate, padding = header[2] >> 4, header[2] >> 2 & 3, header[2] >> 1 & 1
    if version_bits == 1 or layer not in (2, 3) or bit_rate in (0, 15) or sample_rate == 3:
        return 0
    version = 1 if version_bits == 3 else 2
    kilobits = _BIT_RATES[(1, layer) if version == 1 else (2, 2)][bit_rate - 1]
    hertz = _SAMPLE_RATES[sample_rate] >> {3: 0, 2: 1, 0: 2}[version_bits]
    return (72 if version == 2 and layer == 3 else 144) * kilobits * 1000 // hertz + padding


def _adts_frame_bytes(header: bytes) -> int:
    """Return the length of a frame of AAC in ADTS by its header; 0 if it is none."""
    if len(header) < 6 or header[0] != 0xFF or header[1] & 0xF6 != 0xF0 or header[2] >> 2 & 15 >= _ADTS_RATES:
        return 0
    size = (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5
    return size if size > len(header) else 0
