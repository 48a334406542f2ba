"""Shots: where cuts are found, and where none are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from shared.media.probe import probe
from shared.media.video.extraction import extract_frames
from shared.media.video.fingerprints import TimedFingerprint
from shared.media.video.shots import hard_cuts, soft_cuts
from tests import media_samples
from tests.media_samples import FPS, Shot, film, video

RESTLESS = [
    Shot(40, "pan"),
    Shot(75, "shake", flashes=(30, 31)),
    Shot(25),
    Shot(90, "zoom", captions=[("2 EL Zucker", 10, 50), ("1 TL Salz", 50, 80)]),
    Shot(60, "pan", flashes=(20,)),
    Shot(22, "shake"),
    Shot(110, captions=[("200 g flour", 20, 70)], fade_out=9),
    Shot(70, "pan", fade_in=9),
    Shot(48, "zoom"),
    Shot(35, "shake", flashes=(10, 11, 12)),
    Shot(95, "pan"),
    Shot(31),
]
"""23 seconds with all that is not a cut, too: flashes, captions, moving cameras; and one fade through black."""

ENCODERS: dict[str, dict[str, Any]] = {
    "a key frame every second": {"gop": 30, "options": {"preset": "veryfast", "sc_threshold": "0"}},
    "key frames at cuts": {"gop": 250, "options": {"preset": "veryfast"}},
    "hardly any key frames": {"gop": 300, "options": {"preset": "veryfast", "sc_threshold": "0"}},
    "constant bit rate without B-frames": {
        "gop": 60,
        "options": {"preset": "ultrafast", "b": "400k", "maxrate": "400k", "bufsize": "100k", "sc_threshold": "0"},
    },
    "a key frame every twelve frames": {"codec": "mpeg2video", "gop": 12, "options": {"b": "1M"}, "suffix": "mpg"},
    "every frame a key frame": {"codec": "mjpeg", "pixel_format": "yuvj420p", "options": {}, "suffix": "avi"},
    "VP9": {"codec": "libvpx-vp9", "gop": 128, "options": {"deadline": "realtime", "cpu-used": "8"}, "suffix": "webm"},
}


def detect_cuts(path: Path, out: Path) -> list[float]:
    shots = extract_frames(path, probe(path), out, samples=False, tick=lambda done: None).shots
    return [shot.start for shot in shots[1:]]


def score(detected: list[float], real: list[float], tolerance: float = 2.2 / FPS) -> float:
    """F1: the harmonic mean of precision and recall, each real cut counting once."""
    remaining = list(real)
    hits = 0
    for time in detected:
        near = [cut for cut in remaining if abs(cut - time) <= tolerance]
        if near:
            remaining.remove(near[0])
            hits += 1
    return 2 * hits / (len(detected) + len(real))


@pytest.mark.parametrize("name", ENCODERS)
def test_cuts_are_found_however_the_video_was_encoded(tmp_path: Path, name: str) -> None:
    """Key frames come from the right shots: nine in ten cuts, and no more than that, are found to two frames."""
    encoder = dict(ENCODERS[name])
    path = tmp_path / f"film.{encoder.pop('suffix', 'mp4')}"
    detected = detect_cuts(video(path, film(RESTLESS, seed=3), **encoder), tmp_path / "out")
    assert score(detected, media_samples.cuts(RESTLESS)) >= 0.9


@pytest.mark.parametrize("camera", ["still", "pan", "shake", "zoom"])
def test_one_take_is_one_shot(tmp_path: Path, camera: Any) -> None:
    """Motion, flashes and captions do not cut a take into pieces."""
    take = [Shot(150, camera, flashes=(33, 34, 90), captions=[("SALT", 40, 75), ("PEPPER", 75, 110)])]
    assert detect_cuts(video(tmp_path / "take.mp4", film(take), gop=40), tmp_path / "out") == []


def test_a_fade_through_black_is_a_cut_where_it_is_darkest(tmp_path: Path) -> None:
    """Two scenes with a fade between them are two shots."""
    shots = [Shot(60, "pan", fade_out=10), Shot(60, "pan", fade_in=10)]
    (cut,) = detect_cuts(video(tmp_path / "fade.mp4", film(shots)), tmp_path / "out")
    assert cut == pytest.approx(2, abs=2.2 / FPS)


def test_a_dissolve_is_a_cut_in_its_middle(tmp_path: Path) -> None:
    """Two scenes that run into each other are two shots."""
    first, second = list(film([Shot(66)], seed=1)), list(film([Shot(66)], seed=2))
    mix = [
        (a * (1 - n / 13) + b * (n / 13)).astype(np.uint8)
        for n, (a, b) in enumerate(zip(first[:12], second, strict=False), 1)
    ]
    frames = [*first[:54], *mix, *second[:54]]
    (cut,) = detect_cuts(video(tmp_path / "dissolve.mp4", frames, gop=40), tmp_path / "out")
    assert cut == pytest.approx(60 / FPS, abs=4 / FPS)


@pytest.mark.parametrize("light", [1.0, 0.15])
@pytest.mark.parametrize("gop", [30, 250])
def test_a_person_who_jumps_is_a_cut(tmp_path: Path, gop: int, light: float) -> None:
    """Pauses cut out of a talk, and closer views of the same scene, start new shots, at night as by day."""
    room, person = (media_samples.texture(np.random.default_rng(seed), 320, 180) for seed in (1, 2))
    frames = []
    for number in range(240):
        picture = room.copy()
        at = 40 if number < 80 else 130
        picture[40:180, at : at + 130] = person[40:180, :130]
        if number >= 160:
            picture = cv2.resize(picture[30:150, 54:267], (320, 180), interpolation=cv2.INTER_LINEAR)
        frames.append(cv2.convertScaleAbs(picture, alpha=light, beta=4 * (light < 1)))
    cuts = detect_cuts(video(tmp_path / "talk.mp4", frames, gop=gop, options={"preset": "veryfast"}), tmp_path / "out")
    assert [round(cut * FPS) for cut in cuts] == [80, 160]


def fingerprints(rows: list[int], fps: float = 30) -> list[TimedFingerprint]:
    """Frames of even grey."""
    return [TimedFingerprint(number / fps, np.full(864, row, np.uint8)) for number, row in enumerate(rows)]


def test_a_cut_needs_both_sides_to_differ() -> None:
    """The rule itself: a step is a cut, a flash and a slope are none."""
    assert hard_cuts(fingerprints([50] * 20 + [120] * 20)) == [pytest.approx(20 / 30)]
    assert hard_cuts(fingerprints([50] * 20 + [250] * 4 + [50] * 20)) == []
    assert hard_cuts(fingerprints(list(range(0, 250, 5)))) == []


def test_a_black_gap_is_no_shot() -> None:
    """Where a film is black for a moment between two scenes, there is one cut."""
    assert hard_cuts(fingerprints([90] * 20 + [2] * 12 + [150] * 20)) == [pytest.approx(20 / 30)]
    assert len(hard_cuts(fingerprints([90] * 20 + [200] * 12 + [150] * 20))) == 2


def test_a_flash_at_the_start_is_told_by_what_was_before() -> None:
    """Where decoding starts at a white frame, the scene behind it is not taken for a new one."""
    flashed = fingerprints([250, 250] + [50] * 20)
    assert hard_cuts(flashed, TimedFingerprint(-1, np.full(864, 52, np.uint8))) == []
    assert hard_cuts(flashed) == [pytest.approx(2 / 30)]


def test_a_cut_is_found_at_any_frame_rate() -> None:
    """Slow-motion recordings and slide shows are cut by the same rule."""
    for fps in (1, 5, 240, 1000):
        assert hard_cuts(fingerprints([50] * 400 + [120] * 400, fps)) == [pytest.approx(400 / fps)]


def test_a_soft_cut_needs_calm_on_both_sides() -> None:
    """A transition between two calm scenes is one; a picture that always changes has none."""
    rows = [50] * 40 + list(range(50, 170, 10)) + [170] * 40
    assert soft_cuts(fingerprints(rows)) == [pytest.approx(46 / 30, abs=2 / 30)]
    assert soft_cuts(fingerprints([abs(n % 200 - 100) + 50 for n in range(600)])) == []


@pytest.mark.parametrize("at", range(250, 262))
def test_a_cut_and_a_dissolve_are_found_at_any_time(at: int) -> None:
    """Frames are compared in blocks; neither a cut nor a dissolve is lost, or found twice, at the end of one."""
    assert hard_cuts(fingerprints([50] * at + [120] * 300)) == [pytest.approx(at / 30)]
    dissolve = [50] * at + [80, 110, 140] + [170] * 300
    assert soft_cuts(fingerprints(dissolve, fps=10)) == [pytest.approx((at + 1) / 10, abs=0.11)]


def test_nothing_and_one_frame_have_no_cuts() -> None:
    """The smallest inputs are no special case for a caller."""
    for rows in ([], [7]):
        assert hard_cuts(fingerprints(rows)) == []
        assert soft_cuts(fingerprints(rows)) == []
