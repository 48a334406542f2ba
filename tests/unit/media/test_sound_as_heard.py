"""Sound that a plain mix or a single decoder would lose."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from shared.media.audio.extraction import extract_audio
from shared.media.audio.mono import mix_to_mono
from shared.media.probe import probe
from tests.media_samples import ffmpeg as render
from tests.media_samples import written
from tests.sound_samples import sound, speech

RATE = 16_000
Samples = np.ndarray[Any, Any]


def extracted(path: Path, out: Path) -> Samples:
    """The samples of the extracted audio, from −1 to 1."""
    assert extract_audio(path, out / "audio.flac", probe(path)) is not None
    with av.open(str(out / "audio.flac")) as container:
        return np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)]) / 32768


def level(samples: Samples) -> float:
    return float(10 * np.log10(np.mean(samples**2) + 1e-12))


def tone(frequency: float, samples: Samples) -> float:
    """Level of a sine of this frequency in decibels of full scale."""
    time = np.arange(len(samples)) / RATE
    return float(20 * np.log10(2 * abs(np.mean(samples * np.exp(-2j * np.pi * frequency * time))) + 1e-9))


@pytest.mark.parametrize(
    ("suffix", "mix", "expected"),
    [
        ("flac", "stereo|c0=c0|c1=-1*c0", -20),
        ("mp3", "stereo|c0=c0|c1=-1*c0", -20),
        ("m4a", "stereo|c0=c0|c1=-0.6*c0", -20),
        ("flac", "5.1|FL=c0|FR=-1*c0", -27.7),  # the mix of six channels leaves room for all of them
    ],
)
def test_a_voice_in_opposite_phase_is_heard(tmp_path: Path, suffix: str, mix: str, expected: float) -> None:
    """A microphone wired the wrong way is as loud in the extracted audio as it is for a listener."""
    voice = sound(tmp_path / "voice.wav", speech([(0, 4)], 4))
    path = render(tmp_path / f"opposite.{suffix}", "-i", voice, "-af", f"pan={mix}")
    assert level(extracted(path, tmp_path)) == pytest.approx(expected, abs=1.5)


def test_the_mean_is_kept_where_nothing_cancels() -> None:
    """Equal channels come out unchanged to the bit, and independent or one-sided sound as their mean."""
    rng = np.random.default_rng(1)
    left, right = (rng.normal(0, 3000, 4 * RATE).astype("<i2") for _ in range(2))
    for pair in ((left, left), (left, right), (left, 0 * left)):
        mixed = mix_to_mono(np.stack(pair, 1).tobytes())
        assert np.abs(mixed - (pair[0] / 2 + pair[1] / 2)).max() <= 1


def test_a_voice_in_opposite_phase_survives_over_music() -> None:
    """A voice that only one side has with the right sign is heard over quieter music that both sides have."""
    time = np.arange(4 * RATE) / RATE
    voice, music = 0.3 * np.sin(2 * np.pi * 300 * time), 0.12 * np.sin(2 * np.pi * 1000 * time)
    mixed = mix_to_mono((np.stack([voice + music, music - voice], 1) * 32767).astype("<i2").tobytes()) / 32768
    assert tone(300, mixed) == pytest.approx(20 * np.log10(0.3), abs=1)
    assert tone(1000, mixed) == pytest.approx(20 * np.log10(0.12), abs=1)


def test_phase_may_change_in_the_middle() -> None:
    """Where one channel flips its sign, no moment is lost and nothing clicks."""
    time = np.arange(4 * RATE) / RATE
    voice = 0.3 * np.sin(2 * np.pi * 300 * time)
    right = np.where(time < 2, voice, -voice)
    mixed = mix_to_mono((np.stack([voice, right], 1) * 32767).astype("<i2").tobytes()) / 32768
    levels = [level(mixed[at : at + RATE // 5]) for at in range(0, len(mixed), RATE // 5)]
    assert min(levels) > max(levels) - 5
    assert np.abs(np.diff(mixed)).max() < 1.2 * 0.3 * 2 * np.pi * 300 / RATE


FORMS = {
    "channels": (["-c:a", "aac", "-ac", "1"], ["-c:a", "aac", "-ac", "2"]),
    "rate": (["-c:a", "aac", "-ar", "48000"], ["-c:a", "aac", "-ar", "22050"]),
    "layout": (["-c:a", "ac3", "-ac", "2"], ["-c:a", "ac3", "-ac", "6"]),
    "codec": (["-c:a", "aac"], ["-c:a", "ac3"]),
    "codec and rate": (["-c:a", "ac3", "-ar", "48000"], ["-c:a", "mp2", "-ar", "44100"]),
    "number": (["-c:a", "aac"], ["-c:a", "aac", "-streamid", "0:300"]),
}


@pytest.mark.parametrize("offset", [0, 2])
@pytest.mark.parametrize("name", FORMS)
def test_a_change_in_the_middle_loses_and_adds_nothing(tmp_path: Path, name: str, offset: int) -> None:
    """Where a broadcast changes its sound, both halves come out at their times, also if its clock starts again."""
    halves = []
    for number, form in enumerate(FORMS[name]):
        sine = ("-f", "lavfi", "-i", f"sine=frequency={440 * (number + 1)}:duration=2")
        at = ("-muxdelay", "0", "-output_ts_offset", str(offset * number))
        halves.append(render(tmp_path / f"{number}.ts", *sine, *form, *at))
    path = written(tmp_path / "joined.ts", b"".join(half.read_bytes() for half in halves))
    samples = extracted(path, tmp_path)
    assert len(samples) / RATE == pytest.approx(4, abs=0.15)
    for second, frequency in ((0.2, 440), (1, 440), (2.4, 880), (3, 880)):
        part = samples[int(second * RATE) : int((second + 0.75) * RATE)]
        assert np.abs(np.fft.rfft(part)).argmax() / 0.75 == pytest.approx(frequency, abs=3)
    loud = np.convolve(np.abs(samples), np.ones(800) / 800, "same")[2000:-4000] > 0.01
    assert np.mean(loud) > 0.97


def test_chained_recordings_of_other_forms_are_whole(tmp_path: Path) -> None:
    """An MP3 that goes on at another rate and in stereo keeps its second half."""
    halves = [
        render(tmp_path / f"{n}.mp3", "-f", "lavfi", "-i", f"sine=frequency={440 * (n + 1)}:duration=2", *form)
        for n, form in enumerate((["-ar", "24000"], ["-ar", "44100", "-ac", "2"]))
    ]
    samples = extracted(written(tmp_path / "joined.mp3", b"".join(h.read_bytes() for h in halves)), tmp_path)
    assert len(samples) / RATE == pytest.approx(4, abs=0.2)
    assert np.abs(np.fft.rfft(samples[int(2.5 * RATE) : int(3.5 * RATE)])).argmax() == pytest.approx(880, abs=3)
