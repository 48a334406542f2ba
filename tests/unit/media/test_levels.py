"""Where a sound has nothing to hear."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from shared.media.audio.decoder import SAMPLE_RATE
from shared.media.audio.levels import AudioLevels
from tests.sound_samples import SOUND_RATE, speech

TALK = [(0.5, 4.0), (6.0, 9.0), (9.6, 12.0)]
PAUSES = [(0, 0.5), (4, 6), (9, 9.6), (12, 14)]


def silences(samples: np.ndarray) -> list[tuple[float, float]]:
    pcm = np.clip(samples[:: SOUND_RATE // SAMPLE_RATE] * 32_768, -32_768, 32_767).astype("<i2").tobytes()
    levels = AudioLevels()
    for start in range(0, len(pcm), 64_000):
        levels.add_samples(pcm[start : start + 64_000])
    return [(silence.start, silence.end) for silence in levels.silences()]


def assert_pauses(detected: Sequence[tuple[float, float]], pauses: Sequence[tuple[float, float]]) -> None:
    assert len(detected) == len(pauses)
    for one, other in zip(detected, pauses, strict=True):
        assert one == pytest.approx(other, abs=0.13)  # a syllable begins and ends softly


@pytest.mark.parametrize("level", [-6, -20, -40, -55])
def test_pauses_are_found_however_loud_the_recording_is(level: float) -> None:
    """A quiet recording is not taken for silence, a loud one not for sound throughout."""
    assert_pauses(silences(speech(TALK, 14, level_db=level)), PAUSES)


@pytest.mark.parametrize("below", [18, 25, 35, 50])
def test_the_noise_of_a_room_does_not_hide_pauses(below: float) -> None:
    """Hiss at 18 dB and more below the voice leaves the pauses what they are."""
    assert_pauses(silences(speech(TALK, 14, level_db=-20, noise_db=-20 - below)), PAUSES)


def test_words_in_noise_are_never_taken_for_silence() -> None:
    """Where the noise is nearly as loud as the voice, nothing is left out: one hears better than a level meter."""
    assert silences(speech(TALK, 14, level_db=-20, noise_db=-28)) == []


def test_someone_who_speaks_softly_is_heard() -> None:
    """A guest 24 dB below the host is speech, not a pause."""
    talk = speech([(0, 5), (10, 15)], 15, noise_db=-70) + speech([(5.5, 9.5)], 15, level_db=-44)
    assert all(end - start < 0.8 for start, end in silences(talk))


def test_steady_music_is_no_silence() -> None:
    """What goes on at one level is not its own background."""
    assert silences(0.05 * np.sin(2 * np.pi * 440 * np.arange(10 * SOUND_RATE) / SOUND_RATE)) == []


def test_a_click_does_not_break_a_silence_nor_an_offset_hide_it() -> None:
    """A mouse click, or a cheap card's direct current, is nothing to listen to."""
    samples = speech([(0, 3), (8, 10)], 10) + 0.05
    samples[5 * SOUND_RATE : 5 * SOUND_RATE + 500] += 0.5
    assert_pauses(silences(samples), [(3, 8)])


def test_of_nothing_nothing_is_found() -> None:
    """A sound track without samples, or with fewer than can be measured, does no harm."""
    assert silences(np.zeros(0)) == []
    assert silences(np.ones(90) * 0.5) == []


def test_the_curve_follows_the_sound() -> None:
    """A chart of loudness rises where the sound does, has one value per interval, and ends at -70 dB for silence."""
    levels = AudioLevels()
    for amplitude in (0.5, 0.05, 0):
        tone = amplitude * np.sin(np.arange(4 * SAMPLE_RATE) * 0.3)
        levels.add_samples((tone * 32_767).astype("<i2").tobytes())
    curve = levels.curve()
    assert len(curve) == 120
    assert curve[10] == pytest.approx(-9.03, abs=0.1)
    assert curve[60] == pytest.approx(-29.03, abs=0.1)
    assert curve[110] == -70
    assert AudioLevels().curve() == []
