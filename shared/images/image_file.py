"""Untrusted image files: format, size and orientation are read, and limits checked, before a pixel is decoded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Literal

from shared.media.file_type import sniff_media_type
from shared.models.image import Level

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

Fault = Literal["too_many_bytes", "unsupported", "too_many_pixels", "corrupt"]
MAX_BYTES = 50_000_000
MAX_PIXELS = 64_000_000
_ORIENTATION = 0x0112
_SIDEWAYS_ORIENTATIONS = (5, 6, 7, 8)


@dataclass(frozen=True)
class ImageMeasures:
    """Measures of the upright image, shrunk to 512 pixels on the long side; luma is 0 to 255.

    Attributes:
        spread: Standard deviation of the channel that varies most.
        entropy: Entropy of the luma histogram, in bits (0 to 8).
        sharpness: See `shared.images.pixels.sharpness`.
        dark: Share of pixels with a luma below 32.
        light: Share of pixels with a luma above 245.
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
        format: Format by content: jpeg, png, webp, gif, bmp or tiff.
        width: Width in pixels, after EXIF orientation.
        height: Height in pixels, after EXIF orientation.
        animated: Whether the file has more than one frame; only the first is inspected.
        measures: None below medium, or with a fault.
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
    """Return the format by content. Raises ImageFaultError for anything but the six supported formats."""
    media_type = "image/bmp" if data.startswith(b"BM") else sniff_media_type(data[:4096])
    kind, _, name = (media_type or "").partition("/")
    if kind == "image" and name in _format_readers():
        return name
    if not data:
        raise ImageFaultError("corrupt", "the file is empty")
    raise ImageFaultError("unsupported", f"{media_type or 'unknown content'} is none of {', '.join(_format_readers())}")


def open_image(data: bytes, name: str, max_pixels: int) -> ImageFile:
    """Open the image and read its header. Raises ImageFaultError.

    Calls the reader of `name` directly: `Image.open` tries other readers too, and its own pixel limit is global and
    only warns at first.
    """
    if name == "webp":
        _check_size(*_webp_size(data), max_pixels)  # the reader allocates the canvas on opening
    with translate_reader_errors():
        image = _format_readers()[name](BytesIO(data))
    _check_size(*image.size, max_pixels)
    return image


def orientation(image: ImageFile) -> int:
    """Return the EXIF orientation, 1 to 8; like browsers, 1 if it is missing or unreadable."""
    try:
        with translate_reader_errors():
            value = image.getexif().get(_ORIENTATION)
    except ImageFaultError:
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def upright_size(image: ImageFile, exif_orientation: int) -> tuple[int, int]:
    """Return width and height after applying the EXIF orientation."""
    width, height = image.size
    return (height, width) if exif_orientation in _SIDEWAYS_ORIENTATIONS else (width, height)


def is_animated(image: ImageFile) -> bool:
    """Return whether a GIF, PNG or WebP has more than one frame; TIFF pages and JPEG previews do not count."""
    with translate_reader_errors():
        return bool(getattr(image, "is_animated", False)) and image.format in ("GIF", "PNG", "WEBP")


def _format_readers() -> dict[str, Callable[[BytesIO], ImageFile]]:
    from PIL import BmpImagePlugin, GifImagePlugin, JpegImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin

    return {
        "jpeg": JpegImagePlugin.JpegImageFile,
        "png": PngImagePlugin.PngImageFile,
        "webp": WebPImagePlugin.WebPImageFile,
        "gif": GifImagePlugin.GifImageFile,
        "bmp": BmpImagePlugin.BmpImageFile,
        "tiff": TiffImagePlugin.TiffImageFile,
    }


def _check_size(width: int, height: int, max_pixels: int) -> None:
    if width < 1 or height < 1:
        raise ImageFaultError("corrupt", f"{width} × {height} pixels")
    if width * height > max_pixels:
        raise ImageFaultError("too_many_pixels", f"{width} × {height} pixels are more than {max_pixels}")


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
