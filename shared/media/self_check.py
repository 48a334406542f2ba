"""Check on a two-frame clip that each step of `extract` works.

A missing or mismatched library would otherwise surface only with a user's file. Each library is imported only when it
is checked, so that a missing one is reported.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.models.media import MediaInfo

LIBRARIES = {"numpy": "NumPy", "av": "PyAV", "cv2": "OpenCV"}
ADVICE = (
    "install the required versions: run `pip install 'clipwise[embedded]'`, or `make demo` in a clone of the repository"
)
_FPS, _FRAMES = 5, 2
_SECONDS = _FRAMES / _FPS
_WIDTH, _HEIGHT = 64, 48
_RATE = 16_000
_WORDS = "Stir the soup."


@dataclass(frozen=True)
class Fault:
    """A step of media processing that fails on this machine.

    Attributes:
        part: The step, e.g. "reading a video".
        reason: The error, in a sentence.
        advice: How to fix it.
    """

    part: str
    reason: str
    advice: str = ADVICE

    def __str__(self) -> str:
        return f"{self.part} does not work: {self.reason}"


def find_faults() -> list[Fault]:
    """Make a clip and run each step of `extract` on it; return the failures."""
    faults: list[Fault] = []

    @contextmanager
    def record_fault(part: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            faults.append(Fault(part, f"{type(error).__name__}: {error}".removesuffix(".")))

    for module, name in LIBRARIES.items():
        with record_fault(f"loading {name}"):
            import_module(module)
    if faults:
        return faults
    with TemporaryDirectory(prefix="clipwise-check-", ignore_cleanup_errors=True) as folder:
        clip, out = Path(folder) / "clip.mp4", Path(folder) / "media"
        out.mkdir()
        with record_fault("writing a video"):
            make_clip(clip)
        info = None
        if not faults:
            with record_fault("reading a video"):
                info = check_probe(clip)
        if info:
            with record_fault("extracting frames from a video"):
                check_frames(clip, info, out)
            with record_fault("extracting audio from a video"):
                check_audio(clip, info, out)
            with record_fault("reading subtitles"):
                check_subtitles(clip, info)
    return faults


def make_clip(path: Path) -> None:
    """Write a clip of two pictures, a tone and a subtitle, with encoders that every FFmpeg build has."""
    from fractions import Fraction

    import av
    import numpy as np

    with av.open(str(path), "w", format="mp4") as output:
        video = output.add_stream("mpeg4", rate=_FPS)
        video.width, video.height, video.pix_fmt = _WIDTH, _HEIGHT, "yuv420p"
        audio = output.add_stream("aac", rate=_RATE, layout="mono")
        subtitles = output.add_stream("mov_text")
        subtitles.codec_context.subtitle_header = b"[Script Info]\n"
        output.start_encoding()

        for number in range(_FRAMES):
            picture = np.full((_HEIGHT, _WIDTH, 3), 200 * number, np.uint8)
            picture[:, : _WIDTH // 2] = 90
            output.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        output.mux(video.encode())

        tone = np.sin(np.arange(round(_SECONDS * _RATE)) * 2 * np.pi * 440 / _RATE, dtype=np.float32) / 2
        sound = av.AudioFrame.from_ndarray(tone.reshape(1, -1), format="fltp", layout="mono")
        sound.sample_rate, sound.pts = _RATE, 0
        output.mux([*audio.encode(sound), *audio.encode()])

        words = av.Packet(len(_WORDS).to_bytes(2, "big") + _WORDS.encode())
        words.stream, words.time_base = subtitles, Fraction(1, 1000)
        words.pts = words.dts = 0
        words.duration = round(_SECONDS * 1000)
        output.mux(words)


def check_probe(clip: Path) -> MediaInfo:
    from shared.media.probe import probe

    info = probe(clip)
    expect_equal((info.width, info.height, info.has_audio, len(info.subtitles)), (_WIDTH, _HEIGHT, True, 1))
    return info


def check_frames(clip: Path, info: MediaInfo, out: Path) -> None:
    from shared.media.video.extraction import extract_frames

    pictures = extract_frames(clip, info, out, samples=True, tick=ignore_progress)
    expect_equal((bool(pictures.thumbnail), bool(pictures.frames), bool(pictures.samples)), (True, True, True))


def check_audio(clip: Path, info: MediaInfo, out: Path) -> None:
    from shared.media.audio.extraction import extract_audio
    from shared.media.audio.parts import split_audio

    sound = extract_audio(clip, out / "audio.flac", info, ignore_progress)
    expect_equal(sound is not None, True)
    if sound:
        track, silences = sound
        expect_equal(len(split_audio(out / track.name, silences, track.duration_sec, out, ignore_progress)), 1)


def check_subtitles(clip: Path, info: MediaInfo) -> None:
    from shared.media.subtitles import read_subtitles

    expect_equal([segment.text for track in info.subtitles for segment in read_subtitles(clip, track)], [_WORDS])


def ignore_progress(done: float) -> None:
    """Do nothing: no progress is reported."""


def expect_equal(actual: object, expected: object) -> None:
    if actual != expected:
        raise ValueError(f"{actual} came out where {expected} was in the clip")


def library_versions() -> str:
    """Return the libraries that load, e.g. "NumPy 2.4.6, PyAV 18.1.0 (FFmpeg 8.1.2: …), OpenCV 5.0.0"."""
    names = []
    for module, name in LIBRARIES.items():
        with suppress(Exception):
            library = import_module(module)
            names.append(f"{name} {library.__version__}" + (f" ({ffmpeg_versions()})" if module == "av" else ""))
    return ", ".join(names)


def ffmpeg_versions() -> str:
    """Return the versions of the FFmpeg libraries inside PyAV, not of the ffmpeg program."""
    import av

    libraries = (f"{name} {'.'.join(map(str, number))}" for name, number in sorted(av.library_versions.items()))
    return f"FFmpeg {av.ffmpeg_version_info}: {', '.join(libraries)}"
