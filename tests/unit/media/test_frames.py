"""Key frames and samples of whole videos."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from shared.media.probe import probe
from shared.media.video.extraction import FrameSet, extract_frames
from tests import media_samples
from tests.media_samples import FPS, Shot, film, video


def extract(path: Path, out: Path) -> FrameSet:
    return extract_frames(path, probe(path), out, samples=True, tick=lambda done: None)


def pixels(out: Path, name: str) -> np.ndarray:
    image = cv2.imread(str(out / name))
    assert image is not None
    return image.astype(np.int16)


@pytest.mark.parametrize("gop", [30, 250])
def test_every_scene_is_shown_once(tmp_path: Path, gop: int) -> None:
    """A video that comes back to its scenes has a key frame of each of them, and none twice."""
    order = [0, 1, 2, 0, 3, 1, 4, 5, 2, 0, 6, 7, 3, 1]
    shots = [Shot(28, "shake", scene=scene) for scene in order]
    frame_set = extract(video(tmp_path / "film.mp4", film(shots), gop=gop), tmp_path / "out")
    scenes_chosen = sorted(order[round(frame.time * FPS) // 28] for frame in frame_set.frames)
    assert scenes_chosen == sorted(set(order))


def slides(count: int, frames: int) -> Iterator[np.ndarray]:
    """Still pages without any noise; a line appears in the middle of each."""
    for number in range(count):
        page = media_samples.texture(np.random.default_rng(number), 320, 180)
        for frame in range(frames):
            if frame == frames // 2:
                cv2.putText(page, f"point {number}", (20, 90), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (255,) * 3, 2)
            yield page


@pytest.mark.parametrize("frames", [30, 75, 250])
@pytest.mark.parametrize("scenecut", ["0", "40"])
def test_every_slide_of_a_talk_has_a_key_frame(tmp_path: Path, frames: int, scenecut: str) -> None:
    """Slides that change exactly where the encoder puts its key frames anyway are all found, and each is shown."""
    coding = {"gop": frames, "options": {"preset": "ultrafast", "sc_threshold": scenecut}}
    frame_set = extract(video(tmp_path / "talk.mp4", slides(5, frames), **coding), tmp_path / "out")
    assert [round(shot.start * FPS) for shot in frame_set.shots] == [n * frames for n in range(5)]
    assert {int(frame.time * FPS / frames) for frame in frame_set.frames} == {0, 1, 2, 3, 4}


def test_at_most_twelve_of_many_scenes(tmp_path: Path) -> None:
    """A fast-cut video of twenty scenes gives twelve key frames of twelve scenes."""
    frame_set = extract(video(tmp_path / "film.mp4", film([Shot(25, "pan") for _ in range(20)])), tmp_path / "out")
    scenes = [round(frame.time * FPS) // 25 for frame in frame_set.frames]
    assert len(scenes) == len(set(scenes)) == 12


@pytest.mark.parametrize("gop", [30, 250])
def test_blurred_frames_between_sharp_ones_are_not_chosen(tmp_path: Path, gop: int) -> None:
    """A camera that hunts for focus gives key frames from when it was in focus."""
    sharp = [(40, 55), (110, 125), (170, 185)]
    blurred = [(0, 40), (55, 110), (125, 170), (185, 240)]
    shots = [Shot(240, "pan", blurred=blurred), Shot(60, "shake", blurred=[(0, 20), (35, 60)])]
    frame_set = extract(video(tmp_path / "film.mp4", film(shots), gop=gop), tmp_path / "out")
    first = [round(frame.time * FPS) for frame in frame_set.frames if frame.time < 8]
    second = [round(frame.time * FPS) - 240 for frame in frame_set.frames if frame.time >= 8]
    assert first
    assert second
    assert all(any(a <= time < b for a, b in sharp) for time in first)
    assert all(20 <= time < 35 for time in second)


def test_key_frames_keep_away_from_flashes_and_black(tmp_path: Path) -> None:
    """What is white or black for a moment is no key frame, even where the encoder made a key frame of it."""
    shots = [Shot(60, "pan", flashes=(30, 31, 32), fade_out=10), Shot(60, "pan", flashes=(30,), fade_in=10)]
    path = video(tmp_path / "film.mp4", film(shots), gop=30, options={"preset": "ultrafast", "sc_threshold": "0"})
    frame_set = extract(path, tmp_path / "out")
    assert len(frame_set.frames) >= 2
    brightness = [pixels(tmp_path / "out", frame.name).mean() for frame in frame_set.frames]
    assert all(60 < level < 190 for level in brightness)


def test_a_still_picture_has_one_key_frame_and_two_samples(tmp_path: Path) -> None:
    """A photo with music, ten seconds long, is looked at once and read twice."""
    frame_set = extract(video(tmp_path / "still.mp4", film([Shot(300)])), tmp_path / "out")
    assert (len(frame_set.shots), len(frame_set.frames), len(frame_set.samples)) == (1, 1, 2)


CAPTIONS = [
    ("200 g flour", 17, 50),
    ("2 eggs", 66, 97),
    ("1 TL Salz", 97, 130),
    ("300 ml milk", 131, 163),
    ("5 EL Zucker", 190, 290),
    ("bake 20 min", 314, 346),
]


@pytest.mark.parametrize("camera", ["still", "zoom"])
@pytest.mark.parametrize("gop", [15, 30, 250])
def test_every_caption_of_a_second_is_in_two_samples(tmp_path: Path, camera: str, gop: int) -> None:
    """Text counts when it was read twice, so whatever is shown for a second must be among the samples twice."""
    shots = [Shot(360, camera, captions=CAPTIONS)]  # type: ignore[arg-type]
    frame_set = extract(video(tmp_path / "film.mp4", film(shots, (360, 640)), gop=gop), tmp_path / "out")
    frames = [round(frame.time * FPS) for frame in frame_set.samples]
    for words, first, last in CAPTIONS:
        assert sum(first <= frame < last for frame in frames) >= 2, words
    assert len(frames) <= 60


def test_where_everything_changes_there_is_a_sample_a_second(tmp_path: Path) -> None:
    """In a video that never rests, no second goes unread as long as the number of samples allows it."""
    frame_set = extract(video(tmp_path / "film.mp4", film([Shot(600, "shake")]), gop=250), tmp_path / "out")
    times = [frame.time for frame in frame_set.samples]
    assert len(times) <= 60
    assert max(np.diff([0, *times, 20])) <= 1.1


def test_a_long_restless_video_has_sixty_samples_spread_over_it(tmp_path: Path) -> None:
    """A video with more to read than can be read is sampled evenly from its start to its end."""
    frames = film([Shot(60, "shake") for _ in range(50)], (64, 112))
    frame_set = extract(video(tmp_path / "film.mp4", frames), tmp_path / "out")
    times = [frame.time for frame in frame_set.samples]
    assert len(times) == 60
    assert max(np.diff([0, *times, 100])) <= 3.5
