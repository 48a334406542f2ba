"""A recognizer of Cyrillic letters that look like Latin ones: the package's own, with other letters in its list.

The model for Cyrillic cannot be had without a network; this one goes the same way, with real recognition.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import rapidocr

LATIN_MODEL = Path(rapidocr.__file__).parent / "models" / "PP-OCRv6_rec_small.onnx"
LOOKALIKES = str.maketrans("ABCEHKMOPTXaceopxy", "АВСЕНКМОРТХасеорху")
METADATA = 14
"""Number of the field of an ONNX model that holds names and values."""


def write_lookalike_model(path: Path) -> Path:
    """Write the recognizer with Cyrillic letters in place of Latin ones of the same shape."""
    content = b""
    for number, kind, raw, payload in protobuf_fields(LATIN_MODEL.read_bytes()):
        if number == METADATA and b"character" in payload[:20]:
            (_, _, _, key), (_, _, _, value) = protobuf_fields(payload)
            letters = value.decode().translate(LOOKALIKES).encode()
            entry = b"\x0a" + varint(len(key)) + key + b"\x12" + varint(len(letters)) + letters
            raw = varint(number << 3 | kind) + varint(len(entry)) + entry
        content += raw
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def protobuf_fields(data: bytes) -> Iterator[tuple[int, int, bytes, bytes]]:
    """Yield number, kind, all bytes and content of each field of a message; only of kinds 0 and 2."""
    at = 0
    while at < len(data):
        start = at
        tag, at = read_varint(data, at)
        value, at = read_varint(data, at)
        end = at + value if tag & 7 == 2 else at
        yield tag >> 3, tag & 7, data[start:end], data[at:end]
        at = end


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])
