"""Renders the short cooking video of the demo with its sound, so that no video has to be shipped."""

from __future__ import annotations

import io
import shutil
import subprocess
import wave
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av import Packet
from av.audio.stream import AudioStream
from av.stream import Stream
from av.subtitles.stream import SubtitleStream
from numpy.typing import NDArray

from infra.demo.scenes import HEIGHT, WIDTH, DemoShot, storyboard

FPS = 25
X264 = {"preset": "superfast", "crf": "23", "threads": "2", "x264-params": "mbtree=0"}
"""The encoder's output depends on the number of threads and, with mbtree, even differs between two runs."""
GAP = 0.1
"""Seconds between a cut and the narration of its shot."""
RATE = 22_050
"""Samples per second, as in espeak-ng's output."""
Samples = NDArray[np.float32]
"""Mono, -1 to 1."""
CHORDS = ((261.63, 329.63, 392.00), (220.00, 261.63, 329.63), (174.61, 220.00, 261.63), (196.00, 246.94, 293.66))
"""C, A minor, F and G, in Hz."""


def render_video(path: Path, tick: Callable[[float], None]) -> None:
    """Write an mp4 (H.264, AAC, English mov_text subtitles) to `path`; `tick` is called with the fraction done.

    Pictures and tones are the same in every render. The folder must exist.
    """
    shots = storyboard()
    starts = [sum(shot.seconds for shot in shots[:number]) for number in range(len(shots))]
    with av.open(str(path), "w", format="mp4", options={"movflags": "faststart", "fflags": "bitexact"}) as output:
        video = output.add_stream("libx264", rate=FPS, options=X264)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        audio = output.add_stream("aac", rate=RATE, layout="mono")
        subtitles = output.add_stream("mov_text")
        subtitles.codec_context.subtitle_header = b"[Script Info]\n"
        for stream in (audio, subtitles):
            stream.metadata["language"] = "eng"
        output.start_encoding()

        output.mux(encode_audio(audio, starts, shots))
        total = round(sum(shot.seconds for shot in shots) * FPS)
        number = 0
        for start, shot in zip(starts, shots, strict=True):
            output.mux(subtitle_packet(subtitles, start, shot))
            for index in range(round(shot.seconds * FPS)):
                frame = av.VideoFrame.from_ndarray(np.asarray(shot.frame(index / FPS)), format="rgb24")
                frame.pts = number
                output.mux(video.encode(frame))
                number += 1
                tick(number / total)
        output.mux(video.encode())


def encode_audio(stream: AudioStream, starts: Sequence[float], shots: Sequence[DemoShot]) -> list[Packet[AudioStream]]:
    """Return the encoded soundtrack."""
    cues = [(start + GAP, shot.narration) for start, shot in zip(starts, shots, strict=True)]
    samples = soundtrack(cues, starts[-1] + shots[-1].seconds)
    frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="fltp", layout="mono")
    frame.sample_rate, frame.pts = RATE, 0
    return [*stream.encode(frame), *stream.encode()]


def subtitle_packet(stream: SubtitleStream, start: float, shot: DemoShot) -> Packet[Stream]:
    """Return a sample of a 3GPP timed text track (TS 26.245): the text's length in two bytes, then the text."""
    words = shot.narration.encode()
    packet = Packet(len(words).to_bytes(2, "big") + words)
    packet.stream, packet.time_base = stream, Fraction(1, 1000)
    packet.pts = packet.dts = round((start + GAP) * 1000)
    packet.duration = round((shot.seconds - 2 * GAP) * 1000)
    return packet


def soundtrack(cues: Sequence[tuple[float, str]], seconds: float) -> Samples:
    """Return audio of this duration: the cues spoken by espeak-ng if it is installed, else tones.

    A cue is a time and its words.
    """
    speaker = shutil.which("espeak-ng")
    return narration(speaker, cues, seconds) if speaker else tone_bed(seconds)


def narration(speaker: str, cues: Sequence[tuple[float, str]], seconds: float) -> Samples:
    """Speak the cues in order; a cue waits until the previous one has ended."""
    track = np.zeros(round(seconds * RATE), np.float32)
    free = 0
    for time, words in cues:
        command = [speaker, "-v", "en", "-s", "190", "--stdout", words]
        speech = subprocess.run(command, check=True, capture_output=True, timeout=30).stdout
        with wave.open(io.BytesIO(speech)) as recording:
            # The header of a file written to a pipe has no valid length.
            samples = np.frombuffer(recording.readframes(recording.getnframes()), np.int16).astype(np.float32) / 32_768
        start = max(free, round(time * RATE))
        room = track[start : start + samples.size]
        room[:] = samples[: room.size]
        free = start + samples.size
    return track


def tone_bed(seconds: float) -> Samples:
    """Return slow chords that swell and fade, two seconds each."""
    time = np.arange(round(seconds * RATE)) / RATE
    bar = (time / 2).astype(int) % len(CHORDS)
    swell = np.sin(np.pi * (time % 2) / 2) ** 2
    notes = np.sin(2 * np.pi * np.array(CHORDS)[bar].T * time).sum(axis=0)
    bed: Samples = (0.06 * swell * notes).astype(np.float32)
    return bed
