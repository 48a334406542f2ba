"""What was heard, put in order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ai.speech import assign_words, is_repetitive, make_ascending, normalize_segments
from shared.languages import language_tag
from shared.models.video import Segment, Word

TIMES = st.floats(-50, 150)
WORDS = st.builds(Word, start=TIMES, end=TIMES, text=st.sampled_from(["soup", "", " salt"]))
SEGMENTS = st.builds(Segment, start=TIMES, end=TIMES, text=st.sampled_from(["Hot soup.", " "]), words=st.lists(WORDS))


@given(st.lists(SEGMENTS), st.floats(0, 100))
def test_times_are_within_the_sound_and_in_order(segments: list[Segment], duration: float) -> None:
    """Law: whatever a service says, times lie within the sound and go forwards, those of words within their segment."""
    ordered = normalize_segments(segments, duration)
    assert [one.text for one in ordered] == [one.text for one in segments if one.text.strip()]
    reached = 0.0
    for one in ordered:
        assert reached <= one.start <= one.end <= round(duration, 3)
        reached = one.start
        said = one.start
        for word in one.words:
            assert said <= word.start <= word.end <= one.end
            said = word.start


@given(st.lists(TIMES))
def test_most_numbers_are_believed(numbers: list[float]) -> None:
    """Law: the result never descends, is the same where it already did not, and is as long."""
    result = make_ascending(numbers)
    assert result == sorted(result)
    assert len(result) == len(numbers)
    assert make_ascending(sorted(numbers)) == sorted(numbers)


def test_one_wild_time_does_not_spoil_the_others() -> None:
    """A single time out of place takes its neighbour's; the others keep theirs."""
    assert make_ascending([1, 2, 90, 3, 4]) == [1, 2, 2, 3, 4]
    assert make_ascending([50, 1, 2, 0.5, 4]) == [1, 1, 2, 2, 4]


def test_good_times_stay_as_they_are() -> None:
    """What was in order is not touched."""
    segment = Segment(start=1, end=2, text="Hot soup.", words=[Word(start=1, end=1.5, text="Hot")])
    assert normalize_segments([segment], 10) == [segment]


def test_words_go_to_the_segment_they_are_said_in() -> None:
    """A word belongs where its middle is; one before the first segment belongs to that."""
    segments = [Segment(start=1, end=2, text="a b"), Segment(start=2, end=3, text="c")]
    words = [Word(start=at, end=at + 0.4, text=text) for at, text in ((0.2, "a"), (1.7, "b"), (1.9, "c"))]
    first, second = assign_words(segments, words)
    assert [word.text for word in first.words] == ["a", "b"]
    assert [word.text for word in second.words] == ["c"]
    assert assign_words([], words) == []


SPEECH = [
    "Today we make a soup of ripe tomatoes.", "First cut the onions.", "Then fry them in some oil.", "No, no, no, no!",
    "Now the tomatoes go in.", "Let it simmer.", "Salt to taste.", "Some pepper.", "A little sugar.", "Stir it.",
    "Blend it.", "Serve it hot.", "Enjoy!",
]  # fmt: skip


def test_a_model_that_is_stuck_is_found_out() -> None:
    """The same words without end are no speech; people's own repetitions are."""
    assert not is_repetitive([])
    assert not is_repetitive(SPEECH)
    assert not is_repetitive(["La la la la la la la!"] * 4 + SPEECH)
    assert is_repetitive([*SPEECH, "Thank you. " * 60])
    assert is_repetitive([*SPEECH, *["Thanks for watching!", " thanks for  watching!"] * 8])
    assert is_repetitive(["la la la", "oh oh oh"] * 6)


@pytest.mark.parametrize(
    ("told", "tag"),
    [("english", "en"), ("German", "de"), ("haitian creole", "ht"), ("javanese", "jv"), ("jw", "jv"), ("EN", "en"),
     ("pt-BR", "pt-BR"), ("zh_Hant", "zh-Hant"), ("und", None), ("", None), (None, None), ("klingonese", None),
     ("e n", None)],
)  # fmt: skip
def test_languages_get_their_tags(told: str | None, tag: str | None) -> None:
    """However a service names a language, its BCP-47 tag is stored, or none."""
    assert language_tag(told) == tag
