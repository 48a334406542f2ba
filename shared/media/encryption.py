"""Recognize encrypted media: copy protection leaves containers readable, and decoders turn its packets into noise.

ISO base media: ISO/IEC 23001-7 (common encryption) and the sample entries of Apple's and Audible's shops. Matroska: RFC
9559, ContentEncryption. Transport streams: ISO/IEC 13818-1, transport_scrambling_control, and Apple's stream types for
SAMPLE-AES.
"""

from __future__ import annotations

import mmap
import re
from pathlib import Path
from typing import TYPE_CHECKING

from shared.errors import PermanentError

if TYPE_CHECKING:
    from av.packet import Packet
    from av.stream import Stream

_TAGS = {"encv", "enca", "drms", "drmi", "aavd"}
_SAMPLE_AES_TYPES = {0xC1, 0xC2, 0xCF, 0xDB}
_SCHEME = re.compile(rb"schm\0\0\0.(?:cenc|cbc1|cens|cbcs|piff|itun)", re.DOTALL)
_PACKET_BYTES = 188
_MOST_PACKETS = 1000


def is_encrypted_stream(stream: Stream) -> bool:
    """Return True if the file declares the whole stream as encrypted."""
    if "enc_key_id" in stream.metadata:
        return True
    context = stream.codec_context
    try:
        tag = context.codec_tag if context else ""
    except UnicodeDecodeError as error:  # a tag of other bytes than letters
        return error.object[1:] == bytes(3) and error.object[0] in _SAMPLE_AES_TYPES
    return tag in _TAGS


def is_encrypted_packet(packet: Packet[Stream]) -> bool:
    """Return True if the packet comes with the key and vectors for its decryption."""
    return packet.has_sidedata("encryption_info")


def is_encrypted_file(path: Path) -> bool:
    """Return True if an unreadable file declares encryption anywhere."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return _SCHEME.search(data) is not None or _is_scrambled(data)


def _is_scrambled(data: mmap.mmap) -> bool:
    """Return True if packets of a transport stream are marked as scrambled."""
    start = next(
        (at for at in range(_PACKET_BYTES) if data[at : at + 5 * _PACKET_BYTES : _PACKET_BYTES] == b"G" * 5), -1
    )
    marks = data[start + 3 : start + 3 + _MOST_PACKETS * _PACKET_BYTES : _PACKET_BYTES]
    return start >= 0 and any(mark & 0x80 for mark in marks)


def encrypted_media_error() -> PermanentError:
    return PermanentError(
        "encrypted_media", "The file is encrypted, so it cannot be played here. Send it without copy protection."
    )
