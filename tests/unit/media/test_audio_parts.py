"""Cutting a sound into parts that are to be listened to."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.media.audio import parts as audio_parts
from shared.media.audio.parts import OVERLAP_SEC, SKIPPED_SEC, plan_parts, split_audio
from shared.media.probe import probe
from shared.models.video import TimeSpan

RATE = 16_000


def spans(parts: Sequence[TimeSpan]) -> list[tuple[float, float]]:
    return [(part.start, part.end) for part in parts]


def flac(path: Path, samples: np.ndarray) -> Path:
    with av.open(str(path), "w") as file:
        stream = file.add_stream("flac", rate=RATE, format="s16", layout="mono")
        frame = av.AudioFrame.from_ndarray(samples[None, :], format="s16", layout="mono")
        frame.sample_rate = RATE
        file.mux([*stream.encode(frame), *stream.encode()])
    return path


def samples_of(path: Path) -> np.ndarray:
    with av.open(str(path)) as file:
        return np.concatenate([frame.to_ndarray()[0] for frame in file.decode(audio=0)])


def noise(seconds: float) -> np.ndarray:
    """The worst for FLAC: it cannot be made smaller."""
    return np.random.default_rng(1).integers(-32_768, 32_767, round(seconds * RATE)).astype(np.int16)


def test_a_short_sound_is_its_own_part(tmp_path: Path) -> None:
    """What fits into one request is not copied."""
    whole = flac(tmp_path / "audio.flac", noise(2))
    parts = split_audio(whole, [TimeSpan(start=0, end=0.5)], 2, tmp_path, lambda done: None)
    assert [(part.name, part.start, part.end) for part in parts] == [("audio.flac", 0, 2)]
    assert [path.name for path in tmp_path.iterdir()] == ["audio.flac"]


def test_of_silence_there_is_nothing_to_listen_to(tmp_path: Path) -> None:
    """A silent video costs no request."""
    whole = flac(tmp_path / "audio.flac", np.zeros(2 * RATE, np.int16))
    assert split_audio(whole, [TimeSpan(start=0, end=2)], 2, tmp_path, lambda done: None) == []


def test_parts_hold_their_stretch_to_the_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A word at 1 s of a part is said 1 s after the part's start, exactly; the parts are FLAC, mono, 16 kHz."""
    monkeypatch.setattr(audio_parts, "MAX_PART_SEC", 8)
    signal = noise(30)
    whole = flac(tmp_path / "audio.flac", signal)
    progress: list[float] = []
    silences = [TimeSpan(start=7.1, end=7.717), TimeSpan(start=13, end=23.456)]
    parts = split_audio(whole, silences, 30, tmp_path, progress.append)
    assert [(part.name, part.start, part.end) for part in parts] == [
        ("audio/000.flac", 0, 7.409),
        ("audio/001.flac", 7.409, 13.5),
        ("audio/002.flac", 22.956, 30),
    ]
    for part in parts:
        info = probe(tmp_path / part.name)
        assert (info.audio_codec, info.sample_rate, info.channels) == ("flac", RATE, 1)
        assert info.duration_sec == pytest.approx(part.end - part.start, abs=0.001)
        expected = signal[round(part.start * RATE) : round(part.end * RATE)]
        assert np.array_equal(samples_of(tmp_path / part.name), expected)
    assert progress == sorted(progress)
    assert progress[-1] == 1


def test_no_part_is_larger_than_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit of bytes holds for sound that nothing can make smaller, too."""
    monkeypatch.setattr(audio_parts, "MAX_PART_BYTES", 100_000)
    whole = flac(tmp_path / "audio.flac", noise(20))
    parts = split_audio(whole, [], 20, tmp_path, lambda done: None)
    sizes = [(tmp_path / part.name).stat().st_size for part in parts]
    assert max(sizes) <= 100_000
    assert max(sizes) > 70_000
    assert parts[-1].end == 20


def test_a_long_sound_is_cut_in_its_longest_pause_near_the_limit() -> None:
    """Nobody is cut short: of the pauses at the end of what is allowed, the longest is taken, in its middle."""
    silences = [
        TimeSpan(start=100, end=108),
        TimeSpan(start=250, end=250.5),
        TimeSpan(start=270, end=272),
        TimeSpan(start=290, end=291),
    ]
    assert spans(plan_parts(silences, 400, 300)) == [(0, 271), (271, 400)]


def test_without_a_pause_both_parts_hold_what_is_said_at_the_cut() -> None:
    """Music or a noisy street: the next part begins some seconds earlier."""
    assert spans(plan_parts([], 700, 300)) == [(0, 300), (295, 595), (590, 700)]


def test_silent_stretches_are_not_listened_to() -> None:
    """An hour of an empty room between two sentences costs nothing, nor does what is before and after all sound."""
    silences = [TimeSpan(start=0, end=4), TimeSpan(start=20, end=3600), TimeSpan(start=3610, end=3613)]
    assert spans(plan_parts(silences, 3613, 300)) == [(3.5, 20.5), (3599.5, 3610.5)]


@st.composite
def programmes(draw: st.DrawFn) -> tuple[list[TimeSpan], float]:
    """Silences of 0.3 to 60 s with at least 0.1 s of sound between them, and the duration."""
    silences, time = [], draw(st.sampled_from([0, 100]))
    for _ in range(draw(st.integers(0, 30))):
        length = draw(st.integers(300, 60_000))
        silences.append(TimeSpan(start=time / 1000, end=(time + length) / 1000))
        time += length + draw(st.integers(100, 200_000))
    return silences, (draw(st.sampled_from([time, time + 500])) or 500) / 1000


@given(programmes(), st.integers(60, 300))
def test_all_sound_is_in_the_parts_and_no_part_is_silence(
    programme: tuple[list[TimeSpan], float], longest: int
) -> None:
    """For any sound: nothing heard is left out, no part is too long or silent, neighbours overlap at hard cuts only."""
    silences, duration = programme
    parts = plan_parts(silences, duration, longest)
    for part in parts:
        assert 0 <= part.start < part.end <= duration
        assert part.end - part.start <= longest + 0.001
        assert not any(silence.start <= part.start and part.end <= silence.end for silence in silences)
    edges = [0.0, *(edge for silence in silences for edge in (silence.start, silence.end)), duration]
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        time = start
        for part in parts:
            if part.start <= time + 0.001:
                time = max(time, part.end)
        assert time >= end - 0.001
    for before, after in pairwise(parts):
        overlap = before.end - after.start
        assert overlap <= 0 or overlap == pytest.approx(OVERLAP_SEC, abs=0.002)
        assert before.start < after.start
        assert before.end < after.end
    for silence in silences:
        if silence.end - silence.start >= SKIPPED_SEC:
            middle = (silence.start + silence.end) / 2
            assert not any(part.start <= middle <= part.end for part in parts)
