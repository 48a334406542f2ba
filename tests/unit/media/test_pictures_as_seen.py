"""Pictures of odd files look as a player shows them."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from shared.errors import PermanentError
from shared.media.animated_webp import convert_animated_webp, describe_animation
from shared.media.file_type import HEAD_BYTES, require_media_type
from shared.media.probe import probe
from shared.media.video.extraction import FrameSet, extract_frames
from tests.media_samples import Picture, Shot, film, still, texture, video, written
from tests.media_samples import ffmpeg as render

RED, GREY = (0, 0, 255), (128, 128, 128)


def extract(path: Path, out: Path) -> FrameSet:
    return extract_frames(path, probe(path), out, samples=False, tick=lambda done: None)


def first_picture(path: Path, out: Path) -> Picture:
    pixels = cv2.imread(str(out / extract(path, out).frames[0].name))
    assert pixels is not None
    return pixels


def near(pixel: Sequence[int], expected: tuple[int, int, int]) -> bool:
    return max(abs(int(a) - b) for a, b in zip(pixel, expected, strict=True)) < 12


def card(width: int = 320, height: int = 180) -> Picture:
    """A white card with a red corner at the top left and a blue one at the bottom right."""
    pixels = np.full((height, width, 3), 255, np.uint8)
    pixels[: height // 3, : width // 4] = RED
    pixels[-height // 3 :, -width // 3 :] = (255, 0, 0)
    return pixels


@pytest.mark.parametrize("flip", [(), ("-display_hflip",), ("-display_vflip",)])
@pytest.mark.parametrize("angle", ["0", "90", "180", "270"])
def test_every_orientation_is_upright(tmp_path: Path, angle: str, flip: tuple[str, ...]) -> None:
    """Videos that cameras store turned or mirrored are as the ffmpeg program shows them."""
    source = video(tmp_path / "card.mp4", [card()] * 3)
    path = render(tmp_path / "turned.mp4", "-display_rotation", angle, *flip, "-i", source, "-c", "copy")
    shown = cv2.imread(str(render(tmp_path / "shown.png", "-i", path, "-frames:v", "1")))
    assert shown is not None
    made = first_picture(path, tmp_path)
    assert made.shape == shown.shape
    assert cv2.absdiff(made, shown).mean() < 3


def declare_aperture(path: Path, source: Path, numbers: Sequence[int]) -> Path:
    """The MP4, whose index stands at its end, with a clean aperture box in the description of its video."""
    data = bytearray(source.read_bytes())
    entry = data.index(b"avc1", data.index(b"stsd")) - 4
    end = entry + struct.unpack_from(">I", data, entry)[0]
    data[end:end] = struct.pack(">I4s8i", 40, b"clap", *numbers)
    for name in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"avc1"):
        at = data.index(name, data.index(b"moov")) - 4
        struct.pack_into(">I", data, at, struct.unpack_from(">I", data, at)[0] + 40)
    return written(path, bytes(data))


def with_border(inner: Picture, left: int, top: int, right: int, bottom: int) -> Picture:
    return cv2.copyMakeBorder(inner, top, bottom, left, right, cv2.BORDER_CONSTANT, value=(0, 255, 0))


@pytest.mark.parametrize(("offset", "edges"), [((0, 0), (20, 10, 20, 10)), ((-10, 5), (10, 15, 30, 5))])
def test_a_clean_aperture_hides_the_edges(
    tmp_path: Path, offset: tuple[int, int], edges: tuple[int, int, int, int]
) -> None:
    """What a camera declares as outside of the picture is neither in its size nor in its frames."""
    source = video(tmp_path / "wide.mp4", [with_border(card(), *edges)] * 3)
    path = declare_aperture(tmp_path / "clean.mp4", source, (320, 1, 180, 1, offset[0], 1, offset[1], 1))
    info = probe(path)
    assert (info.width, info.height, info.crop) == (320, 180, edges)
    assert cv2.absdiff(first_picture(path, tmp_path), card()).mean() < 6


@pytest.mark.parametrize("numbers", [(320, 0, 180, 1, 0, 1, 0, 1), (900, 1, 180, 1, 0, 1, 0, 1)])
def test_an_impossible_aperture_is_ignored(tmp_path: Path, numbers: tuple[int, ...]) -> None:
    """A forged declaration changes nothing."""
    path = declare_aperture(tmp_path / "forged.mp4", video(tmp_path / "card.mp4", [card()] * 3), numbers)
    assert (probe(path).width, probe(path).crop) == (320, (0, 0, 0, 0))


def test_matroska_cropping_hides_the_edges(tmp_path: Path) -> None:
    """The same for the cropping of Matroska."""
    source = video(tmp_path / "wide.mkv", [with_border(card(), 20, 10, 20, 10)] * 3)
    data = source.read_bytes()
    crops = b"".join(
        element + bytes([0x81, n])
        for element, n in zip((b"\x54\xcc", b"\x54\xbb", b"\x54\xdd", b"\x54\xaa"), (20, 10, 20, 10), strict=True)
    )
    path = written(tmp_path / "cropped.mkv", insert_into_video(data, crops))
    assert (probe(path).width, probe(path).height) == (320, 180)
    assert cv2.absdiff(first_picture(path, tmp_path), card()).mean() < 6


def insert_into_video(data: bytes, elements: bytes) -> bytes:
    """Insert elements into the first Video element; Tracks takes the bytes from the void that FFmpeg leaves."""
    out = bytearray(data)
    width = out.index(b"\xb0\x82")  # PixelWidth of two bytes, the first child that FFmpeg writes
    for name in (b"\x16\x54\xae\x6b", b"\xae", b"\xe0"):
        at = out.rindex(name, 0, width) + len(name)
        length = 9 - out[at].bit_length()
        size = int.from_bytes(out[at : at + length], "big") & (1 << 7 * length) - 1
        grown = size + len(elements)
        out[at : at + length] = (grown | 1 << 7 * length).to_bytes(length, "big")
    out[width:width] = elements
    segment = out.index(b"\x18\x53\x80\x67") + 4
    out[segment : segment + 8] = b"\x01" + b"\xff" * 7  # unknown size
    return bytes(out)


@pytest.mark.parametrize(
    ("name", "size", "rate", "order", "coding"),
    [
        ("pal.mpg", "720x576", "50", "tff", ("-c:v", "mpeg2video", "-b:v", "6M")),
        ("pal.avi", "720x576", "50", "tff", ("-c:v", "mpeg2video", "-b:v", "6M")),
        ("ntsc.mp4", "720x480", "60000/1001", "bff", ("-c:v", "libx264", "-pix_fmt", "yuv420p")),
    ],
)
def test_interlaced_frames_have_no_combs(
    tmp_path: Path, name: str, size: str, rate: str, order: str, coding: tuple[str, ...]
) -> None:
    """Stored frames of a moving interlaced film have whole edges, of PAL and NTSC, in either order of fields."""
    source = f"color=black:s={size}:r={rate}:d=1,format=gray,geq=lum='255*between(X,100+600*T,160+600*T)'"
    weave = f"tinterlace=4,fieldorder={order},format=yuv420p"
    path = render(tmp_path / name, "-f", "lavfi", "-i", source, "-vf", weave, "-flags", "+ilme+ildct", *coding)
    info = probe(path)
    assert info.interlaced
    frames = extract(path, tmp_path)
    for frame in (*frames.frames, frames.thumbnail):
        assert frame is not None
        luma = cv2.cvtColor(cv2.imread(str(tmp_path / frame.name)), cv2.COLOR_BGR2GRAY).astype(int)
        between = np.abs(luma[1:-1] - (luma[:-2] + luma[2:]) / 2)
        assert np.mean(between > 40) < 0.002


def test_still_interlaced_pictures_keep_their_lines(tmp_path: Path) -> None:
    """A film whose fields are of one moment keeps its full resolution."""
    detail = texture(np.random.default_rng(1), 720, 576)
    source = video(tmp_path / "still.mkv", [detail] * 5, codec="ffv1", options={}, pixel_format="yuv420p")
    path = render(tmp_path / "still.mpg", "-i", source, "-c:v", "mpeg2video", "-flags", "+ilme+ildct", "-q:v", "2")
    made = first_picture(path, tmp_path)
    assert probe(path).interlaced
    assert cv2.absdiff(made, cv2.resize(detail, made.shape[1::-1], interpolation=cv2.INTER_AREA)).mean() < 6


CLEAR = "color=0x00000000:s=320x180:r=10:d=1,format={},drawbox=x=100:y=50:w=100:h=60:color=red@1:t=fill:replace=1"


@pytest.mark.parametrize(
    ("name", "pixels", "coding"),
    [
        ("a.webm", "yuva420p", ("-c:v", "libvpx-vp9", "-auto-alt-ref", "0")),
        ("b.webm", "yuva420p", ("-c:v", "libvpx", "-auto-alt-ref", "0")),
        ("c.mov", "yuva444p10le", ("-c:v", "prores_ks", "-profile:v", "4444", "-pix_fmt", "yuva444p10le")),
        ("d.mov", "rgba", ("-c:v", "png")),
        ("e.mov", "argb", ("-c:v", "qtrle")),
        ("f.apng", "rgba", ("-f", "apng")),
    ],
)
def test_transparent_films_are_on_grey(tmp_path: Path, name: str, pixels: str, coding: tuple[str, ...]) -> None:
    """A sticker or logo stands on grey, on which light and dark drawings are seen, not on what the codec left."""
    path = render(tmp_path / name, "-f", "lavfi", "-i", CLEAR.format(pixels), *coding)
    picture = first_picture(path, tmp_path)
    assert near(picture[5, 5], GREY)
    assert near(picture[90, 160], RED)


@pytest.mark.parametrize("suffix", ["gif", "apng", "webp"])
def test_moving_pictures_are_short_films(tmp_path: Path, suffix: str) -> None:
    """An animation is accepted and has its length, its scenes and its key frames."""
    source = video(tmp_path / "film.mkv", film([Shot(10, "pan"), Shot(10, "pan")], (128, 96)), fps=10)
    loop = ("-f", "apng", "-plays", "0") if suffix == "apng" else ("-loop", "0")
    path = render(tmp_path / f"film.{suffix}", "-i", source, *loop)
    with path.open("rb") as file:
        assert require_media_type(file.read(HEAD_BYTES), path.name) == f"image/{suffix}"
    playable = convert_animated_webp(path, tmp_path / "playable")
    assert (playable == path) is (suffix != "webp")
    info = describe_animation(probe(playable), path) if suffix == "webp" else probe(path)
    assert (info.duration_sec, info.fps) == (pytest.approx(2, abs=0.1), pytest.approx(10, abs=0.1))
    assert info.container == suffix
    frames = extract(playable, tmp_path)
    assert [shot.start for shot in frames.shots] == [0, pytest.approx(1, abs=0.01)]
    assert len(frames.frames) == 2


def test_a_picture_that_does_not_move_is_no_film(tmp_path: Path) -> None:
    """A GIF of one frame is refused like any other picture."""
    path = render(tmp_path / "still.gif", "-i", still(tmp_path / "still.png", ".png"))
    with pytest.raises(PermanentError) as refused:
        probe(path)
    assert refused.value.code == "not_media"
    for suffix in (".png", ".webp"):
        with pytest.raises(PermanentError) as refused:
            require_media_type(still(tmp_path / "still", suffix).read_bytes(), None)
        assert refused.value.code == "unsupported_media"


@pytest.mark.parametrize("level", [0, 10, 24])
def test_a_dark_thumbnail_moves_to_the_next_bright_frame(tmp_path: Path, level: int) -> None:
    """A film that begins in the dark, or nearly so, shows its first bright scene; all of a dark film stays at 10 %."""
    dark: Picture = np.full((96, 128, 3), level, np.uint8)
    bright = [*film([Shot(60, "pan")], (128, 96))]
    path = video(tmp_path / "late.mp4", [*[dark] * 40, *bright])
    thumbnail = extract(path, tmp_path).thumbnail
    assert thumbnail is not None
    assert 1.33 <= thumbnail.time < 3
    assert cv2.imread(str(tmp_path / thumbnail.name)).mean() > 50
    whole = extract(video(tmp_path / "dark.mp4", [dark] * 60), tmp_path / "dark").thumbnail
    assert whole is not None
    assert whole.time == pytest.approx(0.2, abs=0.01)


def test_a_night_scene_is_not_black(tmp_path: Path) -> None:
    """A dark picture with a lit window keeps its place."""
    night: Picture = np.full((96, 128, 3), 8, np.uint8)
    night[30:60, 40:70] = 190
    path = video(tmp_path / "night.mp4", [*[night] * 40, *film([Shot(60, "pan")], (128, 96))])
    thumbnail = extract(path, tmp_path).thumbnail
    assert thumbnail is not None
    assert thumbnail.time == pytest.approx(1 / 3, abs=0.01)


def test_dolby_vision_profile_5_has_its_colours(tmp_path: Path) -> None:
    """A phone's or a stream's Dolby Vision is neither purple nor green: white is white, and red is red."""
    to_cones = np.linalg.inv(
        np.array([[3.06442, -2.16598, 0.10156], [-0.65612, 1.78554, -0.12942], [0.01736, -0.04725, 1.02989]])
    )
    crosstalk = np.full((3, 3), 0.02) + 0.94 * np.eye(3)
    to_ipt = np.linalg.inv(np.array([[1, 0.09757, 0.20523], [1, -0.11388, 0.13322], [1, 0.03262, -0.67689]]))
    colours = np.array([(203, 203, 203), (20, 20, 20), (100, 5, 5), (5, 100, 5), (5, 5, 100)], float)  # cd/m², BT.2020
    cones = colours @ to_cones.T @ crosstalk.T
    power = (np.maximum(cones, 0) / 10_000) ** (2610 / 16384)
    coded = ((3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32)
    codes = np.rint((coded @ to_ipt.T + (0, 0.5, 0.5)) * 1023).astype("<u2")
    plane = np.repeat(codes, 64, axis=0)
    raw = b"".join(np.tile(plane[:: 1 + (n > 0), n], (180 if n == 0 else 90, 1)).tobytes() for n in range(3))
    frames = written(tmp_path / "ipt.yuv", raw * 5)
    form = ("-f", "rawvideo", "-pix_fmt", "yuv420p10le", "-s", "320x180", "-r", "25", "-color_range", "pc")
    x265 = (
        "-c:v",
        "libx265",
        "-preset",
        "ultrafast",
        "-x265-params",
        "log-level=none:range=full:crf=5",
        "-tag:v",
        "hvc1",
    )
    plain = render(tmp_path / "plain.mp4", *form, "-i", frames, *x265)
    data = bytearray(plain.read_bytes())
    entry = data.index(b"hvc1", data.index(b"stsd")) - 4
    end = entry + struct.unpack_from(">I", data, entry)[0]
    data[end:end] = struct.pack(">I4s4B20x", 32, b"dvcC", 1, 0, 5 << 1, 0x35)
    for name in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"hvc1"):
        at = data.index(name, data.index(b"moov")) - 4
        struct.pack_into(">I", data, at, struct.unpack_from(">I", data, at)[0] + 32)
    path = written(tmp_path / "dolby.mp4", bytes(data))
    info = probe(path)
    assert (info.dolby_vision_profile, info.hdr, info.bit_depth) == (5, True, 10)
    assert any(warning.startswith("approximate colors") for warning in info.warnings)
    bars = first_picture(path, tmp_path)[90, 32::64].astype(int)
    white, dark, red, green, blue = bars
    assert np.ptp(white) < 12
    assert np.ptp(dark) < 12
    assert white.min() > 170 > 100 > dark.max()
    assert [int(bar.argmax()) for bar in (red, green, blue)] == [2, 1, 0]
    assert all(np.sort(bar)[2] > 2 * np.sort(bar)[1] for bar in (red, green, blue))
