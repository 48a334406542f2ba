"""Memory of reading a video: bounded, and returned afterwards."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests import media_samples
from tests.media_samples import video

_EXTRACT = """
import sys
from pathlib import Path

from shared.media.probe import probe
from shared.media.video.extraction import extract_frames


def resident(key):
    return int(next(line for line in open("/proc/self/status") if line.startswith(key)).split()[1]) // 1024


path, out = map(Path, sys.argv[1:])
info = probe(path)
before = resident("VmRSS")
extract_frames(path, info, out, samples=False, tick=lambda done: None)
print(before, resident("VmHWM"), resident("VmRSS"))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_the_memory_of_pictures_is_returned(tmp_path: Path) -> None:
    """A worker that has read a film of 1080 × 1920 does not keep the pictures' memory, and never holds 250 MB."""
    page = media_samples.texture(np.random.default_rng(1), 1080, 2200)
    film = (page[4 * number : 4 * number + 1920] for number in range(36))
    path = video(tmp_path / "film.mp4", film, options={"preset": "veryfast", "sc_threshold": "0"})
    command = [sys.executable, "-c", _EXTRACT, str(path), str(tmp_path / "out")]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    before, peak, after = map(int, output.split())
    assert peak < 250
    assert after - before < 40
