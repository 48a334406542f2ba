"""Open untrusted media files: only real media containers, and never a second file or a URL.

Playlists (HLS, DASH, concat scripts) make FFmpeg open any file or URL they name. Two limits exclude them: only the
demuxers listed here are allowed, and only the `file` protocol.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from shared.errors import PermanentError
from shared.media.allocator import map_large_buffers
from shared.media.declared_index import MAX_TRACKS, check_index, index_error
from shared.media.encryption import encrypted_media_error, is_encrypted_file

if TYPE_CHECKING:
    from av import CodecContext
    from av.container import InputContainer
    from av.packet import Packet
    from av.stream import Stream
    from av.video.stream import VideoStream

DEMUXERS = "mov,matroska,webm,avi,mpegts,mpeg,mpegvideo,ogg,wav,mp3,flac,aac,aiff,amr,caf,gif,apng"
PROTOCOLS = "file"
MAX_SIDE = 8192
MAX_PIXELS = 40_000_000
MAX_PACKETS = 1_000_000
_BUFFER_BYTES = 1 << 18
_ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
DECODER_OPTIONS = {"max_pixels": str(MAX_PIXELS)}
# First bytes of containers, to distinguish a truncated media file from a file that is not media.
_MAGIC = (
    (4, b"ftyp"),
    (4, b"moov"),
    (4, b"mdat"),
    (4, b"wide"),
    (0, b"\x1aE\xdf\xa3"),
    (8, b"AVI "),
    (8, b"WAVE"),
    (0, b"OggS"),
    (0, b"fLaC"),
    (0, b"\x00\x00\x01\xba"),
    (0, b"#!AMR"),
    (0, b"caff"),
    (8, b"AIFF"),
    (8, b"AIFC"),
)
_STILL_BRANDS = {"heic", "heix", "heim", "heis", "mif1", "avif"}
_REFUSED_SIZE = re.compile(r"Picture size (\d+)x(\d+)")


@contextmanager
def open_media(path: Path) -> Iterator[InputContainer]:
    """Open a media file for reading packets; closes it at the end of the block.

    Raises:
        PermanentError: `empty_file`; `not_media`; `encrypted_media`; `truncated` when the header or index is missing;
            `index_too_large`.
    """
    import av

    if path.stat().st_size == 0:
        raise PermanentError("empty_file", "The file is empty. Send it again.")
    check_index(path)
    map_large_buffers()
    # Opened by its descriptor, the file has no name, so FFmpeg cannot pick a format by its suffix.
    with open(os.open(path, os.O_RDONLY), "rb", buffering=0) as file:  # noqa: PTH123
        try:
            container = av.open(
                file,
                mode="r",
                options=DECODER_OPTIONS,
                container_options={
                    "protocol_whitelist": PROTOCOLS,
                    "format_whitelist": DEMUXERS,
                    "max_streams": str(MAX_TRACKS),
                },
                metadata_errors="replace",
                buffer_size=_BUFFER_BYTES,
            )
        except av.error.MemoryError:
            raise index_error() from None  # FFmpeg's answer to impossible sizes as well as to a full memory
        except av.FFmpegError as error:
            raise unplayable_error(path) from error
        with container:
            if container.metadata.get("major_brand") in _STILL_BRANDS:
                raise not_media_error()
            yield container


def picture_decoder(stream: VideoStream) -> CodecContext:
    """Return a decoder of the stream; of VP8 and VP9 with alpha, the one that decodes the alpha.

    Let the stream's own decoder check the size of the pictures first: it rejects it before it reserves memory.
    """
    from av import CodecContext

    codec = stream.codec_context
    name = _ALPHA_DECODERS.get(codec.codec.canonical_name)
    if name is None or stream.metadata.get("alpha_mode", stream.metadata.get("ALPHA_MODE")) != "1":
        return codec
    decoder = CodecContext.create(name, "r")
    decoder.extradata = codec.extradata
    return decoder


def pixel_aspect(stream: VideoStream) -> float:
    """Return the width of a pixel over its height; 1 if the file states none between 0.2 and 5."""
    aspect = float(stream.sample_aspect_ratio or 1)
    return aspect if 0.2 <= aspect <= 5 else 1.0


def read_packets(container: InputContainer, *streams: Stream) -> Iterator[Packet[Stream]]:
    """Yield the packets of `streams` as far as the file is readable; a truncated file just ends."""
    import av

    try:
        for packet in container.demux(*streams):
            if packet.size:
                yield packet
    except av.FFmpegError:
        return


def oversize_dimensions(path: Path) -> tuple[int, int] | None:
    """Return width and height of pictures that the decoder rejects for their size; None if it rejects none.

    Decoders do not keep a rejected size, so it is parsed from their log.
    """
    import av
    import av.logging

    level, skip = av.logging.get_level(), av.logging.get_skip_repeated()
    av.logging.set_level(av.logging.ERROR)
    av.logging.set_skip_repeated(False)  # else a rejection of an earlier file is repeated
    try:
        with av.logging.Capture() as lines, open_media(path):
            pass  # opening already decodes
    finally:
        av.logging.set_level(level)
        av.logging.set_skip_repeated(skip)
    sizes = (_REFUSED_SIZE.search(text) for _, _, text in lines)
    return next(((int(size[1]), int(size[2])) for size in sizes if size), None)


def not_media_error() -> PermanentError:
    return PermanentError("not_media", "This is not a video or audio file. Send MP4, MOV, WebM, MPEG or an audio file.")


def truncated_file_error() -> PermanentError:
    return PermanentError("truncated", "The file is damaged or incomplete and cannot be played. Send it again.")


def unplayable_error(path: Path) -> PermanentError:
    """Return the error of an unreadable file: `encrypted_media`, `truncated` if it begins like media, `not_media`."""
    if is_encrypted_file(path):
        return encrypted_media_error()
    with path.open("rb") as file:
        head = file.read(16)
    is_media = any(head[offset : offset + len(magic)] == magic for offset, magic in _MAGIC)
    return truncated_file_error() if is_media else not_media_error()
