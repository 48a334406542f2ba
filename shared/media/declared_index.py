"""Check that the index which a media file declares is possible in its bytes, before a demuxer allocates memory for it.

Demuxers keep an entry per sample, fragment and cue point. A few bytes can declare thirty million samples of one size
(`stsz`), or a fragment of as many without fields of their own (`trun`), so that a file of 654 bytes takes gigabytes.

ISO base media (MP4, MOV): ISO/IEC 14496-12. Matroska and WebM: RFC 9559. AVI: OpenDML 1.02. AIFF: chunks as in AVI.
For other audio files, see `shared.media.declared_tags`.
"""

from __future__ import annotations

import mmap
import re
import struct
import sys
import zlib
from array import array
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Literal

from shared.errors import PermanentError
from shared.media.declared_tags import (
    count_ape_tags,
    count_caf_metadata,
    count_flac_metadata,
    count_id3_tags,
    count_ogg_metadata,
    count_ts_programs,
    id3_end,
)
from shared.media.header_duration import EBML_MAGIC, vint_length

MAX_TRACKS = 256
MAX_ENTRIES = 4_000_000
"""Entries of an index. Demuxers take about 75 bytes for each; four hours of AAC at 48 kHz have 675,000."""
MAX_TAGS = 5_000
"""Tags, chapters and programs of a file. Demuxers compare each with all others."""
_MAX_SEEK_POINTS = 50_000
"""Demuxers insert each into a sorted list; one a second for four hours are 14,400."""
_LEAST_ENTRIES = 100_000
"""Every file may declare as many, because a truncated file has fewer bytes than its index promises."""
_MAX_BOXES = 2_000_000
_MAX_DEPTH = 10  # as in FFmpeg
_BOXES = frozenset(b"moov trak mdia minf stbl edts dinf udta wave moof traf mvex cmov".split())
_FIRST_BOXES = frozenset(b"ftyp moov mdat free skip wide styp pnot".split())
_MAX_HEADER_BYTES = 16_000_000
_SAMPLE_FIELDS = 0x100, 0x200, 0x400, 0x800
_PCM_ENTRY = 1024  # samples of uncompressed audio that share an index entry
_CLUSTER, _CUES, _TRACK = 0x1F43B675, 0x1C53BB6B, 0xAE
_CLUSTER_PARTS = {0xA3, 0xA0, 0xE7, 0xA7, 0xAB}  # SimpleBlock, BlockGroup, Timestamp, Position, PrevSize
# Elements that contain elements: Segment, SeekHead, Seek, Info, Tracks, TrackEntry; Tags, Tag, SimpleTag, Chapters,
# EditionEntry, ChapterAtom, ChapterDisplay, Attachments, AttachedFile, ContentEncodings, ContentEncoding,
# BlockAdditionMapping.
_MASTERS = {0x18538067, 0x114D9B74, 0x4DBB, 0x1549A966, 0x1654AE6B, _TRACK}
_TAGS = {0x67C8, 0xB6}  # SimpleTag, ChapterAtom
_RIFF_MAGIC = (b"RIFF", b"RIFX", b"RF64", b"BW64", b"FORM")
_MASTERS |= {0x1254C367, 0x7373, 0x67C8, 0x1043A770, 0x45B9, 0xB6, 0x80, 0x1941A469, 0x61A7, 0x6D80, 0x6240, 0x41E4}
_TOP_LEVEL = re.compile(
    rb"\x1f\x43\xb6\x75|\x16\x54\xae\x6b|\x1c\x53\xbb\x6b|\x12\x54\xc3\x67|\x10\x43\xa7\x70|\x19\x41\xa4\x69"
)


def check_index(path: Path) -> None:
    """Raises PermanentError `index_too_large` if the file declares more than its bytes can hold.

    A stage opens its file several times; only the first time, all of its index is walked.
    """
    stat = path.stat()
    _walk_index(path, (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns))


@lru_cache(maxsize=16)
def _walk_index(path: Path, version: tuple[int, ...]) -> None:
    """Check one version of a file; what raises is not cached."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        index = _Index(data)
        start = id3_end(data)
        index.add_tags(count_id3_tags(data, 0, start) + count_ape_tags(data))
        magic = data[start : start + 4]
        if magic == EBML_MAGIC:
            index.add_elements()
        elif magic in _RIFF_MAGIC:
            index.add_chunks()
        elif magic == b"caff":
            index.add_caf()
        elif magic == b"fLaC":
            index.add_flac(start)
        elif magic == b"OggS":
            index.add_ogg_pages()
        else:
            if data[start + 4 : start + 8] not in _FIRST_BOXES:
                index.add_tags(count_ts_programs(data, MAX_TAGS))
            index.add_boxes(start, len(data), b"")
            index.add_samples()


@dataclass
class _SampleTable:
    """The sample table of an ISO track, as far as it determines the size of the demuxer's index."""

    handler: bytes = b""
    is_step_one: bool = False
    samples: int = 0
    chunks: int = 0
    runs: list[tuple[int, int]] = field(default_factory=list)
    """First chunk of each run, counted from 1, and the samples of its chunks."""

    def entries(self) -> int:
        if self.handler != b"soun" or not self.is_step_one:
            return self.samples
        ends = [first for first, _ in self.runs[1:]] + [self.chunks + 1]
        return sum(
            max(0, end - first) * -(-samples // _PCM_ENTRY)
            for (first, samples), end in zip(self.runs, ends, strict=True)
        )


class _Index:
    """Counts what the index of a file would hold."""

    def __init__(self, data: mmap.mmap | bytes) -> None:
        self._data = data
        self._limit = min(MAX_ENTRIES, max(_LEAST_ENTRIES, len(data)))
        self._entries = self._boxes = self._tracks = self._fragments = self._tags = self._points = 0
        self._table = _SampleTable()

    def _number(self, at: int, size: int) -> int:
        return int.from_bytes(self._data[at : at + size], "big")

    def _add_entries(self, count: int) -> None:
        self._entries += count
        if self._entries + self._fragments * self._tracks > self._limit:
            raise index_error()

    def _count_box(self) -> None:
        self._boxes += 1
        if self._boxes > _MAX_BOXES:
            raise index_error()

    def add_tags(self, count: int) -> None:
        self._tags += count
        if self._tags > MAX_TAGS:
            raise index_error()

    def _add_seek_points(self, count: int) -> None:
        self._points += count
        if self._points > _MAX_SEEK_POINTS:
            raise index_error()

    def _count_track(self) -> None:
        self._tracks += 1
        if self._tracks > MAX_TRACKS:
            raise index_error()
        self._add_entries(0)

    # ISO base media

    def add_boxes(self, at: int, end: int, parent: bytes, depth: int = 0) -> None:
        while at + 8 <= end:
            self._count_box()
            size, kind, start = self._number(at, 4), self._data[at + 4 : at + 8], at + 8
            if size == 1:
                size, start = self._number(start, 8), at + 16
            elif size == 0:
                size = end - at
            if at + size < start:
                return
            at = min(at + size, end)
            if kind == b"trak":
                self._count_track()
                self.add_samples()
            self.add_tags(parent == b"udta")
            if kind in _BOXES and depth < _MAX_DEPTH:
                self._fragments += kind == b"moof"
                self.add_boxes(start, at, kind, depth + 1)
            else:
                self._add_box(kind, start, at)

    def add_samples(self) -> None:
        """Count the samples of the track that ends here."""
        self._add_entries(self._table.entries())
        self._table = _SampleTable()

    def _add_box(self, kind: bytes, start: int, end: int) -> None:
        table, count, content = self._table, self._number(start + 4, 4), end - start
        if kind == b"hdlr":
            table.handler = table.handler or self._data[start + 8 : start + 12]
        elif kind == b"stts":
            table.is_step_one = count == 1 and self._number(start + 12, 4) == 1
        elif kind in (b"stsz", b"stz2"):
            samples = self._number(start + 8, 4)
            bits = 4 if kind == b"stz2" else 0 if count else 32
            table.samples = max(table.samples, min(samples, (content - 12) * 8 // bits) if bits else samples)
        elif kind in (b"stco", b"co64"):
            table.chunks = max(table.chunks, min(count, (content - 8) // (4 if kind == b"stco" else 8)))
        elif kind == b"stsc":
            runs = struct.iter_unpack(">III", self._data[start + 8 : start + 8 + min(count, (content - 8) // 12) * 12])
            table.runs = [(first, samples) for first, samples, _ in runs]
        elif kind == b"trun":
            fields = _count_fields(self._number(start, 4))
            self._add_entries(min(count, content // (4 * fields)) if fields else count)
        elif kind == b"sidx":
            self._fragments += max(0, content - 24) // 12
            self._add_entries(0)
        elif kind in (b"meta", b"ilst", b"keys"):
            names = self._data[start:end]
            self.add_tags(names.count(b"----") + names.count(b"mdta"))
        elif kind == b"cmvd":
            self._add_compressed_boxes(start + 4, end)

    def _add_compressed_boxes(self, start: int, end: int) -> None:
        """Walk a movie header that is compressed with zlib, as old QuickTime files have it."""
        inflate = zlib.decompressobj()
        try:
            header = inflate.decompress(self._data[start:end], _MAX_HEADER_BYTES)
        except zlib.error:
            return
        if inflate.unconsumed_tail:
            raise index_error()
        index = _Index(header)
        index.add_boxes(0, len(header), b"moov", 1)
        index.add_samples()
        self._add_entries(index._entries)
        self.add_tags(index._tags)

    # Matroska

    def add_elements(self) -> None:
        """Walk all elements in the order of their bytes: what is inside one comes right after its header."""
        at = 0
        while at < len(self._data):
            head = self._data[at : at + 12]
            id_bytes = vint_length(head)
            size_bytes = vint_length(head[id_bytes:])
            start = at + id_bytes + size_bytes
            if not id_bytes or id_bytes > 4 or not size_bytes or start > len(self._data):
                found = _TOP_LEVEL.search(self._data, at + 1)  # as demuxers do after damage
                if not found:
                    return
                self._count_box()
                at = found.start()
                continue
            element, ones = self._number(at, id_bytes), 2 ** (7 * size_bytes) - 1
            size = self._number(at + id_bytes, size_bytes) & ones
            if element not in _CLUSTER_PARTS:
                self._count_box()
            if element == _TRACK:
                self._count_track()
            elif element == _CUES:
                # A demuxer keeps each CuePoint and CueTrackPositions; other bytes of these values hardly matter.
                cues = self._data[start : start + size]
                self._add_entries(cues.count(b"\xbb") + cues.count(b"\xb7"))
                self._add_seek_points(cues.count(b"\xbb"))
            elif element in _TAGS:
                self.add_tags(1)
            is_open = element in _MASTERS or (element == _CLUSTER and size == ones)
            at = start if is_open else start + size

    # AVI, WAV and AIFF

    def add_chunks(self) -> None:
        """Walk all chunks in the order of their bytes, as `add_elements` does."""
        at = tags_end = 0
        order: Literal["big", "little"] = "big" if self._data[:4] in (b"RIFX", b"FORM") else "little"
        while at + 8 <= len(self._data):
            self._count_box()
            self.add_tags(at < tags_end)
            kind, size, start = self._data[at : at + 4], int.from_bytes(self._data[at + 4 : at + 8], order), at + 8
            at = start + 4 if kind in (*_RIFF_MAGIC, b"LIST") else start + size + size % 2
            if kind == b"LIST" and self._data[start:at] == b"INFO":
                tags_end = max(tags_end, start + size)
            elif kind.lower() == b"id3 ":
                self.add_tags(count_id3_tags(self._data, start, at))
            if kind == b"strh":
                self._count_track()
            elif kind == b"idx1":
                self._check_lengths(start, at, 4, 3)
            elif kind == b"indx" or kind.startswith(b"ix"):
                is_index_of_chunks = self._data[start + 3 : start + 4] == b"\1"
                if is_index_of_chunks:
                    self._check_lengths(start + 24, at, 2, 1)

    # CAF, FLAC and Ogg

    def add_caf(self) -> None:
        """Count the packets that a table declares, which may have one size without a byte for each, and the tags."""
        packets, tags = count_caf_metadata(self._data)
        self._add_entries(packets)
        self.add_tags(tags)

    def add_flac(self, at: int) -> None:
        comments, points = count_flac_metadata(self._data, at)
        self.add_tags(comments)
        self._add_seek_points(points)

    def add_ogg_pages(self) -> None:
        for streams, comments in count_ogg_metadata(self._data):
            self._count_box()
            if streams:
                self._count_track()
            self.add_tags(comments)

    def _check_lengths(self, start: int, end: int, columns: int, column: int) -> None:
        """Check the lengths of chunks in an index: demuxers divide a chunk of audio into entries of 1024 bytes."""
        content = self._data[start:end]
        rows = array("I", content[: len(content) // (4 * columns) * 4 * columns])
        if sys.byteorder == "big":
            rows.byteswap()
        if max((length & 0x7FFFFFFF for length in rows[column::columns]), default=0) > len(self._data):
            raise index_error()


def _count_fields(flags: int) -> int:
    """Return the number of fields that each sample of a `trun` has."""
    return sum(bool(flags & field) for field in _SAMPLE_FIELDS)


def index_error() -> PermanentError:
    return PermanentError(
        "index_too_large",
        "The file declares more frames, audio samples, tracks or tags than fit into it or than Clipwise accepts. "
        "Export the video again, and send the new file.",
    )
