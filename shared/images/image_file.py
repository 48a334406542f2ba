"""Opening images that strangers made: what they are and how large, known before a pixel is decoded."""

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


@dataclass(frozen=True)
class ImageMeasures:
    """Of the image as it is shown, shrunk to 512 pixels on the long side; luma is 0 to 255.

    Attributes:
        spread: Standard deviation of the channel that varies most.
        entropy: Of the histogram of luma, in bits (0 to 8).
        sharpness: See `shared.images.pixels.sharpness`.
        dark: Share of the pixels with a luma below 32.
        light: Share of the pixels with a luma above 245.
    """

    spread: float
    entropy: float
    sharpness: float
    dark: float
    light: float


@dataclass(frozen=True)
class ImageInspection:
    """An image, or what is wrong with it.

    Attributes:
        sha256: Of the bytes as they are.
        fault: Why it was not looked at further; None when all that `level` asks for was found.
        fault_message: The same in words, for people.
        format: By content: jpeg, png, webp, gif, bmp or tiff.
        width: In pixels, as it is shown (after EXIF's orientation).
        height: As `width`.
        animated: Whether it has more than one frame; only the first is looked at.
        measures: None below medium, or with a fault.
        phash: 64 bits; None where there is nothing to compare: below medium, with a fault, of a blank image.
        features: Colour, texture and shape in 13 numbers, for `outliers`; None below slow, or with a fault.
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


_ORIENTATION = 0x0112
_SIDEWAYS_ORIENTATIONS = (5, 6, 7, 8)


class ImageFaultError(Exception):
    """The image is not looked at further.

    Attributes:
        fault: The reason for machines.
    """

    def __init__(self, fault: Fault, message: str) -> None:
        super().__init__(message)
        self.fault = fault


@contextmanager
def translate_reader_errors() -> Iterator[None]:
    """Whatever a reader of images stumbles over within the block is the fault of the image.

    Pillow's readers raise nearly anything when bytes lead them astray (OSError, SyntaxError, ValueError, struct.error,
    KeyError …), and all of it means the same. Only lack of memory is no fault of the image.
    """
    try:
        yield
    except (ImageFaultError, MemoryError):
        raise
    except Exception as error:
        message = " ".join(str(error).split())
        raise ImageFaultError("corrupt", message[:200] or type(error).__name__) from error


def image_format(data: bytes) -> str:
    """The format by content. Raises Refused for what is none of the six."""
    media_type = "image/bmp" if data.startswith(b"BM") else sniff_media_type(data[:4096])
    kind, _, name = (media_type or "").partition("/")
    if kind == "image" and name in _format_readers():
        return name
    if not data:
        raise ImageFaultError("corrupt", "the file is empty")
    raise ImageFaultError("unsupported", f"{media_type or 'unknown content'} is none of {', '.join(_format_readers())}")


def open_image(data: bytes, name: str, max_pixels: int) -> ImageFile:
    """The image with its header read. Raises Refused.

    The reader of the one format is called directly: `Image.open` would let other readers try, and has its own, global
    limit of pixels, which only warns at first.
    """
    if name == "webp":
        _check_size(*_webp_size(data), max_pixels)  # its reader makes room for the canvas when it opens the file
    with translate_reader_errors():
        image = _format_readers()[name](BytesIO(data))
    _check_size(*image.size, max_pixels)
    return image


def orientation(image: ImageFile) -> int:
    """EXIF's, 1 to 8; 1 when there is none that can be read, as browsers take it."""
    try:
        with translate_reader_errors():
            value = image.getexif().get(_ORIENTATION)
    except ImageFaultError:
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def upright_size(image: ImageFile, exif_orientation: int) -> tuple[int, int]:
    """Width and height once the image stands upright."""
    width, height = image.size
    return (height, width) if exif_orientation in _SIDEWAYS_ORIENTATIONS else (width, height)


def is_animated(image: ImageFile) -> bool:
    """Whether a GIF, PNG or WebP has more than one frame; pages of a TIFF and previews in a JPEG are none."""
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
    """Of the canvas (RFC 9649, sections 2.5 to 2.7)."""
    chunk, body = data[12:16], data[20:30]
    if len(body) < 10:
        raise ImageFaultError("corrupt", "the header ends too soon")
    if chunk == b"VP8X":
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if chunk == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF
