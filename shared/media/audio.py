"""Taking the sound out of a video, in the form that speech recognition wants."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from shared.errors import PermanentError, TransientError
from shared.media.container import DEMUXERS, PROTOCOLS
from shared.media.probe import probe
from shared.models.video import AudioTrack, MediaInfo

SAMPLE_RATE = 16_000
_LEAST_TIMEOUT_SEC = 60


class NoFfmpeg(RuntimeError):
    """There is no ffmpeg program on this machine."""


def ffmpeg_binary() -> str:
    """The ffmpeg program: the one on the PATH, else the one that the package imageio-ffmpeg brings.

    Raises:
        NoFfmpeg: There is neither.
    """
    found = shutil.which("ffmpeg")
    if found:
        return found
    try:
        import imageio_ffmpeg

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError):
        raise NoFfmpeg("No ffmpeg program found: put one on the PATH or install the package imageio-ffmpeg.") from None


def extract_audio(path: Path, out: Path, info: MediaInfo) -> AudioTrack | None:
    """Write the first sound track of `path` to `out` as FLAC, mono, 16 kHz; None when there is none.

    Silence stands where the sound starts later than the pictures or has gaps: a time in it is a time in the video.

    Raises:
        PermanentError: `audio_unreadable` when no sound comes out at all.
        TransientError: `audio_timeout` when it takes far longer than it should.
        NoFfmpeg: See `ffmpeg_binary`.
    """
    import ffmpeg

    if not info.has_audio:
        return None
    command = (
        ffmpeg.input(f"file:{path.absolute()}", protocol_whitelist=PROTOCOLS, format_whitelist=DEMUXERS)["a:0"]
        .filter("aresample", **{"async": 1, "first_pts": 0})
        .output(f"file:{out.absolute()}", format="flac", ac=1, ar=SAMPLE_RATE, t=info.duration_sec + 1, map_metadata=-1)
        .global_args("-nostdin", "-v", "error", "-threads", "2")
        .compile(cmd=ffmpeg_binary(), overwrite_output=True)
    )
    try:
        subprocess.run(command, capture_output=True, timeout=_LEAST_TIMEOUT_SEC + info.duration_sec, check=False)
    except subprocess.TimeoutExpired:
        raise TransientError("audio_timeout", "Taking the sound out of the video took too long; try again.") from None
    unreadable = PermanentError("audio_unreadable", "The sound of the video cannot be read; send it in another format.")
    if not out.exists():
        raise unreadable
    try:
        heard = probe(out)
    except PermanentError:
        raise unreadable from None
    return AudioTrack(name=out.name, duration_sec=heard.duration_sec)
