"""The pace of a video in numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.media.video.pacing import count_words, measure_pacing, text_seconds
from shared.models.media import MediaInfo
from shared.models.video import AudioTrack, Segment, Shot, TimeSpan

INFO = MediaInfo(container="mp4", size_bytes=1, duration_sec=60, has_video=True, has_audio=True)
AUDIO = AudioTrack(name="audio.flac", duration_sec=60)
SPANS = st.lists(st.tuples(st.floats(-10, 100), st.floats(0, 50)), max_size=8)


def test_a_whole_video() -> None:
    """Shots, speech, silence and text are measured as a person with a stopwatch would."""
    pacing = measure_pacing(
        INFO,
        [Shot(start=0, end=5), Shot(start=5, end=7), Shot(start=7, end=60)],
        AUDIO,
        [TimeSpan(start=0, end=6), TimeSpan(start=50, end=70)],
        [Segment(start=6, end=16, text="one two three four five"), Segment(start=12, end=26, text="six, seven-eight!")],
        [0.0, 1.0, 2.0, 3.0],
        [Segment(start=2, end=3, text="Big sale"), Segment(start=2, end=2, text="now")],
    )
    assert (pacing.shots, pacing.cuts_per_minute) == (3, 2)
    assert (pacing.mean_shot_sec, pacing.median_shot_sec, pacing.longest_shot_sec) == (20, 5, 53)
    assert (pacing.first_cut_sec, pacing.first_words_sec, pacing.first_text_sec, pacing.hook_sec) == (5, 6, 2, 2)
    assert pacing.silence_share == pytest.approx(16 / 60, abs=0.001)
    assert (pacing.words_spoken, pacing.words_per_minute) == (7, 21)
    assert pacing.text_share == pytest.approx(58 / 60, abs=0.001)
    assert pacing.text_words_per_sec == pytest.approx(3 / 58, abs=0.005)


def test_what_is_not_there_is_not_zero() -> None:
    """A video without sound, words or looks at its screen has no silence, no speech rate and no share of text."""
    pacing = measure_pacing(INFO, [Shot(start=0, end=60)], None, [], [], [], [])
    assert (pacing.shots, pacing.cuts_per_minute, pacing.hook_sec) == (1, 0, None)
    assert (pacing.silence_share, pacing.loudness, pacing.words_per_minute, pacing.text_share) == (
        None,
        None,
        None,
        None,
    )
    assert measure_pacing(INFO, [], AUDIO, [], [], [0.0, 1.0], []).text_share == 0
    assert measure_pacing(INFO, [], AUDIO, [], [], [0.0, 1.0], []).silence_share == 0


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("It's a well-known fact: 3.5 km!", 6),
        ("Положи 2 ложки муки — и готово.", 6),
        ("水をやりすぎないで", None),
        ("我有 iPhone", 2),
        ("… — !", None),
        ("", None),
    ],
)
def test_words_are_counted(text: str, count: int | None) -> None:
    """Words count as people count them; where a script has no spaces, nobody pretends to know."""
    assert count_words([text]) == count


@given(SPANS, SPANS, st.lists(st.floats(0, 60), max_size=10), st.floats(0, 60))
def test_measures_stay_within_their_bounds(
    silent: list[tuple[float, float]], spoken: list[tuple[float, float]], sample_times: list[float], duration: float
) -> None:
    """Law: shares are 0 to 1 and rates are not negative, however the spans lie and overlap."""
    pacing = measure_pacing(
        INFO.model_copy(update={"duration_sec": duration}),
        [Shot(start=0, end=duration)],
        AUDIO,
        [TimeSpan(start=start, end=start + length) for start, length in silent],
        [Segment(start=start, end=start + length, text="some words") for start, length in spoken],
        sorted(sample_times),
        [Segment(start=start, end=start + length, text="shown") for start, length in spoken],
    )
    assert pacing.silence_share is None or 0 <= pacing.silence_share <= 1
    assert pacing.text_share is None or 0 <= pacing.text_share <= 1
    assert pacing.words_per_minute is None or pacing.words_per_minute >= 0


def test_a_look_stands_for_the_time_to_the_next_one() -> None:
    """Text that two looks show is there from the first to the one after the second."""
    assert text_seconds([0, 2, 5, 9], [Segment(start=2, end=5, text="x")], 10) == 7
    assert text_seconds([], [], 10) == 0
