"""Renders the short cooking video of the demo, so that only its narration has to be shipped."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av import Packet
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.stream import Stream
from av.subtitles.stream import SubtitleStream

from infra.demo.narration import read_narration, script_starts
from infra.demo.scenes import HEIGHT, WIDTH, DemoShot, storyboard

FPS = 25
X264 = {"preset": "superfast", "crf": "23", "threads": "2", "x264-params": "mbtree=0"}
"""The encoder's output depends on the number of threads and, with mbtree, even differs between two runs."""
GAP = 0.1
"""Seconds between a cut and the subtitle of its shot."""
RATE = 24_000
"""Samples of audio per second."""


def render_video(path: Path, tick: Callable[[float], None], has_subtitles: bool = True) -> None:
    """Write an mp4 (H.264, AAC, English mov_text subtitles) to `path`; `tick` is called with the fraction done.

    Every render is the same. The folder must exist. Without subtitles, the words are in the sound only.
    """
    shots = storyboard()
    starts = script_starts()
    with av.open(str(path), "w", format="mp4", options={"movflags": "faststart", "fflags": "bitexact"}) as output:
        video = output.add_stream("libx264", rate=FPS, options=X264)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        audio = output.add_stream("aac", rate=RATE, layout="mono")
        audio.metadata["language"] = "eng"
        subtitles = add_subtitles(output) if has_subtitles else None
        output.start_encoding()

        output.mux(encode_audio(audio, starts[-1]))
        total = round(sum(shot.seconds for shot in shots) * FPS)
        number = 0
        for start, shot in zip(starts, shots, strict=False):
            if subtitles:
                output.mux(subtitle_packet(subtitles, start, shot))
            for index in range(round(shot.seconds * FPS)):
                frame = av.VideoFrame.from_ndarray(np.asarray(shot.frame(index / FPS)), format="rgb24")
                frame.pts = number
                output.mux(video.encode(frame))
                number += 1
                tick(number / total)
        output.mux(video.encode())


def encode_audio(stream: AudioStream, seconds: float) -> list[Packet[AudioStream]]:
    """Return the encoded narration, as long as the video."""
    samples = np.zeros((1, round(seconds * RATE)), np.float32)
    narration = read_narration(RATE)[: samples.size]
    samples[0, : narration.size] = narration
    frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
    frame.sample_rate, frame.pts = RATE, 0
    return [*stream.encode(frame), *stream.encode()]


def add_subtitles(output: OutputContainer) -> SubtitleStream:
    stream = output.add_stream("mov_text")
    stream.codec_context.subtitle_header = b"[Script Info]\n"
    stream.metadata["language"] = "eng"
    return stream


def subtitle_packet(stream: SubtitleStream, start: float, shot: DemoShot) -> Packet[Stream]:
    """Return a sample of a 3GPP timed text track (TS 26.245): the text's length in two bytes, then the text."""
    words = shot.narration.encode()
    packet = Packet(len(words).to_bytes(2, "big") + words)
    packet.stream, packet.time_base = stream, Fraction(1, 1000)
    packet.pts = packet.dts = round((start + GAP) * 1000)
    packet.duration = round((shot.seconds - 2 * GAP) * 1000)
    return packet
