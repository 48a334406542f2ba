"""Untrusted image files: format, size and orientation are read, and limits checked, before a pixel is decoded."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Literal

from shared.images.avif import picture_sizes
from shared.media.file_type import sniff_image_format, sniff_media_type
from shared.models.image import Level

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

Fault = Literal["too_many_bytes", "unsupported", "too_many_pixels", "corrupt"]
MAX_BYTES = 50_000_000
MAX_PIXELS = 64_000_000
_MAX_FRAMES = 100
_ORIENTATION = 0x0112
_SIDEWAYS_ORIENTATIONS = (5, 6, 7, 8)
_ANIMATED_FORMATS = ("GIF", "PNG", "WEBP", "AVIF")


@dataclass(frozen=True)
class ImageMeasures:
    """Measures of the upright image, shrunk to 512 pixels on the long side; luma is 0 to 255.

    Attributes:
        spread: Standard deviation of the channel that varies most.
        entropy: Entropy of the luma histogram, in bits (0 to 8).
        sharpness: See `shared.images.pixels.sharpness`.
        dark: Share of pixels with a luma below 32.
        light: Share of pixels with a luma above 215.
    """

    spread: float
    entropy: float
    sharpness: float
    dark: float
    light: float


@dataclass(frozen=True)
class ImageInspection:
    """The properties of an image file at an inspection level, or its fault.

    Attributes:
        sha256: Hash of the file's bytes.
        fault: Why the inspection stopped; None if it is complete for `level`.
        fault_message: Description of the fault, for people.
        format: Format by content, such as `jpeg`; also set for unsupported image formats, such as `svg`.
        width: Width in pixels, after EXIF orientation.
        height: Height in pixels, after EXIF orientation.
        animated: Whether the file has more than one frame.
        measures: None below medium, or with a fault. Of an animated image, each measure is the best of several frames.
        phash: 64-bit perceptual hash; None below medium, with a fault, or for a blank image.
        features: Color, texture and shape as 13 numbers, for `outlier_scores`; None below slow, or with a fault.
    """

    sha256: str
    size_bytes: int
    level: Level
    fault: Fault | None = None
    fault_message: str | None = None
    format: str | None = None
    width: int | None = None
    height: int | None = None
    animated: bool = False
    measures: ImageMeasures | None = None
    phash: int | None = None
    features: tuple[float, ...] | None = None


class ImageFaultError(Exception):
    """The inspection of an image stops here.

    Attributes:
        fault: Machine-readable reason.
    """

    def __init__(self, fault: Fault, message: str) -> None:
        super().__init__(message)
        self.fault = fault


@contextmanager
def translate_reader_errors() -> Iterator[None]:
    """Translate any error of a Pillow reader within the block to ImageFaultError `corrupt`.

    On invalid bytes, the readers raise nearly anything (OSError, SyntaxError, ValueError, struct.error, KeyError …).
    MemoryError passes through, because it is not a fault of the image.
    """
    try:
        yield
    except (ImageFaultError, MemoryError):
        raise
    except Exception as error:
        message = " ".join(str(error).split())
        raise ImageFaultError("corrupt", message[:200] or type(error).__name__) from error


def image_format(data: bytes) -> str:
    """Return the format by content, which `open_image` may not support. Raises ImageFaultError if it is no image."""
    if not data:
        raise ImageFaultError("corrupt", "the file is empty")
    if name := sniff_image_format(data):
        return name
    raise ImageFaultError("unsupported", f"{sniff_media_type(data) or 'unknown content'} is not an image")


def open_image(data: bytes, name: str, max_pixels: int) -> ImageFile:
    """Open an image of the format `name` and read its header. Raises ImageFaultError.

    Calls the reader of the format directly: `Image.open` tries other readers too, and its own pixel limit is global and
    only warns at first.
    """
    readers = _format_readers()
    if name not in readers:
        raise ImageFaultError("unsupported", f"{name.upper()} is none of the supported formats: {', '.join(readers)}")
    if name == "webp":
        _check_size(*_webp_size(data), max_pixels)  # the reader allocates the canvas on opening
    with translate_reader_errors():
        image = readers[name](BytesIO(data))
    _check_size(*image.size, max_pixels)
    if name == "avif":
        _check_avif_sizes(data, image.size, max_pixels)
    if name == "png" and (exif := _check_png_chunks(data)):
        image.info.setdefault("exif", exif)
    return image


def orientation(image: ImageFile) -> int:
    """Return the EXIF orientation, 1 to 8; like browsers, 1 if it is missing or unreadable."""
    from PIL.Image import Image

    try:
        # Not the method of PNG files: it decodes the pixels, whose faults must not pass for faults of the metadata.
        value = Image.getexif(image).get(_ORIENTATION)
    except MemoryError:
        raise
    except Exception:
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def upright_size(image: ImageFile, exif_orientation: int) -> tuple[int, int]:
    """Return width and height after applying the EXIF orientation."""
    width, height = image.size
    return (height, width) if exif_orientation in _SIDEWAYS_ORIENTATIONS else (width, height)


def is_animated(image: ImageFile) -> bool:
    """Return whether the image has more than one frame; TIFF pages and further images of JPEG and HEIC do not count."""
    with translate_reader_errors():
        return image.format in _ANIMATED_FORMATS and bool(getattr(image, "is_animated", False))


def iterate_frames(image: ImageFile, max_pixels: int) -> Iterator[ImageFile]:
    """Yield an animated image at each of its first 100 frames, or as many as have `max_pixels` together.

    Raises ImageFaultError.
    """
    width, height = image.size
    for position in range(min(_MAX_FRAMES, max(1, max_pixels // (width * height)))):
        with translate_reader_errors():
            try:
                image.seek(position)
            except EOFError:
                return
        yield image


def _format_readers() -> dict[str, Callable[[BytesIO], ImageFile]]:
    from PIL import (
        AvifImagePlugin,
        BmpImagePlugin,
        GifImagePlugin,
        JpegImagePlugin,
        PngImagePlugin,
        TiffImagePlugin,
        WebPImagePlugin,
    )

    return {
        "jpeg": JpegImagePlugin.JpegImageFile,
        "png": PngImagePlugin.PngImageFile,
        "webp": WebPImagePlugin.WebPImageFile,
        "gif": GifImagePlugin.GifImageFile,
        "bmp": BmpImagePlugin.BmpImageFile,
        "tiff": TiffImagePlugin.TiffImageFile,
        "avif": AvifImagePlugin.AvifImageFile,
        "heic": _open_heic,
    }


def _open_heic(file: BytesIO) -> ImageFile:
    from pi_heif import HeifImageFile

    image: ImageFile = HeifImageFile(file)
    return image


def _check_size(width: int, height: int, max_pixels: int) -> None:
    if width < 1 or height < 1:
        raise ImageFaultError("corrupt", f"{width} × {height} pixels")
    if width * height > max_pixels:
        raise ImageFaultError("too_many_pixels", f"{width} × {height} pixels are more than {max_pixels}")


def _check_png_chunks(data: bytes) -> bytes | None:
    """Check the checksum of every chunk, and return the EXIF metadata, which may follow the pixels (PNG, section 5.3).

    Pillow checks only the chunks before the pixels.
    """
    exif, position, name = None, 8, b""
    while name != b"IEND":
        length, name = int.from_bytes(data[position : position + 4], "big"), data[position + 4 : position + 8]
        end = position + 8 + length
        if end + 4 > len(data):
            raise ImageFaultError("corrupt", "the file ends before its last chunk")
        if zlib.crc32(memoryview(data)[position + 4 : end]) != int.from_bytes(data[end : end + 4], "big"):
            raise ImageFaultError("corrupt", f"the checksum of a chunk {name.decode('latin-1')!r} does not match")
        if name == b"eXIf":
            exif = data[position + 8 : end]
        position = end + 4
    return exif


def _check_avif_sizes(data: bytes, size: tuple[int, int], max_pixels: int) -> None:
    """Check the pictures in the file, which libavif decodes in full before it scales them to the declared size."""
    with translate_reader_errors():
        pictures = list(picture_sizes(data))
    for width, height in pictures:
        if width * height > max_pixels:
            raise ImageFaultError(
                "too_many_pixels", f"it declares {size[0]} × {size[1]} pixels, but contains {width} × {height}"
            )


def _webp_size(data: bytes) -> tuple[int, int]:
    """Return the size of the canvas (RFC 9649, sections 2.5 to 2.7)."""
    chunk, body = data[12:16], data[20:30]
    if len(body) < 10:
        raise ImageFaultError("corrupt", "the header ends too soon")
    if chunk == b"VP8X":
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if chunk == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF
