"""Makes the sample of the console, with which an empty library can be tried: `make sample`.

It is the demo's video, encoded for a small file rather than for speed, and one of its frames.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory

from infra.demo.narration import script_starts
from infra.demo.scenes import storyboard
from infra.demo.video import render_video

FOLDER = Path(__file__).parents[2] / "web" / "sample"
NAME = "baked-feta-pasta"
FPS = 15
CRF = 30
"""Of x264: on-screen text is still read without an error."""
AUDIO_BITRATE = "40k"
PICTURE_WIDTH = 480


def make_sample(folder: Path) -> None:
    """Write the video and a picture of the dish into `folder`; raises RuntimeError without the ffmpeg program."""
    program = which("ffmpeg")
    if program is None:
        raise RuntimeError("ffmpeg is not installed; run `make program-deps` as root")
    video = folder / f"{NAME}.mp4"
    with TemporaryDirectory() as scratch:
        original = Path(scratch) / "original.mp4"
        render_video(original, lambda done: None, has_subtitles=False)
        picture = ["-c:v", "libx264", "-preset", "veryslow", "-crf", str(CRF), "-r", str(FPS), "-threads", "1"]
        sound = ["-c:a", "aac", "-b:a", AUDIO_BITRATE]
        _run(program, "-i", original, *picture, *sound, "-movflags", "+faststart", "-fflags", "+bitexact", video)
        dish = script_starts()[-1] - storyboard()[-1].seconds / 2
        scale = f"scale={PICTURE_WIDTH}:-2"
        _run(program, "-ss", f"{dish:.2f}", "-i", original, "-frames:v", "1", "-vf", scale, folder / f"{NAME}.webp")


def _run(program: str, *arguments: object) -> None:
    subprocess.run([program, "-v", "error", "-y", *map(str, arguments)], check=True)


if __name__ == "__main__":
    try:
        make_sample(FOLDER)
    except RuntimeError as error:
        sys.exit(str(error))
