"""Count the tags, streams, programs and seek points that files declare, before a demuxer stores them.

FFmpeg compares each tag with all earlier ones, and inserts each seek point into a sorted list: a file of a megabyte can
take it minutes. ID3: id3.org, 2.2 to 2.4. APE: APEv2. CAF: Apple Core Audio Format 1.0. FLAC: RFC 9639. Ogg: RFC 3533.
Comments: Vorbis I, 5. Transport streams: ISO/IEC 13818-1, 2.4.4.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator

Bytes = mmap.mmap | bytes
_ID3_HEADER_BYTES = 10
# Frames that become a tag or a chapter. Their names are searched for, since there are several ways to write sizes.
_ID3_FRAMES = re.compile(rb"[TW][A-Z0-9]{3}|PRIV|COMM|USLT|CHAP|APIC|GEOB")
_ID3_V2_FRAMES = re.compile(rb"T[A-Z0-9]{2}|W[A-Z]{2}|COM|ULT")
_COMPRESSED_TAGS = 100
_APE_FOOTER, _APE_BYTES, _ID3V1_BYTES = b"APETAGEX", 32, 128
_CAF_HEADER_BYTES, _CAF_CHUNK_BYTES = 8, 12
_COMMENTS, _SEEK_POINTS = 4, 3
_SEEK_POINT_BYTES = 18
_TS_PACKET_BYTES = 188
# A packet in which a section of the program association table begins, after an adaptation field or without one.
_TS_TABLE = re.compile(rb"\x47[\x40\x60]\x00[\x10-\x1f\x30-\x3f]")
_TS_SECTION_BYTES, _TS_PROGRAM_BYTES = 12, 4
_OGG_HEADER_BYTES = 27
_FIRST_PACKETS = 5
# Bytes before the comments in a header packet: Speex, FLAC, Vorbis with Theora and VP8, Opus.
_COMMENT_OFFSETS = (0, 4, 7, 8)
_COMMENT_MAGIC = (b"OpusTags", b"\x03vorbis", b"\x81theora")


def id3_end(data: Bytes) -> int:
    """Return where the ID3v2 tags end that may precede any format."""
    at = 0
    while data[at : at + 3] == b"ID3" and at + _ID3_HEADER_BYTES <= len(data):
        size = sum((byte & 0x7F) << 7 * place for place, byte in enumerate(reversed(data[at + 6 : at + 10])))
        at += _ID3_HEADER_BYTES + size
    return at


def count_id3_tags(data: Bytes, start: int, end: int) -> int:
    """Return the number of frames in ID3v2 tags, or a little more: bytes of pictures may look like frames.

    A compressed frame counts for many, since it is expanded to up to 16 MB.
    """
    version = data[start + 3 : start + 4]
    frames = _ID3_V2_FRAMES if version == b"\2" else _ID3_FRAMES
    compressed = {b"\3": 0x80, b"\4": 0x08}.get(version, 0)
    count = 0
    for frame in frames.finditer(data, start, min(end, len(data))):
        flags = data[frame.end() + 5 : frame.end() + 6]
        count += _COMPRESSED_TAGS if flags and flags[0] & compressed else 1
    return count


def count_ape_tags(data: Bytes) -> int:
    """Return the number of fields in an APE tag at the end of the file, which an ID3v1 tag may follow."""
    for end in (len(data), len(data) - _ID3V1_BYTES):
        footer = data[max(0, end - _APE_BYTES) : max(0, end)]
        if footer[:8] == _APE_FOOTER:
            return int.from_bytes(footer[16:20], "little")
    return 0


def count_caf_metadata(data: Bytes) -> tuple[int, int]:
    """Return the number of packets and of text tags that the chunks of a CAF file declare."""
    packets = tags = 0
    at = _CAF_HEADER_BYTES
    while at + _CAF_CHUNK_BYTES <= len(data):
        kind, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 12], "big", signed=True)
        at += _CAF_CHUNK_BYTES
        if size < 0:  # data up to the end of the file
            break
        if kind == b"pakt":
            packets += int.from_bytes(data[at : at + 8], "big")
        elif kind == b"info":
            tags += min(int.from_bytes(data[at : at + 4], "big"), size // 2)
        at += size
    return packets, tags


def count_flac_metadata(data: Bytes, at: int) -> tuple[int, int]:
    """Return the number of comments and of seek points of the FLAC stream that begins at `at`."""
    comments = points = 0
    at += 4
    is_last = False
    while not is_last and at + 4 <= len(data):
        is_last, kind = bool(data[at] & 0x80), data[at] & 0x7F
        start, at = at + 4, at + 4 + int.from_bytes(data[at + 1 : at + 4], "big")
        if kind == _COMMENTS:
            comments += _count_comments(data[start:at], 0)
        elif kind == _SEEK_POINTS:
            points += (at - start) // _SEEK_POINT_BYTES
    return comments, points


def count_ts_programs(data: Bytes, limit: int) -> int:
    """Return the number of programs in the different program association tables of a transport stream.

    Streams repeat their table. One of several packets counts each time, as its end may differ. Stops beyond the limit.
    """
    tables: set[bytes] = set()
    count = 0
    for match in _TS_TABLE.finditer(data):
        packet = data[match.start() : match.start() + _TS_PACKET_BYTES]
        start = 4 + (1 + packet[4] if packet[3] & 0x20 and len(packet) > 4 else 0)
        section = packet[start + 1 + packet[start] :] if start < len(packet) else b""
        if section[:1] != b"\0":
            continue
        size = 3 + (int.from_bytes(section[1:3], "big") & 0xFFF)
        table = section[:size]
        if size > len(section) or table not in tables:
            tables.add(table)
            count += max(0, size - _TS_SECTION_BYTES) // _TS_PROGRAM_BYTES
        if count > limit:
            break
    return count


def count_ogg_metadata(data: Bytes) -> Iterator[tuple[int, int]]:
    """Yield for each page the number of pages and streams that begin, 0 or 1, and of comments in its packets."""
    packets: dict[bytes, tuple[int, bytearray]] = {}
    at = data.find(b"OggS")
    while at >= 0 and at + _OGG_HEADER_BYTES <= len(data):
        serial, is_continued, is_first = data[at + 14 : at + 18], data[at + 5] & 1, data[at + 5] & 2
        segments = data[at + _OGG_HEADER_BYTES : at + _OGG_HEADER_BYTES + data[at + 26]]
        start = at + _OGG_HEADER_BYTES + len(segments)
        is_new = serial not in packets
        number, pending = (0, bytearray()) if is_new or is_first else packets[serial]
        comments = 0
        if not is_continued:
            pending.clear()
        for segment in segments:
            if number < _FIRST_PACKETS or pending or data[start : start + 8].startswith(_COMMENT_MAGIC):
                pending += data[start : start + segment]
            start += segment
            if segment < 255:
                comments += max((_count_comments(pending, offset) for offset in _COMMENT_OFFSETS), default=0)
                number += 1
                pending.clear()
        packets[serial] = number, pending
        yield int(is_new), comments
        at = start if data[start : start + 4] == b"OggS" else data.find(b"OggS", at + 4)


def _count_comments(packet: bytes | bytearray, at: int) -> int:
    """Return the number of Vorbis comments in a packet: no more than it declares, and than fit into it."""
    vendor = int.from_bytes(packet[at : at + 4], "little")
    at += 4 + vendor
    if at + 4 > len(packet):
        return 0
    return min(int.from_bytes(packet[at : at + 4], "little"), (len(packet) - at - 4) // 4)
