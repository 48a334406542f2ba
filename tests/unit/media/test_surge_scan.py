"""Scanning the surges of an H.264 file: cuts are known after decoding little."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from shared.media.probe import probe
from shared.media.video.extraction import extract_frames
from shared.media.video.fingerprints import LUMA_CELLS
from shared.media.video.frames import MeasuredFrame
from shared.media.video.packets import PacketIndex, read_packet_index
from shared.media.video.surge_scan import find_scanned_cuts, plan_scan, without_flashes
from tests.media_samples import FPS, Shot, film, video


def detect_cuts(path: Path, out: Path) -> list[int]:
    shots = extract_frames(path, probe(path), out, samples=False, tick=lambda done: None).shots
    return [round(shot.start * FPS) for shot in shots[1:]]


def test_a_scene_that_ends_at_a_key_frame_is_found(tmp_path: Path) -> None:
    """A cutaway of half a second is a shot even if the picture before it is back at the very next key frame."""
    scene, cutaway = (next(film([Shot(1)], seed=seed)) for seed in (1, 2))
    frames = [*[scene] * 45, *[cutaway] * 15, *[scene] * 60]
    options = {"preset": "veryfast", "sc_threshold": "0"}
    path = video(tmp_path / "film.mp4", frames, gop=30, options=options)
    assert detect_cuts(path, tmp_path / "out") == [45, 60]


def test_slides_that_change_at_key_frames_are_found(tmp_path: Path) -> None:
    """Slides that look alike from afar are shots though each begins at one of the encoder's regular key frames."""
    paper = 200 + next(film([Shot(1)], seed=1)) // 8
    slides = []
    for number in range(4):
        slide = paper.copy()
        width = slide.shape[1] // 5
        slide[:, width * number : width * (number + 2)] -= 12
        slides += [slide] * 60
    options = {"preset": "veryfast", "sc_threshold": "0"}
    path = video(tmp_path / "talk.mp4", slides, gop=30, options=options)
    assert detect_cuts(path, tmp_path / "out") == [60, 120, 180]


def test_little_is_scanned_and_other_codecs_are_not(tmp_path: Path) -> None:
    """Finding cuts is cheap: of a film in one take, few frames beside the key frames are decoded."""
    path = video(tmp_path / "take.mp4", film([Shot(90, "pan"), Shot(90, "zoom")]), gop=60, options={})
    packets = read_packet_index(path, probe(path))
    scanned = [len(span.only or ()) for span in plan_scan(packets, "h264")]
    assert sum(scanned) < 0.25 * len(packets.time)
    assert all(span.only == {span.start} for span in plan_scan(packets, "vp9"))


def test_a_flash_is_left_out_of_a_scan() -> None:
    """A white moment between two pictures of one scene is no scene, even across two groups."""

    def frame(number: int, grey: int) -> MeasuredFrame:
        return MeasuredFrame(number / FPS, np.full(864, grey, np.uint8), number, 1.0)

    before, flash, after = frame(0, 50), frame(29, 240), frame(31, 55)
    assert without_flashes({0: [before, flash], 1: [after]}) == {0: [before], 1: [after]}
    lasting = [flash, frame(45, 240)]
    assert without_flashes({0: [before], 1: lasting}) == {0: [before], 1: lasting}


def test_a_shot_without_a_key_frame_of_the_encoder_is_shown(tmp_path: Path) -> None:
    """Each shot of two seconds has a picture, even if it lies in the middle of a group and was found by the scan."""
    options = {"preset": "veryfast", "sc_threshold": "0"}
    path = video(tmp_path / "film.mp4", film([Shot(75)] * 4), gop=225, options=options)
    result = extract_frames(path, probe(path), tmp_path / "out", samples=False, tick=lambda done: None)
    assert [round(shot.start * FPS) for shot in result.shots] == [0, 75, 150, 225]
    assert [round(frame.time * FPS) // 75 for frame in result.frames] == [0, 1, 2, 3]


def test_what_drifted_away_is_no_clear_cut() -> None:
    """A new picture in place of one that a moving camera left behind is checked; one of another scene is believed."""
    rng = np.random.default_rng(1)
    scenes = [cv2.GaussianBlur(rng.uniform(0, 255, (30, 30)).astype(np.float32), (0, 0), 1) for _ in range(2)]
    scene, other = (cv2.normalize(scene, None, 20, 235, cv2.NORM_MINMAX).astype(np.uint8) for scene in scenes)

    def frame(ordinal: int, picture: np.ndarray, at: int) -> MeasuredFrame:
        luma = picture[3 : 3 + LUMA_CELLS, at : at + LUMA_CELLS].ravel()
        return MeasuredFrame(ordinal / FPS, np.r_[luma, np.full(288, 128)].astype(np.uint8), ordinal, 1.0)

    size = np.full(60, 100.0)
    size[0], size[30] = 4000, 2000
    packets = PacketIndex(np.arange(60) / FPS, size, np.arange(60) == 0)
    unfocused = cv2.GaussianBlur(scene, (0, 0), 0.6)
    before = [frame(29, scene, 1)]
    moved = find_scanned_cuts(packets, range(60), [*before, frame(30, unfocused, 4), frame(31, unfocused, 4)], [])
    assert [cut.is_clear for cut in moved] == [False]
    cut = find_scanned_cuts(packets, range(60), [*before, frame(30, other, 1), frame(31, other, 1)], [])
    assert [found.is_clear for found in cut] == [True]
