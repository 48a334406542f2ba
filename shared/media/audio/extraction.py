"""Extract the audio of a video for speech recognition, and measure silences and loudness in the same pass."""

from __future__ import annotations

import logging
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shared.child_process import child_environ
from shared.errors import PROGRAMMING_ERRORS, PermanentError, TransientError
from shared.media.audio.decoder import FILTERS, SAMPLE_RATE, decoder_command, write_flac
from shared.media.audio.levels import AudioLevels, read_loudness_log
from shared.media.audio.mono import mix_to_mono
from shared.media.container import DEMUXERS, PROTOCOLS
from shared.models.media import MediaInfo
from shared.models.video import AudioTrack, Loudness, TimeSpan

log = logging.getLogger(__name__)
_LEAST_TIMEOUT_SEC = 60
_MISSING_SEC = 1.0
_CRASHES = (signal.SIGSEGV, signal.SIGABRT, signal.SIGFPE, signal.SIGILL, signal.SIGBUS)
_BLOCK_BYTES = SAMPLE_RATE * 4 * 10


def extract_audio(
    path: Path, out: Path, info: MediaInfo, tick: Callable[[float], None] = lambda done: None
) -> tuple[AudioTrack, list[TimeSpan]] | None:
    """Write the selected audio of `path` to `out` as FLAC, mono, 16 kHz, 16 bits; return None if there is none.

    Also returns its silences (see `shared.media.audio.levels`) and the loudness of its original channels, all from one
    decoding. Silence fills gaps and a late start, so times in the audio equal times in the video. `tick` receives the
    fraction done; an exception from it stops the work.

    The ffmpeg program on the PATH decodes the audio. Without one, or if it extracts nothing or less than the file has,
    the libraries inside PyAV do (see `shared.media.audio.decoder`).

    Raises:
        PermanentError: `audio_unreadable` when no audio can be decoded.
        TransientError: `audio_timeout` after 60 s plus the video's duration; `audio_stopped` when a signal ended the
            decoder.
    """
    if not info.selected_audio or not info.has_audio:
        return None
    timeout = _LEAST_TIMEOUT_SEC + info.duration_sec
    levels = AudioLevels()
    for command in _decoder_commands(path, info, info.duration_sec + 1):
        levels = AudioLevels()
        run = _DecoderRun(command, timeout)
        write_flac(out, _measure_samples(run.read_samples(), levels, info.duration_sec, tick))
        missing_sec = (info.audio_end_sec or 0) - levels.samples / SAMPLE_RATE
        if levels.samples and not run.rebuilds and missing_sec < _MISSING_SEC:
            break
        log.warning("%s did not decode all of the sound: %s", command[0], run.last_line)
    if run.exit_code and command[0] == sys.executable:
        raise _decoder_error(run.last_line)
    if not levels.samples:
        out.unlink(missing_ok=True)
        raise PermanentError("audio_unreadable", "The audio of the video cannot be decoded. Send it in another format.")
    duration_sec = round(levels.samples / SAMPLE_RATE, 3)
    track = AudioTrack(name=out.name, duration_sec=duration_sec, loudness=run.loudness, levels=levels.curve())
    return track, levels.silences()


def _measure_samples(
    blocks: Iterator[bytes], levels: AudioLevels, duration_sec: float, tick: Callable[[float], None]
) -> Iterator[NDArray[np.int16]]:
    """Yield the mono mix of each block of stereo, after it was measured."""
    for block in blocks:
        mono = mix_to_mono(block)
        levels.add_samples(mono.tobytes())
        tick(min(1.0, levels.samples / SAMPLE_RATE / (duration_sec or 1)))
        yield mono.reshape(1, -1)


def _decoder_error(last_line: str) -> Exception:
    """Return the error of a failed Python decoder by the last line of its traceback; keeps programming errors."""
    name = last_line.partition(":")[0]
    kind = next((kind for kind in PROGRAMMING_ERRORS if kind.__name__ == name), RuntimeError)
    return kind(f"The audio decoder failed: {last_line}")


def _decoder_commands(source: Path, info: MediaInfo, seconds: float) -> Iterator[list[str]]:
    """Yield the commands to try, in order, each for at most `seconds` of a file.

    Each writes raw samples to standard output, and the loudness to standard error. The program follows one track on
    the file's own clock.
    """
    program = shutil.which("ffmpeg")
    if program and info.has_plain_sound:
        yield _ffmpeg_command(program, source, info.selected_audio[0], seconds)
    yield decoder_command(source, info, seconds)


def _ffmpeg_command(program: str, source: Path, track: int, seconds: float) -> list[str]:
    import ffmpeg

    sound = ffmpeg.input(f"file:{source.absolute()}", protocol_whitelist=PROTOCOLS, format_whitelist=DEMUXERS)[
        str(track)
    ]
    for name, options in FILTERS:
        sound = sound.filter(name, **options)
    command: list[str] = (
        sound.output("pipe:1", format="s16le", t=seconds)
        .global_args("-nostdin", "-hide_banner", "-nostats", "-v", "info", "-threads", "2")
        .compile(cmd=program)
    )
    return command


class _DecoderRun:
    """A run of a decoder.

    Attributes:
        exit_code: Its exit status.
        loudness: The loudness that it measured.
        rebuilds: How often it began to measure anew, because the sound changed its channels or rate: what the ffmpeg
            program decodes then is at wrong times.
        last_line: Last line of its log: the cause, if it failed.
    """

    def __init__(self, command: list[str], timeout: float) -> None:
        self._command, self._timeout = command, timeout
        self.exit_code = self.rebuilds = 0
        self.loudness: Loudness | None = None
        self.last_line = ""

    def read_samples(self) -> Iterator[bytes]:
        """Yield the samples from its standard output; raises TransientError `audio_timeout`, `audio_stopped`."""
        timed_out = threading.Event()

        def stop() -> None:
            timed_out.set()
            process.kill()

        with subprocess.Popen(
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=child_environ(),
        ) as process:
            assert process.stdout  # noqa: S101
            assert process.stderr  # noqa: S101
            watch = threading.Timer(self._timeout, stop)
            with ThreadPoolExecutor(1) as reader:
                try:
                    watch.start()
                    summary = reader.submit(read_loudness_log, process.stderr)
                    yield from iter(partial(process.stdout.read, _BLOCK_BYTES), b"")
                except BaseException:
                    process.kill()
                    raise
                finally:
                    watch.cancel()
        if timed_out.is_set():
            raise TransientError("audio_timeout", "The audio extraction timed out. Retry the job.")
        if process.returncode < 0 and -process.returncode not in _CRASHES:
            raise TransientError("audio_stopped", "The audio extraction was interrupted. Retry the job.")
        self.exit_code = process.returncode
        self.loudness, summaries, self.last_line = summary.result()
        self.rebuilds = max(0, summaries - 1)
