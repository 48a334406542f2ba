"""Estimated times: text that is laid over the sound between its silences."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ai.alignment import MAX_CHARACTERS, align_text, split_text
from shared.models.video import TimeSpan


def test_sentences_end_at_the_pauses_nearby() -> None:
    """Three sentences with pauses between them have the times at which they are spoken, within a tenth of a second."""
    text = "Chop two onions. Fry them in olive oil until they are golden brown. Serve it."
    silences = [TimeSpan(start=1.6, end=2.4), TimeSpan(start=7.1, end=7.9), TimeSpan(start=9.0, end=10.0)]
    segments = align_text(text, 10, silences)
    assert [segment.text for segment in segments] == [
        "Chop two onions.",
        "Fry them in olive oil until they are golden brown.",
        "Serve it.",
    ]
    assert [segment.start for segment in segments] == pytest.approx([0, 2.4, 7.9])
    assert [segment.end for segment in segments] == pytest.approx([1.6, 7.1, 9.0])
    assert all(segment.estimated for segment in segments)


def test_nothing_is_said_in_silence() -> None:
    """Without pauses between sentences, the time before and after the speech stays free of words."""
    segments = align_text("One two. Three four.", 20, [TimeSpan(start=0, end=5), TimeSpan(start=9, end=20)])
    assert (segments[0].start, segments[-1].end) == (5, 9)


@pytest.mark.parametrize("text", ["", " \n "])
def test_no_words_have_no_times(text: str) -> None:
    """A blank text has no segments."""
    assert align_text(text, 10, []) == []


def test_text_without_punctuation_is_divided() -> None:
    """Recognized speech may have no punctuation, or no spaces; no segment takes a minute for all that."""
    for text in ("word " * 300, "字" * 1000, "a, " * 400):
        lines = split_text(text)
        assert len(lines) > 1
        assert max(map(len, lines)) <= MAX_CHARACTERS


times = st.floats(0, 60, allow_nan=False)


@given(st.text(max_size=400), st.floats(0.1, 60), st.lists(st.tuples(times, times), max_size=8))
def test_times_are_in_order_and_within_the_sound(
    text: str, duration_sec: float, bounds: list[tuple[float, float]]
) -> None:
    """Law: whatever the text and the silences, no word is lost, and the times ascend within the sound."""
    silences = [TimeSpan(start=min(pair), end=max(pair)) for pair in sorted(bounds, key=min)]
    segments = align_text(text, duration_sec, silences)
    assert "".join("".join(segment.text.split()) for segment in segments) == "".join(text.split())
    last = 0.0
    for segment in segments:
        assert last - 0.002 <= segment.start <= segment.end <= duration_sec + 0.002
        last = segment.start
