"""What else finds cuts or reads a video, each as a function of a path that returns the times of cuts in seconds."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.ffmpeg_programs import RENDERER

THREADS = "2"
_SCENE_CHANGE = re.compile(r"lavfi\.scd\.time: ([\d.]+)")


def decode_by_ffmpeg(path: Path) -> list[float]:
    """Decode every frame and throw it away."""
    _ffmpeg(path)
    return []


def detect_by_scdet(path: Path) -> list[float]:
    """Run ffmpeg's filter for scene changes."""
    return [float(time) for time in _SCENE_CHANGE.findall(_ffmpeg(path, "-vf", "scdet"))]


def read_by_opencv(path: Path) -> list[float]:
    """Read every frame as an array of pixels."""
    import cv2

    capture = cv2.VideoCapture(str(path))
    while capture.read()[0]:
        pass
    return []


def detect_content(path: Path) -> list[float]:
    from scenedetect import ContentDetector

    return _detect_scenes(path, ContentDetector())


def detect_adaptive(path: Path) -> list[float]:
    from scenedetect import AdaptiveDetector

    return _detect_scenes(path, AdaptiveDetector())


def _detect_scenes(path: Path, detector: object) -> list[float]:
    from scenedetect import detect

    return [start.seconds for start, _ in detect(str(path), detector)[1:]]


def _ffmpeg(path: Path, *options: str) -> str:
    command = [RENDERER, "-nostdin", "-threads", THREADS, "-i", str(path), "-an", *options, "-f", "null", "-"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stderr


ADAPTIVE, OPENCV, FULL_DECODE = "PySceneDetect Adaptive", "OpenCV, every frame", "full decode, ffmpeg"
READERS = (OPENCV, FULL_DECODE)
"""They read every frame and look for nothing."""
RIVALS: dict[str, Callable[[Path], list[float]]] = {
    ADAPTIVE: detect_adaptive,
    "PySceneDetect Content": detect_content,
    "ffmpeg scdet": detect_by_scdet,
    OPENCV: read_by_opencv,
    FULL_DECODE: decode_by_ffmpeg,
}
