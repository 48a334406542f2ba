"""Renders the short cooking video of the demo, so that no video has to be shipped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av import Packet
from av.audio.stream import AudioStream
from av.stream import Stream
from av.subtitles.stream import SubtitleStream

from infra.demo.scenes import HEIGHT, WIDTH, DemoShot, storyboard
from infra.demo.sound import RATE, soundtrack

FPS = 25
X264 = {"preset": "superfast", "crf": "23", "threads": "2", "x264-params": "mbtree=0"}
"""The encoder's choices depend on the number of threads and, with mbtree, even differ between two runs."""
GAP = 0.1
"""Seconds between a cut and the words of its shot."""


def render_video(path: Path, tick: Callable[[float], None]) -> None:
    """Write an mp4 (H.264, AAC, English mov_text subtitles) to `path`; `tick` is told the fraction done.

    Pictures and tones are the same at each render. The folder must exist.
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
    """The whole sound, encoded."""
    cues = [(start + GAP, shot.narration) for start, shot in zip(starts, shots, strict=True)]
    samples = soundtrack(cues, starts[-1] + shots[-1].seconds)
    frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="fltp", layout="mono")
    frame.sample_rate, frame.pts = RATE, 0
    return [*stream.encode(frame), *stream.encode()]


def subtitle_packet(stream: SubtitleStream, start: float, shot: DemoShot) -> Packet[Stream]:
    """One sample of a 3GPP timed text track (TS 26.245): the length in two bytes, then the words."""
    words = shot.narration.encode()
    packet = Packet(len(words).to_bytes(2, "big") + words)
    packet.stream, packet.time_base = stream, Fraction(1, 1000)
    packet.pts = packet.dts = round((start + GAP) * 1000)
    packet.duration = round((shot.seconds - 2 * GAP) * 1000)
    return packet
