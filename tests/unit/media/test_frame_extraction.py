"""What `extract_frames` takes out of good files and of odd ones."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from shared.errors import PermanentError
from shared.media.probe import probe
from shared.media.video.extraction import FrameSet, extract_frames
from shared.models.video import Frame
from tests import media_samples
from tests.media_samples import FPS, Shot, film, video


def extract(path: Path, out: Path, *, samples: bool = False, **options: Any) -> FrameSet:
    return extract_frames(path, probe(path), out, samples=samples, tick=lambda done: None, **options)


def picture(out: Path, frame: Frame) -> np.ndarray:
    pixels = cv2.imread(str(out / frame.name))
    assert pixels is not None
    assert pixels.shape[:2] == (frame.height, frame.width)
    return pixels


def reference(path: Path, time: float, scratch: Path) -> np.ndarray:
    """The frame at `time` as the ffmpeg program shows it: upright and in right colours."""
    image = media_samples.ffmpeg(scratch, "-i", path, "-ss", f"{time - 0.001:.3f}", "-frames:v", "1")
    pixels = cv2.imread(str(image))
    assert pixels is not None
    return pixels


def mean_difference(one: np.ndarray, other: np.ndarray) -> float:
    """Mean difference of two pictures in the size of the smaller."""
    height, width = min(one.shape[:2], other.shape[:2])
    resized = [cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA) for pixels in (one, other)]
    return float(cv2.absdiff(*resized).mean())


@pytest.mark.parametrize("gop", [30, 250])
def test_the_thumbnail_is_the_frame_at_ten_percent(tmp_path: Path, gop: int) -> None:
    """What a list of videos shows is the frame at 10 % of the length, 320 wide; here every frame has its own grey."""
    greys = (np.full((360, 640, 3), 20 + 37 * n % 200, np.uint8) for n in range(100))
    path = video(tmp_path / "greys.mp4", greys, gop=gop, options={"crf": "5", "bf": "3"})
    thumbnail = extract(path, tmp_path / "out").thumbnail
    assert thumbnail is not None
    assert (thumbnail.name, thumbnail.width, thumbnail.height) == ("thumbnail.jpg", 320, 180)
    assert thumbnail.time == pytest.approx(10 / FPS, abs=0.001)
    assert picture(tmp_path / "out", thumbnail).mean() == pytest.approx(20 + 370 % 200, abs=3)


@pytest.mark.parametrize(("size", "height"), [((64, 36), 180), ((2, 2), 320), ((50, 400), 2560), ((720, 46), 20)])
def test_thumbnails_of_small_and_long_videos(tmp_path: Path, size: tuple[int, int], height: int) -> None:
    """Even a tiny video has a thumbnail of the promised width, in its own shape."""
    path = video(tmp_path / "tiny.mp4", film([Shot(10)], size))
    thumbnail = extract(path, tmp_path / "out").thumbnail
    assert thumbnail is not None
    assert (thumbnail.width, thumbnail.height) == (320, height)
    picture(tmp_path / "out", thumbnail)


@pytest.mark.parametrize("clockwise", [0, 90, 180, 270])
def test_pictures_stand_upright_in_their_colours(tmp_path: Path, silent: Path, clockwise: int) -> None:
    """Pictures of a video that a phone stored lying are as people see them, by the word of the ffmpeg program."""
    path = media_samples.rotated(tmp_path / "turned.mp4", silent, clockwise) if clockwise else silent
    frame_set = extract(path, tmp_path / "out", samples=True)
    for frame in (*frame_set.frames, *frame_set.samples, frame_set.thumbnail):
        assert frame is not None
        expected_picture = reference(path, frame.time, tmp_path / "shown.png")
        assert mean_difference(picture(tmp_path / "out", frame), expected_picture) < 3


@pytest.mark.parametrize(("size", "expected"), [((1280, 720), (1024, 576)), ((320, 180), (320, 180))])
def test_key_frames_are_at_most_1024_long(tmp_path: Path, size: tuple[int, int], expected: tuple[int, int]) -> None:
    """Large pictures are made smaller for the models, small ones are left as they are."""
    path = video(tmp_path / "video.mp4", film([Shot(12)], size))
    frame_set = extract(path, tmp_path / "out", samples=True)
    for frame in (*frame_set.frames, *frame_set.samples):
        assert (frame.width, frame.height) == expected
        picture(tmp_path / "out", frame)


@pytest.mark.parametrize("transfer", ["smpte2084", "arib-std-b67"])
def test_hdr_gives_pictures_for_common_screens(tmp_path: Path, transfer: Any) -> None:
    """A phone's HDR video has key frames that are neither dull nor burnt out: the grey bars run from black to white."""
    path = media_samples.hdr10(tmp_path / "hdr.mp4", transfer)
    frame_set = extract(path, tmp_path / "out")
    bars = picture(tmp_path / "out", frame_set.frames[0])[90, 20::40].astype(int)
    assert (np.ptp(bars, axis=1) <= 4).all()
    levels = bars.mean(axis=1)
    assert (np.diff(levels[:6]) > 1).all()
    assert levels[0] < 10
    assert 110 < levels[4] < 230
    assert levels[7] > 245


def test_everything_is_numbered_and_in_order(tmp_path: Path, silent: Path) -> None:
    """Names and times of what is handed over run in the same order, within the video; nothing else is left there."""
    frame_set = extract(silent, tmp_path / "out", samples=True)
    assert [frame.name for frame in frame_set.frames] == [
        f"frames/{n:02}.jpg" for n in range(1, len(frame_set.frames) + 1)
    ]
    assert [frame.name for frame in frame_set.samples] == [
        f"samples/{n:03}.jpg" for n in range(1, len(frame_set.samples) + 1)
    ]
    for frames in (frame_set.frames, frame_set.samples):
        times = [frame.time for frame in frames]
        assert times == sorted(set(times))
        assert 0 <= times[0] <= times[-1] < 2
    handed = {"thumbnail.jpg"} | {frame.name for frame in (*frame_set.frames, *frame_set.samples)}
    files = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert files == handed
    assert all(path.name in {"frames", "samples"} for path in (tmp_path / "out").iterdir() if path.is_dir())


def test_samples_are_made_only_if_asked_for(tmp_path: Path, silent: Path) -> None:
    """A kind that reads no text does not pay for it."""
    assert extract(silent, tmp_path / "out").samples == []
    assert not (tmp_path / "out" / "samples").exists()


def test_shots_cover_the_video_without_gaps(tmp_path: Path, silent: Path) -> None:
    """Every moment belongs to exactly one shot."""
    shots = extract(silent, tmp_path / "out").shots
    assert [shot.start for shot in shots] == [0, pytest.approx(1, abs=0.01)]
    assert [shot.end for shot in shots] == [shots[1].start, pytest.approx(2, abs=0.05)]


def test_a_slide_is_shown_with_its_last_line(tmp_path: Path) -> None:
    """Of a slide whose lines appear one after the other, the key frame has them all."""
    papers = [media_samples.texture(np.random.default_rng(seed), 320, 180) for seed in range(3)]
    frames = []
    for paper in papers:
        for number in range(120):
            slide = paper.copy()
            for line, first in enumerate((20, 40)):
                if number >= first:
                    at = 60 + 60 * line
                    cv2.rectangle(slide, (20, at), (160, at + 20), (60, 60, 60), -1)
                    cv2.putText(slide, f"Line {line + 1}", (30, at + 15), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (250,) * 3, 1)
            frames.append(slide)
    path = video(tmp_path / "talk.mp4", frames, gop=250, options={"preset": "veryfast"})
    result = extract(path, tmp_path / "out", max_frames=3)
    assert [round(frame.time * FPS) // 120 for frame in result.frames] == [0, 1, 2]
    assert all(round(frame.time * FPS) % 120 >= 40 for frame in result.frames)


def test_two_runs_choose_the_same(tmp_path: Path) -> None:
    """A stage that runs a second time writes the very same files."""
    shots = [Shot(20, "pan"), Shot(25, "shake", captions=[("salt", 5, 20)]), Shot(30, "zoom"), Shot(15)]
    path = video(tmp_path / "film.mp4", film(shots), gop=25)

    def run(name: str) -> tuple[FrameSet, dict[str, str]]:
        out = tmp_path / name
        frame_set = extract(path, out, samples=True)
        files = sorted(path for path in out.rglob("*.jpg"))
        return frame_set, {str(f.relative_to(out)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}

    first = run("1")
    assert all(run(str(n)) == first for n in range(2, 5))


Make = Callable[[Path, Path], Path]

ODD: dict[str, tuple[Make, float]] = {
    "variable rate": (lambda path, silent: media_samples.variable_rate(path / "v.mp4"), 4),
    "no duration": (lambda path, silent: media_samples.without_duration(path / "v.webm"), 2),
    "one pixel": (lambda path, silent: media_samples.one_pixel(path / "v.mkv"), 1),
    "one frame": (lambda path, silent: media_samples.one_frame(path / "v.mp4"), 1 / FPS),
    "trimmed": (
        lambda path, silent: media_samples.ffmpeg(path / "v.mp4", "-ss", "0.5", "-i", silent, "-c", "copy"),
        1.5,
    ),
    "late clock": (lambda path, silent: media_samples.ffmpeg(path / "v.ts", "-i", silent, "-c", "copy"), 2),
    "only key frames": (
        lambda path, silent: media_samples.small_video(
            path / "v.avi", codec="mjpeg", options={}, pixel_format="yuvj420p"
        ),
        2,
    ),
    "RGB": (
        lambda path, silent: media_samples.small_video(path / "v.mov", codec="png", options={}, pixel_format="rgb24"),
        2,
    ),
    "10 bits": (
        lambda path, silent: media_samples.small_video(
            path / "v.mp4", pixel_format="yuv420p10le", options={"preset": "ultrafast"}
        ),
        2,
    ),
    "VP9": (
        lambda path, silent: media_samples.small_video(
            path / "v.webm", codec="libvpx-vp9", gop=45, options={"deadline": "realtime", "cpu-used": "8"}
        ),
        2,
    ),
    "HEVC": (
        lambda path, silent: media_samples.ffmpeg(
            path / "v.mp4", "-i", silent, "-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none"
        ),
        2,
    ),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_videos_give_everything_too(tmp_path: Path, name: str) -> None:
    """Whatever way a video was made, it has a thumbnail, shots, key frames and samples at real times."""
    make, seconds = ODD[name]
    path = make(tmp_path, media_samples.small_video(tmp_path / "silent.mp4"))
    frame_set = extract(path, tmp_path / "out", samples=True)
    assert frame_set.thumbnail is not None
    assert frame_set.thumbnail.time == pytest.approx(seconds / 10, abs=0.05)
    assert frame_set.shots[-1].end == pytest.approx(seconds, abs=0.1)
    assert frame_set.frames
    assert frame_set.samples
    for frame in (*frame_set.frames, *frame_set.samples, frame_set.thumbnail):
        assert 0 <= frame.time < seconds
        picture(tmp_path / "out", frame)


def test_a_truncated_video_gives_what_is_there(tmp_path: Path, silent: Path) -> None:
    """Half an upload gives the pictures of its first half."""
    whole = media_samples.index_first(tmp_path / "whole.mp4", silent)
    path = media_samples.truncated(tmp_path / "half.mp4", whole)
    frame_set = extract(path, tmp_path / "out", samples=True)
    assert frame_set.frames
    assert all(frame.time < probe(path).duration_sec for frame in frame_set.samples)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("count", [5, 100, 800])
def test_wrong_bits_give_pictures_or_a_reason(tmp_path: Path, silent: Path, count: int, seed: int) -> None:
    """A damaged video gives what can be decoded, or is refused with a reason; nothing else happens."""
    path = media_samples.flipped_bits(tmp_path / "damaged.mp4", silent, count, seed)
    try:
        frame_set = extract(path, tmp_path / "out", samples=True)
    except PermanentError as refused:
        reason = refused.code
    else:
        reason = ""
        assert frame_set.thumbnail is not None
        assert frame_set.frames
    assert reason in {"", "truncated", "no_streams", "not_media", "too_large_picture"}


def test_of_a_damaged_video_the_rest_is_kept(tmp_path: Path) -> None:
    """Damage in one second of a video does not cost the pictures of the others."""
    path = video(tmp_path / "film.mp4", film([Shot(30) for _ in range(6)]))
    data = bytearray(path.read_bytes())
    size = len(data)
    data[size // 2 : size // 2 + size // 20] = bytes(size // 20)
    path.write_bytes(data)
    frame_set = extract(path, tmp_path / "out", samples=True)
    assert {int(frame.time) for frame in frame_set.frames} >= {0, 1, 4, 5}


def test_without_pictures_there_is_nothing_to_survey(tmp_path: Path) -> None:
    """Of a voice message no pictures are handed over."""
    frame_set = extract(media_samples.audio_only(tmp_path / "voice.m4a"), tmp_path / "out", samples=True)
    assert frame_set == FrameSet(None, [], [], [])


class Impatient:
    """Collects ticks and gives up at one of them."""

    def __init__(self, until: float) -> None:
        self.until = until
        self.ticks: list[float] = []

    def __call__(self, done: float) -> None:
        self.ticks.append(done)
        if done >= self.until:
            raise KeyboardInterrupt


def test_progress_runs_from_start_to_end(tmp_path: Path, silent: Path) -> None:
    """A progress bar fed by a survey never falls and reaches its end."""
    ticks: list[float] = []
    extract_frames(silent, probe(silent), tmp_path / "out", samples=True, tick=ticks.append)
    assert ticks == sorted(ticks)
    assert ticks[0] >= 0
    assert ticks[-1] == 1


@pytest.mark.parametrize("until", [0.0, 0.3, 0.6])
def test_a_cancelled_survey_leaves_nothing_open(tmp_path: Path, silent: Path, until: float) -> None:
    """When a job is cancelled, its threads end, its file is closed and its half-made pictures are gone."""
    others = set(threading.enumerate())
    with pytest.raises(KeyboardInterrupt):
        extract_frames(silent, probe(silent), tmp_path / "out", samples=True, tick=Impatient(until))
    assert set(threading.enumerate()) <= others
    assert str(silent) not in open_files()
    assert not list((tmp_path / "out").rglob("*.jpg"))


def open_files() -> Sequence[str]:
    return [str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
