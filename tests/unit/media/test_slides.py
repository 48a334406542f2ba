"""Slides on the same paper: each is a shot with a key frame, and what is added to one is no other slide."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.media.probe import probe
from shared.media.video.extraction import FrameSet, extract_frames
from shared.media.video.fingerprints import TimedFingerprint, compute_fingerprint
from shared.media.video.frame_choice import choose_key_frames
from shared.media.video.frames import Picture
from shared.media.video.slides import find_slide_changes
from shared.models.video import Shot
from tests.media_samples import FPS, video

FRAMES = 70
H264 = {"options": {"preset": "veryfast"}}
ENCODERS: dict[str, dict[str, Any]] = {
    "a key frame every second": H264 | {"gop": 30},
    "key frames at cuts": H264 | {"gop": 250},
    "VP9": {"codec": "libvpx-vp9", "gop": 128, "options": {"deadline": "realtime", "cpu-used": "8"}, "suffix": "webm"},
}


def write_line(slide: np.ndarray, rng: np.random.Generator, row: int, scale: float) -> None:
    words = " ".join("".join(map(chr, rng.integers(97, 123, rng.integers(2, 9)))) for _ in range(rng.integers(3, 6)))
    cv2.putText(slide, words, (40, row), cv2.FONT_HERSHEY_SIMPLEX, scale, (40, 30, 30), 2, cv2.LINE_AA)


def slides(count: int, *, lines: int) -> Iterator[np.ndarray]:
    """Slides with the same white paper and the same bar, a heading and some lines."""
    rng = np.random.default_rng(count)
    for _ in range(count):
        slide = np.full((360, 640, 3), 245, np.uint8)
        slide[:10] = (120, 60, 20)
        write_line(slide, rng, 60, 1.0)
        for line in range(lines):
            write_line(slide, rng, 120 + 45 * line, 0.7)
        yield slide


def extract(path: Path, out: Path) -> FrameSet:
    return extract_frames(path, probe(path), out, samples=False, tick=lambda done: None)


@pytest.mark.parametrize("encoder", ENCODERS)
def test_each_slide_of_a_talk_has_a_key_frame(tmp_path: Path, encoder: str) -> None:
    """Slides that differ by a few lines of text alone are shots, and no two of them count as the same picture."""
    encoding = dict(ENCODERS[encoder])
    path = tmp_path / f"talk.{encoding.pop('suffix', 'mp4')}"
    frames = (slide for slide in slides(5, lines=4) for _ in range(FRAMES))
    result = extract(video(path, frames, **encoding), tmp_path / "out")
    assert [round(shot.start * FPS) for shot in result.shots] == list(range(0, 5 * FRAMES, FRAMES))
    assert {round(frame.time * FPS) // FRAMES for frame in result.frames} == set(range(5))


@pytest.mark.parametrize("encoder", ENCODERS)
def test_lines_that_are_added_make_no_other_slide(tmp_path: Path, encoder: str) -> None:
    """While the lines of a slide appear, and a caption comes, it remains one shot."""
    encoding = dict(ENCODERS[encoder])
    path = tmp_path / f"talk.{encoding.pop('suffix', 'mp4')}"
    rng, frames = np.random.default_rng(1), []
    (slide,) = slides(1, lines=1)
    for line in range(4):
        write_line(slide, rng, 165 + 45 * line, 0.7)
        frames += [slide.copy()] * 40
    cv2.rectangle(slide, (60, 300), (580, 330), (20, 20, 20), -1)
    frames += [slide] * 40
    assert len(extract(video(path, frames, **encoding), tmp_path / "out").shots) == 1


@given(st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_full_slides_on_one_paper_are_different_pictures(seed: int) -> None:
    """However alike pages of text look from afar, each is a key frame; the same page is one only once."""
    rng = np.random.default_rng(seed)
    pictures = []
    for number in range(3):
        page = np.full((960, 540), 235, np.uint8)
        for row in range(150, 880, 23):
            if rng.random() < 0.8:
                line = "".join(map(chr, rng.integers(97, 123, rng.integers(6, 44))))
                cv2.putText(page, line, (32, row), cv2.FONT_HERSHEY_SIMPLEX, 0.54, 40, 1, cv2.LINE_AA)
        luma = cv2.resize(page, (36, 64), interpolation=cv2.INTER_AREA)
        fingerprint = compute_fingerprint(luma, *[np.full((12, 12), 128, np.uint8)] * 2)
        pictures += [Picture(2.0 * number + n, fingerprint, 2 * number + n, 100.0, luma, (540, 960)) for n in range(2)]
    shots = [Shot(start=2.0 * number, end=2.0 * number + 2) for number in range(3)]
    assert [picture.ordinal // 2 for picture in choose_key_frames(pictures, shots, 6)] == [0, 1, 2]


def test_a_page_that_moves_is_no_other_slide() -> None:
    """A page that scrolls shows other lines in every frame, yet is the same."""
    rng = np.random.default_rng(1)
    long = np.where(rng.random((400, 24)) < 0.3, rng.integers(60, 200, (400, 24)), 235).astype(np.uint8)
    pages = [long[3 * number : 3 * number + 24] for number in range(60)]
    scrolled = [
        TimedFingerprint(n / FPS, np.r_[page.ravel(), np.full(288, 128, np.uint8)]) for n, page in enumerate(pages)
    ]
    assert find_slide_changes(scrolled) == []
    jumped = [TimedFingerprint(n / FPS, scrolled[30 * (n >= 30)].fingerprint) for n in range(60)]
    assert find_slide_changes(jumped) == [30]
