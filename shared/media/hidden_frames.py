"""Packets of VP8, VP9 and AV1 that hold only frames which are never shown.

Encoders write such frames (alternate references) for others to refer to. Most muxers join them with the next shown
frame; where they are packets of their own, they have a time but no picture.
"""

from __future__ import annotations

from collections.abc import Callable

_SEQUENCE, _HEADER, _FRAME = 1, 3, 6


def is_hidden_frame(codec: str, data: memoryview) -> bool:
    """Return True if no frame of a packet is shown."""
    read = _READERS.get(codec)
    return read is not None and len(data) > 0 and read(data)


def _is_hidden_vp8(data: memoryview) -> bool:
    """RFC 6386, 9.1: `show_frame` is bit 4 of the first byte."""
    return not data[0] >> 4 & 1


def _is_hidden_vp9(data: memoryview) -> bool:
    """VP9 bitstream specification, 6.2: marker (2 bits), profile (2; in profile 3 also a reserved one),
    `show_existing_frame`, `frame_type`, `show_frame`. A superframe (annex B) contains a shown frame.
    """
    if data[-1] >> 5 == 0b110:
        return False
    reserved = data[0] >> 4 & 3 == 3
    shows_existing, is_shown = (data[0] << reserved) >> 3 & 1, (data[0] << reserved) >> 1 & 1
    return not shows_existing and not is_shown


def _is_hidden_av1(data: memoryview) -> bool:
    """AV1 bitstream specification, 5.3 and 5.9.2: all frame headers begin with `show_existing_frame` 0 (1 bit),
    `frame_type` (2), `show_frame` 0 (1).
    """
    headers, at = [], 0
    while at < len(data):
        kind, has_extension, has_size = data[at] >> 3 & 15, data[at] >> 2 & 1, data[at] >> 1 & 1
        at += 1 + has_extension
        size, shift = 0, 0
        while has_size and at < len(data):
            size |= (data[at] & 127) << shift
            shift += 7
            at += 1
            if data[at - 1] < 128:
                break
        if kind in (_HEADER, _FRAME) and at < len(data):
            headers.append(data[at])
        if kind == _SEQUENCE and at < len(data) and data[at] >> 3 & 1:
            return False  # a reduced still picture has no such bits
        at = at + size if has_size else len(data)
    return bool(headers) and all(not header >> 7 and not header >> 4 & 1 for header in headers)


_READERS: dict[str, Callable[[memoryview], bool]] = {
    "vp8": _is_hidden_vp8,
    "vp9": _is_hidden_vp9,
    "av1": _is_hidden_av1,
}
