"""Audio files that declare tags, seek points and streams without end: refused before a demuxer compares them all."""

from __future__ import annotations

import struct
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from shared.errors import PermanentError
from shared.media.declared_index import MAX_TAGS, check_index
from shared.media.declared_tags import count_ogg_metadata
from shared.media.probe import probe
from tests.mutations import make_container
from tests.unit.media.test_declared_index import box, element, matroska, numbers

MANY = MAX_TAGS + 1
FEW = 50


def comments(count: int, vendor: bytes = b"v") -> bytes:
    """Vorbis comments, each with a key of its own."""
    entries = b"".join(struct.pack("<I", 9) + b"k%06d=v" % number for number in range(count))
    return struct.pack("<I", len(vendor)) + vendor + struct.pack("<I", count) + entries


def page(serial: int, flags: int, packet: bytes, *, ends: bool = True) -> bytes:
    """An Ogg page with (the beginning of) one packet, without a checksum."""
    lacing = b"\xff" * (len(packet) // 255) + (bytes([len(packet) % 255]) if ends else b"")
    head = b"OggS" + bytes([0, flags]) + struct.pack("<qIII", 0, serial, 0, 0)
    return head + bytes([len(lacing)]) + lacing + packet


def pages(serial: int, packet: bytes, size: int = 255 * 200) -> bytes:
    """A packet over as many pages as it takes."""
    parts = [packet[at : at + size] for at in range(0, len(packet), size)]
    return b"".join(
        page(serial, int(number > 0), part, ends=number == len(parts) - 1) for number, part in enumerate(parts)
    )


def opus(count: int) -> bytes:
    return page(7, 2, b"OpusHead" + bytes(11)) + pages(7, b"OpusTags" + comments(count))


def vorbis(count: int) -> bytes:
    return page(7, 2, b"\x01vorbis" + bytes(23)) + pages(7, b"\x03vorbis" + comments(count))


def speex(count: int) -> bytes:
    return page(7, 2, b"Speex   " + bytes(72)) + pages(7, comments(count))


def split_magic(count: int) -> bytes:
    """The name of the comment packet is divided between two pages."""
    packet = b"OpusTags" + comments(count)
    first = packet[:255]
    return page(7, 2, b"OpusHead" + bytes(11)) + page(7, 0, first, ends=False) + pages(7, packet[255:], 255)


def second_stream(count: int) -> bytes:
    """The same stream begins again after some packets, as in chained files."""
    return opus(1) + b"".join(page(7, 0, b"sound") for _ in range(9)) + opus(count)


def flac(count: int) -> bytes:
    block = comments(count)
    return b"fLaC\0\0\0\x22" + bytes(34) + b"\x84" + len(block).to_bytes(3, "big") + block


def flac_seek_points(count: int) -> bytes:
    """As many seek points for each comment that the others have."""
    table = bytes(18) * (10 * count)
    return b"fLaC\0\0\0\x22" + bytes(34) + b"\x83" + len(table).to_bytes(3, "big") + table


def id3(count: int, version: int = 4) -> bytes:
    if version == 2:
        body = b"".join(b"TXX" + (10).to_bytes(3, "big") + b"\0k%06d\0v" % number for number in range(count))
    else:
        body = b"".join(b"TXXX" + bytes([0, 0, 0, 10, 0, 0]) + b"\0k%06d\0v" % number for number in range(count))
    size = bytes(len(body) >> shift & 127 for shift in (21, 14, 7, 0))
    return b"ID3" + bytes([version, 0, 0]) + size + body


def id3_compressed(count: int) -> bytes:
    """A hundredth as many frames, each a small block of zlib that expands to megabytes."""
    packed = zlib.compress(bytes(1000))
    size = bytes([0, 0, 0, 4 + len(packed)])
    body = (b"TXXX" + size + b"\0\x09" + bytes(4) + packed) * -(-count // 100)
    return b"ID3\4\0\0" + bytes(len(body) >> shift & 127 for shift in (21, 14, 7, 0)) + body


def id3_of_version_2(count: int) -> bytes:
    return id3(count, 2)


def ape(count: int) -> bytes:
    return bytes(64) + b"APETAGEX" + struct.pack("<IIII", 2000, 99, count, 0) + bytes(8)


def ape_before_id3v1(count: int) -> bytes:
    return ape(count) + b"TAG" + bytes(125)


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"WAVE" + b"".join(kind + struct.pack("<I", len(content)) + content for kind, content in chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def wav_info(count: int) -> bytes:
    entries = b"".join(b"%04x" % number + struct.pack("<I", 2) + b"v\0" for number in range(count))
    return riff((b"fmt ", bytes(16)), (b"LIST", b"INFO" + entries), (b"data", bytes(8)))


def wav_id3(count: int) -> bytes:
    return riff((b"fmt ", bytes(16)), (b"id3 ", id3(count)), (b"data", bytes(8)))


def matroska_tags(count: int) -> bytes:
    return matroska(element("1254C367", element("7373", element("67C8", b"") * count)))


def aiff_id3(count: int) -> bytes:
    body = b"AIFF" + b"ID3 " + struct.pack(">I", len(id3(count))) + id3(count)
    return b"FORM" + struct.pack(">I", len(body)) + body


def caf_tags(count: int) -> bytes:
    info = struct.pack(">I", count) + b"".join(b"k%06d\0v\0" % number for number in range(count))
    return b"caff\0\1\0\0" + b"info" + struct.pack(">q", len(info)) + info


def mp4_freeform(count: int) -> bytes:
    entries = box(b"----", bytes(8)) * count
    meta = box(b"meta", bytes(4), box(b"ilst", entries))
    return box(b"ftyp", b"M4A ", bytes(4)) + box(b"moov", box(b"udta", meta))


def mp4_languages(count: int) -> bytes:
    return box(b"ftyp", b"qt  ", bytes(4)) + box(b"moov", box(b"udta", box(b"\xa9nam", bytes(4)) * count))


def mp4_keys(count: int) -> bytes:
    keys = box(b"keys", numbers(count), b"\0\0\0\x0cmdtaname" * count)
    return box(b"ftyp", b"qt  ", bytes(4)) + box(b"moov", box(b"meta", keys))


def ts_packet(section: bytes, *, continues: bool = False) -> bytes:
    body = section if continues else b"\0" + section
    return bytes([0x47, 0 if continues else 0x40, 0, 0x10]) + body.ljust(184, b"\xff")[:184]


def transport_stream(count: int) -> bytes:
    """Program association tables of 40 programs each, all different, and the first of them many times."""
    sections = []
    for number in range(0, count, 40):
        entries = b"".join(struct.pack(">HH", program & 0xFFFF, 0xE100) for program in range(number, number + 40))
        sections.append(b"\0" + struct.pack(">H", 0xB000 | len(entries) + 9) + b"\0\1\xc1\0\0" + entries + bytes(4))
    return b"".join(map(ts_packet, [*sections, *sections[:1] * 500]))


def long_table(count: int) -> bytes:
    """Tables over several packets, which begin alike."""
    entries = b"\0\1\xe1\0" * 250
    section = b"\0" + struct.pack(">H", 0xB000 | len(entries) + 9) + b"\0\1\xc1\0\0" + entries + bytes(4)
    packets = ts_packet(section[:183]) + b"".join(
        ts_packet(section[at : at + 184], continues=True) for at in range(183, len(section), 184)
    )
    return packets * -(-count // 250)


BUILDERS: list[Callable[[int], bytes]] = [opus, vorbis, speex, split_magic, second_stream, flac, flac_seek_points, id3]
BUILDERS += [aiff_id3, caf_tags, id3_of_version_2, ape, ape_before_id3v1, wav_info, wav_id3, matroska_tags]
BUILDERS += [mp4_freeform, mp4_languages, mp4_keys, transport_stream, long_table, id3_compressed]


@pytest.mark.parametrize("build", BUILDERS, ids=lambda build: build.__name__)
def test_files_with_too_many_tags_are_refused_at_once(build: Callable[[int], bytes], tmp_path: Path) -> None:
    """A small file cannot keep a worker busy for minutes with tags or seek points; a usual number is no reason."""
    path = tmp_path / "file"
    path.write_bytes(build(FEW))
    check_index(path)
    path.write_bytes(build(MANY))
    start = time.process_time()
    with pytest.raises(PermanentError) as refused:
        check_index(path)
    assert refused.value.code == "index_too_large"
    assert time.process_time() - start < 2


def test_an_ogg_file_with_too_many_streams_is_refused(tmp_path: Path) -> None:
    """Each stream of an Ogg file costs a decoder."""
    path = tmp_path / "file"
    path.write_bytes(b"".join(page(serial, 2, b"OpusHead" + bytes(11)) for serial in range(300)))
    with pytest.raises(PermanentError) as refused:
        check_index(path)
    assert refused.value.code == "index_too_large"


def test_a_packet_over_many_pages_is_joined_in_linear_time() -> None:
    """An Ogg packet of megabytes takes no longer to walk than its bytes."""
    data = page(7, 2, b"OpusHead" + bytes(11)) + pages(7, b"OpusTags" + bytes(8_000_000), 255)
    start = time.process_time()
    assert sum(streams for streams, _ in count_ogg_metadata(data)) == 1
    assert time.process_time() - start < 5


@pytest.mark.parametrize("name", ["ogg", "flac", "mp3", "wav", "ts"])
def test_sound_files_with_tags_are_read(name: str, tmp_path: Path) -> None:
    """Files as encoders write them, with a title and a comment, pass."""
    path = tmp_path / name
    path.write_bytes(make_container(name, tmp_path))
    assert probe(path).duration_sec == pytest.approx(1, abs=0.1)
