"""Extract the audio of a video for speech recognition, and measure silences and loudness in the same pass."""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from shared.child_process import child_environ
from shared.errors import PROGRAMMING_ERRORS, PermanentError, TransientError
from shared.media.audio.decoder import FILTERS, decoder_command
from shared.media.audio.levels import SAMPLE_RATE, AudioLevels, read_loudness_log
from shared.media.container import DEMUXERS, PROTOCOLS
from shared.media.probe import probe
from shared.models.video import AudioTrack, Loudness, MediaInfo, TimeSpan

log = logging.getLogger(__name__)
_LEAST_TIMEOUT_SEC = 60
_BLOCK_BYTES = SAMPLE_RATE * 2 * 10


@dataclass(frozen=True)
class _DecoderResult:
    """Exit status and log of a decoder."""

    exit_code: int
    loudness: Loudness | None
    last_line: str
    """Last line of its log: the cause, if it failed."""


def extract_audio(
    path: Path, out: Path, info: MediaInfo, tick: Callable[[float], None] = lambda done: None
) -> tuple[AudioTrack, list[TimeSpan]] | None:
    """Write the first audio track of `path` to `out` as FLAC, mono, 16 kHz, 16 bits; return None if there is none.

    Also returns its silences (see `shared.media.audio.levels`) and the loudness of its original channels, all from one
    decoding. Silence fills gaps and a late start, so times in the audio equal times in the video. `tick` receives the
    fraction done; an exception from it stops the work.

    The ffmpeg program on the PATH decodes the audio. Without one, or if it extracts nothing, the libraries inside PyAV
    do (see `shared.media.audio.decoder`).

    Raises:
        PermanentError: `audio_unreadable` when no audio can be decoded.
        TransientError: `audio_timeout` after 60 s plus the video's duration; `audio_stopped` when a signal ended the
            decoder.
    """
    if not info.has_audio:
        return None
    timeout = _LEAST_TIMEOUT_SEC + info.duration_sec
    for command in _decoder_commands(path, out, info.duration_sec + 1):
        levels = AudioLevels()

        def receive(pcm: bytes, levels: AudioLevels = levels) -> None:
            levels.add_samples(pcm)
            tick(min(1.0, levels.samples / SAMPLE_RATE / (info.duration_sec or 1)))

        run = _run_decoder(command, timeout, receive)
        if levels.samples:
            break
        log.warning("no sound came out of %s: %s", command[0], run.last_line)
    if run.exit_code and command[0] == sys.executable:
        raise _decoder_error(run.last_line)
    unreadable = PermanentError(
        "audio_unreadable", "The audio of the video cannot be decoded. Send it in another format."
    )
    if not out.exists():
        raise unreadable
    try:
        duration_sec = probe(out).duration_sec
    except PermanentError:
        raise unreadable from None
    track = AudioTrack(name=out.name, duration_sec=duration_sec, loudness=run.loudness, levels=levels.curve())
    return track, levels.silences()


def _decoder_error(last_line: str) -> Exception:
    """Return the error of a failed Python decoder by the last line of its traceback; keeps programming errors."""
    name = last_line.partition(":")[0]
    kind = next((kind for kind in PROGRAMMING_ERRORS if kind.__name__ == name), RuntimeError)
    return kind(f"The audio decoder failed: {last_line}")


def _decoder_commands(source: Path, target: Path, seconds: float) -> Iterator[list[str]]:
    """Yield the commands to try, in order, each for at most `seconds` of a file.

    Each writes FLAC to `target`, the raw samples to standard output, and the loudness to standard error.
    """
    program = shutil.which("ffmpeg")
    if program:
        yield _ffmpeg_command(program, source, target, seconds)
    yield decoder_command(source, target, seconds)


def _ffmpeg_command(program: str, source: Path, target: Path, seconds: float) -> list[str]:
    import ffmpeg

    sound = ffmpeg.input(f"file:{source.absolute()}", protocol_whitelist=PROTOCOLS, format_whitelist=DEMUXERS)["a:0"]
    for name, options in FILTERS:
        sound = sound.filter(name, **options)
    copies = sound.filter_multi_output("asplit")
    command: list[str] = (
        ffmpeg.merge_outputs(
            copies.stream(0).output(f"file:{target.absolute()}", format="flac", t=seconds, map_metadata=-1),
            copies.stream(1).output("pipe:1", format="s16le", t=seconds),
        )
        .global_args("-nostdin", "-hide_banner", "-nostats", "-v", "info", "-threads", "2")
        .compile(cmd=program, overwrite_output=True)
    )
    return command


def _run_decoder(command: list[str], timeout: float, receive: Callable[[bytes], None]) -> _DecoderResult:
    """Run a decoder, and pass the samples from its standard output to `receive`."""
    timed_out = threading.Event()

    def stop() -> None:
        timed_out.set()
        process.kill()

    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=child_environ(),
    ) as process:
        assert process.stdout  # noqa: S101
        assert process.stderr  # noqa: S101
        watch = threading.Timer(timeout, stop)
        with ThreadPoolExecutor(1) as reader:
            try:
                watch.start()
                summary = reader.submit(read_loudness_log, process.stderr)
                for pcm in iter(partial(process.stdout.read, _BLOCK_BYTES), b""):
                    receive(pcm)
            except BaseException:
                process.kill()
                raise
            finally:
                watch.cancel()
    if timed_out.is_set():
        raise TransientError("audio_timeout", "The audio extraction timed out. Retry the job.")
    if process.returncode < 0:
        raise TransientError("audio_stopped", "The audio extraction was interrupted. Retry the job.")
    loudness, last_line = summary.result()
    return _DecoderResult(process.returncode, loudness, last_line)
