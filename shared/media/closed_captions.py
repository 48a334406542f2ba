"""Read closed captions (CEA-608, field 1), from a track of their own or from within the pictures of a video.

Broadcasts and recordings of live streams carry them in the user data of each picture (ATSC A/53 part 4). They are found
in the packets, so that no picture is decoded. Captions that exist only as CEA-708 are not read.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.media.container import MAX_PACKETS, read_packets

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.stream import Stream

CODEC = "eia_608"
_USER_DATA = b"GA94\x03"  # ATSC identifier and type: in H.264, HEVC, AV1 and MPEG-2 alike
_VALID, _FIELD_1, _TYPE = 4, 0, 3
_COUNT, _HEADER_BYTES, _TRIPLET_BYTES = 0x1F, 2, 3
_NULL = 0x7F7F
_ERASE = 0x942C
_FRAMES_A_SEC = 29.97  # of the time codes of Scenarist files


@dataclass
class CaptionScan:
    """What the packets of a video reveal about closed captions within its pictures."""

    has_608: bool = False
    has_708: bool = False

    def add_packet(self, packet: Packet[Stream]) -> None:
        for kind, pair in _picture_triplets(bytes(packet)):
            self.has_608 |= kind == _FIELD_1 and pair & _NULL != 0
            self.has_708 |= kind > 1


def read_caption_events(container: InputContainer, stream: Stream) -> Iterator[tuple[float, float, str]]:
    """Yield start and end in seconds of the file's clock, and the rows of text in ASS, each time the captions change.

    Rolling captions repeat their upper rows.
    """
    import av
    from av.subtitles.subtitle import AssSubtitle

    with av.open(io.BytesIO(_to_scenarist(_collect_pairs(container, stream))), "r", format="scc") as captions:
        decoder = captions.streams[0].codec_context
        assert isinstance(decoder, av.subtitles.codeccontext.SubtitleCodecContext)  # noqa: S101
        for packet in captions.demux(captions.streams[0]):
            with suppress(av.FFmpegError):
                subtitle = decoder.decode2(packet)
                if subtitle is not None:
                    rows = b"\n".join(rect.dialogue for rect in subtitle.rects if isinstance(rect, AssSubtitle)).decode(
                        "utf-8", errors="replace"
                    )
                    start = subtitle.pts / 1_000_000
                    end = start + subtitle.end_display_time / 1000
                    yield start, end, rows.replace("\\N", "\n").replace("\\h", " ")


def _collect_pairs(container: InputContainer, stream: Stream) -> list[tuple[float, list[int]]]:
    """Return times and pairs of caption bytes in the order in which they are shown, the last one erasing them all."""
    shown: list[tuple[float, list[int]]] = []
    end = 0.0
    find_triplets = _own_triplets if stream.type == "subtitle" else _picture_triplets
    for packet in read_packets(container, stream):
        stamp = packet.dts if packet.pts is None else packet.pts
        if stamp is None or len(shown) == MAX_PACKETS:
            continue
        time = float(stamp * packet.time_base)
        end = max(end, time + float((packet.duration or 0) * packet.time_base))
        pairs = [pair for kind, pair in find_triplets(bytes(packet)) if kind == _FIELD_1 and pair & _NULL]
        if pairs:
            shown.append((max(0.0, time), pairs))
    return [*sorted(shown, key=lambda row: row[0]), (max(0.0, end), [_ERASE, _ERASE])]


def _to_scenarist(shown: Iterable[tuple[float, list[int]]]) -> bytes:
    """Write pairs of caption bytes as a Scenarist file, which FFmpeg's decoder takes with its times."""
    rows: dict[tuple[int, int], list[int]] = {}
    for time, pairs in shown:
        rows.setdefault((int(time), int(time % 1 * _FRAMES_A_SEC)), []).extend(pairs)
    lines = ["Scenarist_SCC V1.0"]
    for (second, frame), pairs in rows.items():
        clock = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}:{frame:02}"
        lines.append(f"{clock}\t{' '.join(f'{pair:04x}' for pair in pairs)}")
    return "\n\n".join([*lines, ""]).encode()


def _own_triplets(content: bytes) -> Iterator[tuple[int, int]]:
    """Yield type and bytes of the valid caption data that a track's packet consists of."""
    for start in range(0, len(content) - 2, _TRIPLET_BYTES):
        if content[start] & _VALID:
            yield content[start] & _TYPE, int.from_bytes(content[start + 1 : start + 3], "big")


def _picture_triplets(content: bytes) -> Iterator[tuple[int, int]]:
    """Yield type and bytes of the valid caption data in a picture. No escapes occur: each triplet begins with ones."""
    at = content.find(_USER_DATA)
    while at >= 0:
        at += len(_USER_DATA)
        start = at + _HEADER_BYTES
        count = content[at] & _COUNT if at < len(content) else 0
        yield from _own_triplets(content[start : start + count * _TRIPLET_BYTES])
        at = content.find(_USER_DATA, at)
