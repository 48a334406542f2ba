"""Images looked at: whatever stands in the file, there is an answer."""

from __future__ import annotations

import io
import struct
import time
import zlib
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps
from pillow_heif import register_heif_opener

from shared.images.avif import picture_sizes
from shared.images.comparison import hamming_distance
from shared.images.inspection import check_image, inspect_image
from shared.models.image import Level, Thresholds
from tests.picture_samples import encoded, scene

register_heif_opener()
FORMATS = {"JPEG": "jpeg", "PNG": "png", "WEBP": "webp", "GIF": "gif", "BMP": "bmp", "TIFF": "tiff"}
FORMATS |= {"AVIF": "avif", "HEIF": "heic"}
KINDS = tuple(FORMATS)
SMALL = {kind: encoded(scene(3, (96, 64)), kind) for kind in KINDS}


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_bomb(width: int, height: int) -> bytes:
    """A small file that says it is large, with the rows to prove the beginning of it."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(10_000_000), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def webp_bomb() -> bytes:
    """A canvas of 16384 × 16384 around a picture of one pixel."""
    one = encoded(Image.new("RGB", (1, 1)), "WEBP", lossless=True)[12:]
    body = b"VP8X" + struct.pack("<I", 10) + bytes(4) + b"\xff\x3f\x00\xff\x3f\x00" + one
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


@pytest.mark.parametrize("kind", KINDS)
def test_every_format_is_looked_at(kind: str) -> None:
    """Each supported format gives its name, size, hash of bytes and all measures."""
    data = encoded(scene(1), kind)
    inspection = inspect_image(data, level="slow")
    assert (inspection.fault, inspection.format, inspection.width, inspection.height) == (None, FORMATS[kind], 640, 480)
    assert inspection.sha256 == sha256(data).hexdigest()
    assert inspection.size_bytes == len(data)
    assert inspection.measures is not None
    assert inspection.phash is not None
    assert len(inspection.features or ()) == 13


def test_levels_include_those_before() -> None:
    """Fast decodes nothing, medium measures, slow describes too."""
    data = encoded(scene(1))
    fast, medium, slow = (inspect_image(data, level=level) for level in ("fast", "medium", "slow"))
    assert (fast.width, fast.measures, fast.phash, fast.features) == (640, None, None, None)
    assert (medium.measures, medium.phash, medium.features) == (slow.measures, slow.phash, None)


def test_files_are_looked_at_like_bytes(tmp_path: Path) -> None:
    """A path gives the same as its bytes; one with too many bytes is hashed but not read into memory."""
    data = encoded(scene(1))
    (tmp_path / "a").write_bytes(data)
    assert inspect_image(tmp_path / "a", level="medium") == inspect_image(data, level="medium")
    heavy = inspect_image(tmp_path / "a", level="medium", max_bytes=len(data) - 1)
    assert (heavy.fault, heavy.sha256) == ("too_many_bytes", sha256(data).hexdigest())


@pytest.mark.parametrize("bomb", [png_bomb(60_000, 60_000), png_bomb(8_001, 8_000), webp_bomb()])
def test_bombs_are_refused_before_decoding(bomb: bytes) -> None:
    """An image that says it has too many pixels is refused by its header, whatever the level."""
    assert [inspect_image(bomb, level=level).fault for level in ("fast", "slow")] == ["too_many_pixels"] * 2


@pytest.mark.parametrize(
    ("data", "fault", "why"),
    [
        (b"", "corrupt", "empty"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'></svg>", "unsupported", "SVG"),
        (b"\0\0\1\0\1\0\x10\x10\0\0\1\0\x20\0", "unsupported", "ICO"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "unsupported", "JXL"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1miaf", "unsupported", "HEIF"),
        (b"<!DOCTYPE html><html><body>No such picture</body></html>", "unsupported", "text/html"),
        (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf", "corrupt", ""),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1heic", "corrupt", ""),
        (bytes(range(100)), "unsupported", "unknown"),
        (b"\xff\xd8\xff", "corrupt", ""),
        (b"BM", "corrupt", ""),
        (b"RIFF\x10\0\0\0WEBPVP8X", "corrupt", "header"),
    ],
)
def test_what_is_no_image_says_why(data: bytes, fault: str, why: str) -> None:
    """Pages, drawings, other formats and rubbish are refused with the reason."""
    inspection = inspect_image(data, level="slow")
    assert inspection.fault == fault
    assert why in (inspection.fault_message or "")


@pytest.mark.parametrize("kind", KINDS)
def test_truncated_images_are_corrupt(kind: str) -> None:
    """A file that ends too soon is found out when it is decoded, even when its header is whole."""
    data = encoded(scene(1), kind)
    assert inspect_image(data[: len(data) * 7 // 10], level="medium").fault == "corrupt"


@pytest.mark.parametrize("level", ["fast", "medium"])
def test_one_damaged_byte_of_png_pixels_is_found(level: Level) -> None:
    """A PNG without EXIF metadata whose pixels have one wrong byte is corrupt, wherever that byte stands."""
    whole = encoded(scene(3, (96, 64)), "PNG")
    start, end = whole.index(b"IDAT") + 4, whole.index(b"IEND") - 4
    for position in np.linspace(start, end - 1, 30, dtype=int):
        damaged = bytearray(whole)
        damaged[position] ^= 0x10
        assert inspect_image(bytes(damaged), level=level).fault == "corrupt"


def test_refusal_of_a_reader_is_not_taken_for_missing_metadata() -> None:
    """A PNG whose pixels cannot be unpacked is corrupt although its checksums are right and it has no EXIF metadata."""
    header = struct.pack(">IIBBBBB", 80, 80, 8, 2, 0, 0, 0)
    rows = chunk(b"IDAT", b"\x78\x9c" + bytes(range(200)))
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + rows + chunk(b"IEND", b"")
    assert inspect_image(data, level="medium").fault == "corrupt"


def test_orientation_after_the_pixels_of_a_png_is_read() -> None:
    """EXIF metadata may follow the pixels of a PNG; the size is that of the upright image at every level."""
    exif = Image.Exif()
    exif[0x0112] = 6
    end = chunk(b"IEND", b"")
    data = encoded(scene(5, (96, 64)), "PNG").removesuffix(end) + chunk(b"eXIf", exif.tobytes()) + end
    sizes = {
        (found.width, found.height) for found in (inspect_image(data, level=level) for level in ("fast", "medium"))
    }
    assert sizes == {(64, 96)}


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "AVIF"])
@pytest.mark.parametrize("before", [1, 30])
def test_animations_are_judged_by_more_than_their_first_frame(kind: str, before: int) -> None:
    """An animation that fades in from black is accepted, and its hash is that of the picture, not of the black."""
    picture = scene(5, (160, 120))
    black = [Image.new("RGB", (160, 120), (level, 0, 0)) for level in range(before)]
    data = encoded(black[0], kind, save_all=True, append_images=[*black[1:], *[picture] * before], duration=40)
    inspection = inspect_image(data, level="medium")
    assert inspection.animated
    assert check_image(inspection, Thresholds(), "medium") == []
    plain = inspect_image(encoded(picture, "PNG"), level="medium")
    assert hamming_distance(inspection.phash or 0, plain.phash or 0) <= 6


def test_long_animations_are_decoded_within_the_pixel_limit() -> None:
    """An animation is decoded no further than a still image of the greatest allowed size."""
    frames = [Image.new("RGB", (100, 100), (level, 0, 0)) for level in range(10)]
    data = encoded(frames[0], "GIF", save_all=True, append_images=[*frames[1:], scene(5, (100, 100))])
    spreads = [inspect_image(data, level="medium", max_pixels=limit).measures for limit in (100_000, 110_000)]
    assert [measures is not None and measures.spread > 4 for measures in spreads] == [False, True]


def test_an_animation_with_a_damaged_later_frame_is_corrupt() -> None:
    """An animation that breaks off within its second frame is not accepted for its first."""
    data = encoded(scene(5, (160, 120)), "GIF", save_all=True, append_images=[scene(6, (160, 120))])
    assert inspect_image(data[: len(data) * 3 // 4], level="medium").fault == "corrupt"


@settings(max_examples=80, deadline=None)
@given(kind=st.sampled_from(KINDS), changes=st.lists(st.tuples(st.integers(0), st.integers(0, 255)), max_size=20))
def test_no_bytes_make_it_raise(kind: str, changes: list[tuple[int, int]]) -> None:
    """Whatever is changed in a file, the answer is an image or a fault, never an error."""
    data = bytearray(SMALL[kind])
    for at, value in changes:
        data[at % min(len(data), 600)] = value
    inspection = inspect_image(bytes(data), level="slow", max_pixels=1_000_000)
    assert inspection.fault is not None or inspection.measures is not None


def test_orientation_is_followed() -> None:
    """A photograph that a camera stored on its side has the size and hash of the upright one."""
    upright = scene(5, (640, 400))
    plain = inspect_image(encoded(upright, quality=95), level="medium")
    for tag, turn in {2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}.items():
        exif = Image.Exif()
        exif[0x0112] = turn
        stored = ImageOps.exif_transpose(Image.open(io.BytesIO(encoded(upright, "PNG", exif=exif))))
        exif[0x0112] = tag
        inspection = inspect_image(encoded(stored, quality=95, exif=exif), level="medium")
        assert (inspection.width, inspection.height) == (640, 400)
        assert hamming_distance(inspection.phash or 0, plain.phash or 0) <= 4


def grey() -> Image.Image:
    return scene(7).convert("L")


def partly_clear() -> Image.Image:
    picture = scene(7).convert("RGBA")
    picture.paste((1, 2, 3, 0), (0, 0, 40, 40))
    return picture


def sixteen_bits() -> Image.Image:
    return Image.fromarray(np.asarray(grey()).astype(np.uint16) * 257)


VARIANTS: dict[str, Callable[[], bytes]] = {
    "cmyk": lambda: encoded(scene(7).convert("CMYK"), quality=95),
    "palette": lambda: encoded(scene(7).quantize(128), "PNG"),
    "palette with a clear colour": lambda: encoded(scene(7).quantize(128), "PNG", transparency=5),
    "alpha": lambda: encoded(partly_clear(), "PNG"),
    "grey with alpha": lambda: encoded(partly_clear().convert("LA"), "PNG"),
    "16 bits": lambda: encoded(sixteen_bits(), "PNG"),
    "16 bits in a TIFF": lambda: encoded(sixteen_bits(), "TIFF"),
    "32 bits": lambda: encoded(grey().convert("I"), "TIFF"),
    "numbers": lambda: encoded(grey().convert("F"), "TIFF"),
    "interlaced": lambda: encoded(scene(7), progressive=True),
    "animated": lambda: encoded(scene(7), "GIF", save_all=True, append_images=[scene(8)]),
}
"""The same scene in the ways that images are stored."""


@pytest.mark.parametrize("name", VARIANTS)
def test_every_kind_of_pixels_is_seen_as_it_is_shown(name: str) -> None:
    """CMYK, palettes, transparency, 16 bits and animations give the hash of the plain picture."""
    plain = inspect_image(encoded(scene(7), "PNG"), level="medium")
    inspection = inspect_image(VARIANTS[name](), level="medium")
    assert inspection.fault is None
    assert hamming_distance(inspection.phash or 0, plain.phash or 0) <= 6
    assert inspection.animated == (name == "animated")


def test_large_jpegs_measure_like_small_ones() -> None:
    """Decoding a photograph at a quarter of its size changes none of its verdicts: it measures as if decoded whole."""
    large = scene(9, (2600, 2000))
    scaled, whole = (
        inspect_image(encoded(large, kind, **options), level="slow")
        for kind, options in (("JPEG", {"quality": 95}), ("PNG", {"compress_level": 1}))
    )
    assert scaled.measures is not None
    assert whole.measures is not None
    assert scaled.measures.spread == pytest.approx(whole.measures.spread, rel=0.05)
    assert scaled.measures.sharpness == pytest.approx(whole.measures.sharpness, rel=0.2)
    assert hamming_distance(scaled.phash or 0, whole.phash or 0) <= 2


def test_what_shows_nothing_has_no_hash() -> None:
    """Blank images are no near duplicates of each other for the noise in them."""
    assert inspect_image(encoded(Image.new("RGB", (200, 200), (90, 30, 30))), level="medium").phash is None
    assert inspect_image(encoded(Image.new("RGBA", (200, 200), (90, 30, 30, 0)), "PNG"), level="medium").phash is None


@pytest.mark.parametrize(
    ("change", "most"),
    [
        (lambda picture: encoded(picture, quality=20), 6),
        (lambda picture: encoded(picture.resize((160, 120)), quality=80), 6),
        (lambda picture: encoded(picture.resize((1280, 960)), "WEBP", quality=50), 6),
        (lambda picture: encoded(picture.convert("L"), "PNG"), 6),
        (lambda picture: encoded(picture.point(lambda value: value * 0.8), "PNG"), 6),
    ],
)
def test_copies_are_near(change: Callable[[Image.Image], bytes], most: int) -> None:
    """Scaled, encoded again, grey or darker, an image keeps its hash but for a few bits."""
    for seed in range(10):
        one, other = (
            inspect_image(data, level="medium").phash for data in (encoded(scene(seed), "PNG"), change(scene(seed)))
        )
        assert hamming_distance(one or 0, other or 0) <= most


def test_other_images_are_far() -> None:
    """Two images share a hash neither by chance nor when one is the mirror of the other."""
    hashes = [inspect_image(encoded(scene(seed)), level="medium").phash or 0 for seed in range(12)]
    hashes.append(inspect_image(encoded(ImageOps.mirror(scene(0))), level="medium").phash or 0)
    assert min(hamming_distance(one, other) for at, one in enumerate(hashes) for other in hashes[:at]) > 12


def with_false_size(data: bytes, width: int, height: int) -> bytes:
    """An AVIF file that declares another size than its picture has (`ispe`)."""
    at = data.index(b"ispe") + 8
    return data[:at] + struct.pack(">II", width, height) + data[at + 8 :]


def test_an_avif_file_cannot_hide_its_pixels() -> None:
    """A file that declares few pixels is refused before its picture of many is decoded; honest files are read."""
    data = encoded(scene(1, (320, 200)), "AVIF")
    assert inspect_image(data, level="medium", max_pixels=64_000).fault is None
    inspection = inspect_image(with_false_size(data, 32, 20), level="fast", max_pixels=63_999)
    assert (inspection.fault, inspection.measures) == ("too_many_pixels", None)
    assert "320 × 200" in (inspection.fault_message or "")


def test_an_animated_avif_file_cannot_hide_its_pixels() -> None:
    """The pictures of a track are checked as well."""
    file = io.BytesIO()
    scene(1, (320, 200)).save(file, "AVIF", save_all=True, append_images=[scene(2, (320, 200))])
    assert inspect_image(file.getvalue(), level="medium").animated
    assert list(picture_sizes(file.getvalue()))[-1] == (320, 200)
    assert inspect_image(file.getvalue(), level="fast", max_pixels=63_999).fault == "too_many_pixels"


def test_avif_structures_without_end_are_refused_soon() -> None:
    """A file of millions of empty bitstream units, or of extents without bytes, costs a limited number of steps."""
    data = encoded(scene(1, (320, 200)), "AVIF")
    item = data.index(b"mdat") + 4
    units = data[:item] + bytes([0x12, 0]) * 1_000_000
    extents = data.index(b"iloc") + 4 + 4
    hostile = data[:extents] + bytes([0, 0]) + b"\xff\xff" + bytes(2) * 3 + b"\xff\xff" + data[extents + 12 :]
    for broken in (units, hostile):
        start = time.process_time()
        inspect_image(broken, level="fast")
        assert time.process_time() - start < 1


def test_damage_that_the_jpeg_decoder_conceals_is_found() -> None:
    """A JPEG file that lost bytes or ends too soon is corrupt; bytes that cameras append are no damage."""
    data = encoded(scene(1))
    middle = len(data) // 2
    for damaged in (
        data[:middle] + bytes(512) + data[middle + 512 :],
        data[:middle] + data[middle + 512 :],
        data[:middle] + b"\xff\xd9",
    ):
        assert inspect_image(damaged, level="medium").fault == "corrupt"
    assert inspect_image(data[:-2] + bytes(4) + data[-2:], level="medium").fault is None


@pytest.mark.parametrize("mode", ["L", "CMYK", "RGB"])
def test_jpegs_of_every_colour_space_are_read(mode: str) -> None:
    """What the check for damage cannot convert is not called damaged."""
    for options in ({}, {"progressive": True}):
        assert inspect_image(encoded(scene(1).convert(mode), **options), level="medium").fault is None
