"""Sizes of the AV1 pictures in an AVIF file, which may exceed the size that the file declares.

AVIF is an ISO base media file (ISO/IEC 23008-12); the size of a picture is in its AV1 sequence header (AV1, 5.5).
"""

from __future__ import annotations

from collections.abc import Iterator

_CONTAINERS = {b"moov", b"trak", b"mdia", b"minf", b"stbl"}
_MAX_STEPS = 50_000
_SEQUENCE_HEADER = 1


def picture_sizes(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield width and height of each picture and of each chunk of an animation, as its decoder would allocate them.

    Raises ValueError if the file has more boxes, extents and units than a picture needs.
    """
    walk = _Walk(data)
    for payload in walk.payloads():
        for header in walk.sequence_headers(payload):
            yield _frame_size(header)


class _Walk:
    """Walks the boxes, items and bitstream units of a file, in a limited number of steps and without copies."""

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self._steps = 0
        self._free_bytes = 2 * len(data)

    def _count_step(self) -> None:
        self._steps += 1
        if self._steps > _MAX_STEPS:
            raise ValueError("the AVIF file has too many boxes, extents or bitstream units")

    def _number(self, at: int, size: int) -> int:
        return int.from_bytes(self._data[at : at + size], "big")

    def _boxes(self, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
        """Yield type, start and end of the content of each box."""
        while at + 8 <= end:
            self._count_step()
            size, start = self._number(at, 4), at + 8
            if size == 1:
                size, start = self._number(start, 8), at + 16
            stop = min(end, at + size) if size else end
            if stop < start:
                return
            yield bytes(self._data[at + 4 : at + 8]), start, stop
            at = stop

    def payloads(self) -> Iterator[memoryview]:
        """Yield the bytes of each item, and those from the start of each chunk of a track."""
        pending = [(0, len(self._data))]
        while pending:
            for kind, start, end in self._boxes(*pending.pop()):
                if kind == b"meta":
                    parts = {kind: (start, end) for kind, start, end in self._boxes(start + 4, end)}
                    if b"iloc" in parts:
                        yield from self._items(*parts[b"iloc"], parts.get(b"idat", (0, 0))[0])
                elif kind in (b"stco", b"co64"):
                    width = 4 if kind == b"stco" else 8
                    for at in range(start + 8, end - width + 1, width):
                        self._count_step()
                        yield self._data[self._number(at, width) :]
                elif kind in _CONTAINERS:
                    pending.append((start, end))

    def _items(self, at: int, end: int, idat: int) -> Iterator[memoryview]:
        """Yield the bytes of each item of an `iloc` box."""
        version, sizes, base_sizes = self._data[at], self._number(at + 4, 1), self._number(at + 5, 1)
        offset_size, length_size, base_size = sizes >> 4, sizes & 15, base_sizes >> 4
        index_size = base_sizes & 15 if version else 0
        id_size = 4 if version == 2 else 2
        count, at = self._number(at + 6, id_size), at + 6 + id_size
        for _ in range(count):
            at += id_size
            method = self._number(at, 2) & 15 if version else 0
            at += 2 * bool(version) + 2
            base, extents, at = self._number(at, base_size), self._number(at + base_size, 2), at + base_size + 2
            payload = []
            for _ in range(extents):
                self._count_step()
                if at >= end:
                    return
                at += index_size
                offset = base + self._number(at, offset_size) + (idat if method == 1 else 0)
                length = self._number(at + offset_size, length_size) or len(self._data)
                at += offset_size + length_size
                payload.append(self._data[offset : offset + length][: self._free_bytes])
                self._free_bytes -= len(payload[-1])
            yield payload[0] if len(payload) == 1 else memoryview(b"".join(payload))

    def sequence_headers(self, payload: memoryview) -> Iterator[bytes]:
        """Yield the sequence headers among the open bitstream units (AV1, 5.3)."""
        at = 0
        while at < len(payload):
            self._count_step()
            head, at = payload[at], at + 1 + (payload[at] >> 2 & 1)
            size = len(payload) - at
            if head & 2:
                size = shift = 0
                while at < len(payload) and shift < 56:
                    byte, at = payload[at], at + 1
                    size |= (byte & 127) << shift
                    shift += 7
                    if byte < 128:
                        break
            if head >> 3 & 15 == _SEQUENCE_HEADER:
                yield bytes(payload[at : at + min(size, 64)])
            at += size


class _Bits:
    """Reads numbers of any number of bits; beyond the end, all bits are zero."""

    def __init__(self, data: bytes) -> None:
        self._number = int.from_bytes(data[:64].ljust(64, b"\0"), "big")
        self._left = 512

    def read(self, count: int) -> int:
        self._left -= count
        return self._number >> max(0, self._left) & (1 << count) - 1 if self._left >= 0 else 0


def _frame_size(header: bytes) -> tuple[int, int]:
    """Return the largest frame that a sequence header permits (AV1, 5.5.1)."""
    bits = _Bits(header)
    bits.read(4)  # profile, still picture
    if bits.read(1):
        bits.read(5)  # level
    else:
        _skip_operating_points(bits)
    width_bits, height_bits = bits.read(4) + 1, bits.read(4) + 1
    width, height = bits.read(width_bits) + 1, bits.read(height_bits) + 1
    # A frame may override its size, up to the numbers that these bits can hold. Encoders use no more than they need.
    return (
        width if (width - 1).bit_length() == width_bits else 1 << width_bits,
        height if (height - 1).bit_length() == height_bits else 1 << height_bits,
    )


def _skip_operating_points(bits: _Bits) -> None:
    delay_bits = 0
    if bits.read(1):  # timing
        bits.read(64)
        if bits.read(1):
            zeros = 0
            while zeros < 32 and not bits.read(1):
                zeros += 1
            bits.read(zeros)
        if bits.read(1):  # decoder model
            delay_bits = bits.read(5) + 1
            bits.read(42)
    has_display_delay = bits.read(1)
    for _ in range(bits.read(5) + 1):
        bits.read(12)
        if bits.read(5) > 7:
            bits.read(1)
        if delay_bits and bits.read(1):
            bits.read(2 * delay_bits + 1)
        if has_display_delay and bits.read(1):
            bits.read(4)
