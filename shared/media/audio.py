"""Taking the sound out of a video, in the form that speech recognition wants, and measuring it on the way."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from shared.errors import PermanentError, TransientError
from shared.media.container import DEMUXERS, PROTOCOLS
from shared.media.loudness import read_loudness
from shared.media.probe import probe
from shared.media.silences import SAMPLE_RATE, Levels
from shared.models.video import AudioTrack, Loudness, MediaInfo, Span

_LEAST_TIMEOUT_SEC = 60
_BLOCK_BYTES = SAMPLE_RATE * 2 * 10


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


def extract_audio(
    path: Path, out: Path, info: MediaInfo, tick: Callable[[float], None] = lambda done: None
) -> tuple[AudioTrack, list[Span]] | None:
    """Write the first sound track of `path` to `out` as FLAC, mono, 16 kHz, 16 bits; None when there is none.

    Comes with its silences (see `shared.media.silences`) and the loudness of its original channels, all from one
    decoding. Silence stands where the sound starts later than the pictures or has gaps: a time in it is a time in the
    video. `tick` gets the fraction done; what it raises ends the work.

    Raises:
        PermanentError: `audio_unreadable` when no sound comes out at all.
        TransientError: `audio_timeout` when it takes far longer than it should; `audio_stopped` when the program was.
        NoFfmpeg: See `ffmpeg_binary`.
    """
    if not info.has_audio:
        return None
    levels = Levels()

    def hear(pcm: bytes) -> None:
        levels.take(pcm)
        tick(min(1.0, levels.samples / SAMPLE_RATE / (info.duration_sec or 1)))

    loudness = _listen(_command(path, out, info), _LEAST_TIMEOUT_SEC + info.duration_sec, hear)
    unreadable = PermanentError("audio_unreadable", "The sound of the video cannot be read; send it in another format.")
    if not out.exists():
        raise unreadable
    try:
        heard = probe(out)
    except PermanentError:
        raise unreadable from None
    return AudioTrack(name=out.name, duration_sec=heard.duration_sec, loudness=loudness), levels.silences()


def _command(path: Path, out: Path, info: MediaInfo) -> list[str]:
    """The FLAC to `out`, the same samples bare to the standard output, the loudness to the log."""
    import ffmpeg

    sound = (
        ffmpeg.input(f"file:{path.absolute()}", protocol_whitelist=PROTOCOLS, format_whitelist=DEMUXERS)["a:0"]
        .filter("aresample", **{"async": 1, "first_pts": 0})
        .filter("ebur128", peak="true", framelog="verbose")
        .filter("aresample", SAMPLE_RATE)  # else the one above would mix the channels down already
        .filter("aformat", sample_fmts="s16", channel_layouts="mono")
        .filter_multi_output("asplit")
    )
    limit = info.duration_sec + 1
    command: list[str] = (
        ffmpeg.merge_outputs(
            sound.stream(0).output(f"file:{out.absolute()}", format="flac", t=limit, map_metadata=-1),
            sound.stream(1).output("pipe:1", format="s16le", t=limit),
        )
        .global_args("-nostdin", "-hide_banner", "-nostats", "-v", "info", "-threads", "2")
        .compile(cmd=ffmpeg_binary(), overwrite_output=True)
    )
    return command


def _listen(command: list[str], timeout: float, hear: Callable[[bytes], None]) -> Loudness | None:
    """Run ffmpeg and pass on what it writes to its standard output while it does."""
    late = threading.Event()

    def stop() -> None:
        late.set()
        process.kill()

    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout  # noqa: S101
        assert process.stderr  # noqa: S101
        watch = threading.Timer(timeout, stop)
        with ThreadPoolExecutor(1) as reader:
            try:
                watch.start()
                loudness = reader.submit(read_loudness, process.stderr)
                for pcm in iter(partial(process.stdout.read, _BLOCK_BYTES), b""):
                    hear(pcm)
            except BaseException:
                process.kill()
                raise
            finally:
                watch.cancel()
    if late.is_set():
        raise TransientError("audio_timeout", "Taking the sound out of the video took too long; try again.")
    if process.returncode < 0:
        raise TransientError("audio_stopped", "Taking the sound out of the video was interrupted; try again.")
    return loudness.result()
