"""Makes the media that tests need, good and odd ones, since no binary media is kept in the repository.

Every function writes one file and returns its path. Pictures are drawn, so that what a test must find in them is known.
"""

from __future__ import annotations

import struct
import subprocess
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import av
import cv2
import numpy as np

from tests.ffmpeg_programs import RENDERER

Camera = Literal["still", "pan", "shake", "zoom"]
Picture = np.ndarray[Any, Any]
"""Height × width × 3, BGR, uint8."""

FPS = 30
FAST = {"preset": "ultrafast", "crf": "23"}


# Drawing


def texture(rng: np.random.Generator, width: int, height: int) -> Picture:
    """A picture with structure at every scale, as real ones have, and some clear shapes."""
    picture = np.zeros((height, width, 3), np.float32)
    for octave in range(2, 8):
        cells = rng.standard_normal((2**octave, 2**octave, 3)).astype(np.float32)
        picture += cv2.resize(cells, (width, height), interpolation=cv2.INTER_CUBIC) * 0.65**octave
    picture = (picture - picture.min()) / (picture.max() - picture.min())
    low, high = rng.uniform(20, 110, 3), rng.uniform(140, 235, 3)
    canvas = (low + picture * (high - low)).astype(np.uint8)
    for _ in range(10):
        x, y, size = int(rng.integers(width)), int(rng.integers(height)), int(rng.integers(6, max(7, width // 6)))
        cv2.circle(canvas, (x, y), size, rng.integers(0, 255, 3).tolist(), -1)
    return canvas


@dataclass(frozen=True)
class Shot:
    """A run of `frames` of one scene; frame numbers in it count from the shot's start.

    Attributes:
        camera: How it moves.
        scene: Number of the scene; shots with the same number show the same things.
        flashes: Frames that are white.
        blurred: Frames that are out of focus, as (from, to) without the last.
        captions: Words with the frames they are shown, as (text, from, to).
        fade_in, fade_out: Frames that come out of black and go back to it.
    """

    frames: int
    camera: Camera = "still"
    scene: int | None = None
    flashes: Sequence[int] = ()
    blurred: Sequence[tuple[int, int]] = ()
    captions: Sequence[tuple[str, int, int]] = ()
    fade_in: int = 0
    fade_out: int = 0


def film(shots: Sequence[Shot], size: tuple[int, int] = (216, 384), seed: int = 1) -> Iterator[Picture]:
    """The frames of the shots, one after the other, with a little grain."""
    width, height = size
    rng = np.random.default_rng(seed)
    grain = rng.normal(0, 2, (2 * height, width)).astype(np.int16)[..., None].repeat(3, 2)
    for number, shot in enumerate(shots):
        scene = np.random.default_rng((seed, number if shot.scene is None else shot.scene))
        canvas = texture(scene, int(width * 1.5), int(height * 1.5))
        drift, shake = rng.uniform(-0.6, 0.6, 2) * width / 216, np.zeros(2)
        for frame in range(shot.frames):
            shake = 0.9 * shake + rng.normal(0, width / 216, 2) * (shot.camera == "shake")
            x, y = (width, height) * np.array(0.25) + drift * frame * (shot.camera == "pan") + shake
            zoom = 1 + 0.001 * frame * (shot.camera == "zoom")
            move = np.array([[zoom, 0, -x * zoom], [0, zoom, -y * zoom]])
            picture: Picture = cv2.warpAffine(canvas, move, size, borderMode=cv2.BORDER_REFLECT)
            if any(first <= frame < last for first, last in shot.blurred):
                picture = cv2.GaussianBlur(picture, (0, 0), 4)
            for words, first, last in shot.captions:
                if first <= frame < last:
                    cv2.putText(picture, words, (10, height // 2), cv2.FONT_HERSHEY_SIMPLEX, width / 320, (255,) * 3, 2)
            light = min(1.0, (frame + 1) / (shot.fade_in + 1), (shot.frames - frame) / (shot.fade_out + 1))
            lit = cv2.convertScaleAbs(picture, alpha=light, beta=160 * (frame in shot.flashes))
            row = int(rng.integers(height))
            yield cv2.add(lit, grain[row : row + height], dtype=cv2.CV_8U)


def cuts(shots: Sequence[Shot], fps: int = FPS) -> list[float]:
    """Times at which the shots after the first start."""
    return [sum(shot.frames for shot in shots[:n]) / fps for n in range(1, len(shots))]


# Good files


def video(
    path: Path,
    pictures: Iterable[Picture],
    *,
    fps: int = FPS,
    gop: int = 30,
    codec: str = "libx264",
    options: dict[str, str] | None = None,
    pixel_format: str = "yuv420p",
    times: Sequence[Fraction] | None = None,
) -> Path:
    """Encode pictures; `times` (seconds) makes the frame rate vary. The container follows from the file's suffix."""
    tick = Fraction(1, 90_000) if times else Fraction(1, fps)
    with av.open(str(path), "w") as container:
        stream: Any = None
        for number, picture in enumerate(pictures):
            if stream is None:
                stream = container.add_stream(codec, rate=fps, options=FAST if options is None else options)
                stream.height, stream.width = picture.shape[:2]
                stream.pix_fmt, stream.gop_size = pixel_format, gop
                stream.time_base = stream.codec_context.time_base = tick
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24").reformat(format=pixel_format)
            time = times[number] if times else Fraction(number, fps)
            frame.pts, frame.time_base = int(time / tick), tick
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def small_video(path: Path, seconds: float = 2, **encoding: Any) -> Path:
    """Two shots of a pan, without sound."""
    half = round(seconds * FPS / 2)
    return video(path, film([Shot(half, "pan"), Shot(half, "pan")]), **encoding)


def with_sound(path: Path, silent: Path, *options: str) -> Path:
    """The video with a tone of 440 Hz that is as long as it."""
    tone = ("-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100")
    return ffmpeg(path, "-i", silent, *tone, "-map", "0:v", "-map", "1:a", "-c:v", "copy", "-shortest", *options)


def with_subtitles(
    path: Path, silent: Path, codec: str, script: str, suffix: str = "srt", language: str = "deu"
) -> Path:
    """The video with a subtitle track made from a script in SubRip or (suffix `ass`) ASS."""
    source = path.with_suffix(f".{suffix}")
    source.write_text(script, encoding="utf-8")
    streams = ("-map", "0:v", "-map", "1:s", "-c:v", "copy", "-c:s", codec, "-metadata:s:s:0", f"language={language}")
    return ffmpeg(path, "-i", silent, "-i", source, *streams)


def ffmpeg(path: Path, *options: str | Path) -> Path:
    """What the ffmpeg program makes with `options`."""
    command = [RENDERER, "-nostdin", "-v", "error", "-y", *map(str, options), str(path)]
    subprocess.run(command, check=True, capture_output=True)
    return path


# Odd files


def rotated(path: Path, upright: Path, clockwise: int) -> Path:
    """The same frames, to be turned clockwise for display by what the header says."""
    return ffmpeg(path, "-display_rotation", str(-clockwise), "-i", upright, "-c", "copy")


def variable_rate(path: Path) -> Path:
    """Four seconds: the first two of 30 frames a second, the others of 10."""
    times = [Fraction(n, 30) for n in range(60)] + [2 + Fraction(n, 10) for n in range(20)]
    return video(path, film([Shot(60, "pan"), Shot(20, "pan")]), times=times)


def without_duration(path: Path, seconds: float = 2) -> Path:
    """A WebM written as recorders in browsers do: live, so that the header gives no duration and there is no index."""
    source = small_video(path.with_suffix(".mkv"), seconds, codec="libvpx", options={"deadline": "realtime"})
    return ffmpeg(path, "-i", source, "-c", "copy", "-live", "1", "-f", "webm")


def zero_length(path: Path, source: Path) -> Path:
    """An MP4 that has a video track without a single frame."""
    return ffmpeg(path, "-i", source, "-c", "copy", "-t", "0", "-movflags", "+empty_moov+frag_keyframe")


def audio_only(path: Path, seconds: float = 2) -> Path:
    return ffmpeg(path, "-f", "lavfi", "-i", f"sine=frequency=440:duration={seconds}")


def with_cover(path: Path, seconds: float = 2) -> Path:
    """Sound with a picture attached, as music files have it."""
    cover = path.with_suffix(".png")
    cv2.imwrite(str(cover), texture(np.random.default_rng(1), 300, 300))
    sound = ("-f", "lavfi", "-i", f"sine=frequency=440:duration={seconds}")
    return ffmpeg(path, *sound, "-i", cover, "-map", "0", "-map", "1", "-c:v", "copy", "-disposition:v", "attached_pic")


def hdr10(path: Path, transfer: Literal["smpte2084", "arib-std-b67"] = "smpte2084") -> Path:
    """Two seconds of HEVC with 10 bits, BT.2020 colours and the transfer function PQ or HLG: a still of grey bars.

    From left to right the bars have the codes 0, 1/7, … 1 of the transfer function.
    """
    bars = np.repeat(np.linspace(0, 255, 8).round().astype(np.uint8), 40)[None, :, None].repeat(180, 0).repeat(3, 2)
    source = video(path.with_suffix(".mkv"), [bars] * 60, codec="ffv1", options={}, pixel_format="yuv444p")
    colours = ("-color_primaries", "bt2020", "-color_trc", transfer, "-colorspace", "bt2020nc", "-color_range", "tv")
    tags = f"setparams=color_primaries=bt2020:color_trc={transfer}:colorspace=bt2020nc:range=tv"
    coding = ("-c:v", "libx265", "-preset", "ultrafast", "-pix_fmt", "yuv420p10le", "-x265-params", "log-level=none")
    return ffmpeg(path, "-i", source, "-vf", tags, *coding, *colours)


def truncated(path: Path, whole: Path, share: float = 0.6) -> Path:
    """The first part of a file."""
    data = whole.read_bytes()
    return written(path, data[: int(len(data) * share)])


def index_first(path: Path, source: Path) -> Path:
    """An MP4 whose index stands before its pictures, so that its beginning can be played."""
    return ffmpeg(path, "-i", source, "-c", "copy", "-movflags", "+faststart")


def flipped_bits(path: Path, whole: Path, count: int, seed: int = 1) -> Path:
    """A file in which `count` bits, anywhere behind the first kilobyte, are wrong."""
    data = bytearray(whole.read_bytes())
    rng = np.random.default_rng(seed)
    for place in rng.integers(1024, len(data), count):
        data[place] ^= 1 << int(rng.integers(8))
    return written(path, bytes(data))


def one_pixel(path: Path) -> Path:
    """A second of video whose pictures are 1 × 1."""
    return video(path, [np.full((1, 1, 3), 90, np.uint8)] * FPS, codec="ffv1", options={}, pixel_format="yuv444p")


def one_frame(path: Path) -> Path:
    return video(path, film([Shot(1)]))


def forged_size(path: Path, side: int = 20_000) -> Path:
    """A QuickTime file of PNG pictures, 64 × 64, whose headers all say `side` × `side`."""
    video(path, film([Shot(3)], (64, 64)), codec="png", options={}, pixel_format="rgb24")
    data = bytearray(path.read_bytes())
    entry = data.index(b"png ", data.index(b"stsd"))
    data[entry + 28 : entry + 32] = struct.pack(">HH", side, side)
    header = data.find(b"IHDR")
    while header >= 0:
        data[header + 4 : header + 12] = struct.pack(">II", side, side)
        data[header + 17 : header + 21] = struct.pack(">I", zlib.crc32(data[header : header + 17]))
        header = data.find(b"IHDR", header + 1)
    return written(path, bytes(data))


# No media at all


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def noise(path: Path, size: int = 100_000) -> Path:
    return written(path, np.random.default_rng(1).bytes(size))


def text(path: Path) -> Path:
    return written(path, b"Two eggs, a cup of flour.\n" * 200)


def page(path: Path) -> Path:
    return written(path, b"<!DOCTYPE html><html><head><title>Video</title></head><body>Sign in</body></html>\n" * 20)


def still(path: Path, suffix: str) -> Path:
    """A picture in the format of the suffix, whatever the path is called."""
    done, data = cv2.imencode(suffix, texture(np.random.default_rng(1), 320, 200))
    assert done
    return written(path, data.tobytes())


def playlist(path: Path, kind: Literal["hls", "ffconcat", "dash"], target: str) -> Path:
    """A playlist that makes an unguarded player open `target`, a path or URL."""
    scripts = {
        "hls": f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{target}\n#EXT-X-ENDLIST\n",
        "ffconcat": f"ffconcat version 1.0\nfile '{target}'\nduration 10\n",
        "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
        'mediaPresentationDuration="PT10S" profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"><Period>'
        f'<AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>{target}</BaseURL>'
        "</Representation></AdaptationSet></Period></MPD>",
    }
    return written(path, scripts[kind].encode())
