"""Subtitles that people can read: within the limits of the field's practice, broken where a sentence allows it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.exports.markup import plain_text
from shared.exports.subtitle_cues import MAX_SEC, MIN_SEC, Cue, SubtitleLayout, make_cues
from shared.exports.subtitle_words import text_width
from shared.models.video import Segment, Word

STANDARD = SubtitleLayout()
MARK = "\u200f"
TALK = (
    "Hello and welcome back to the kitchen, today we are going to bake a really simple bread with only three "
    "ingredients that everybody has at home. You will need flour, water and a little bit of salt, and of course some "
    "patience because it takes about a day. Really? Yes."
)


def spoken(text: str, start: float = 0.5, speaker: str | None = None, pace: float = 1.0) -> Segment:
    """A segment whose words have times: longer words take longer, and sentences end in pauses."""
    words, time = [], start
    for word in text.split():
        end = time + pace * (0.15 + 0.04 * len(word))
        words.append(Word(start=round(time, 3), end=round(end, 3), text=f" {word}"))
        time = end + (0.35 if word[-1] in ".?!" else 0.02)
    return Segment(start=start, end=words[-1].end, text=text, words=words, speaker=speaker)


def letters(text: str) -> str:
    return "".join(text.replace(MARK, "").split())


def check_limits(cues: list[Cue], columns: int, max_lines: int) -> None:
    for cue in cues:
        assert 0 < cue.end - cue.start <= MAX_SEC + 1e-6
        assert 1 <= len(cue.lines) <= max_lines
        assert all(line and text_width(line) <= columns for line in cue.lines)
    for before, after in pairwise(cues):
        assert before.end <= after.start


def test_speech_is_broken_where_it_may_be() -> None:
    """Subtitles end with sentences and clauses; lines begin with the words that belong to what follows."""
    cues = make_cues([spoken(TALK)], STANDARD, "en")
    check_limits(cues, 42, 2)
    ends = [cue.lines[-1].split()[-1] for cue in cues]
    assert sum(end[-1] in ".,?" for end in ends) >= len(ends) - 1
    last_words = [line.split()[-1] for cue in cues for line in cue.lines[:-1]]
    assert not {"the", "a", "of", "to", "and", "with", "you"} & set(last_words)
    assert "Yes." not in [" ".join(cue.lines) for cue in cues]  # no word is left alone
    assert all(cue.end - cue.start >= MIN_SEC for cue in cues)


def test_slow_reading_is_given_the_silence_after_it() -> None:
    """Fast speech stays as long as the reader needs, if nobody speaks next."""
    (cue,) = make_cues([spoken("Nobody can read this sentence so fast.", pace=0.3)], STANDARD, "en")
    assert cue.end - cue.start == pytest.approx(len(cue.lines[0]) / 17, abs=0.01)


def test_a_speaker_is_named_when_another_begins() -> None:
    """Viewers see who speaks whenever that changes, and two people never share a subtitle."""
    talk = [spoken("Why a day?", 0, "Anna"), spoken("The dough rests.", 1.2, "Ben"), spoken("It grows.", 2.6, "Ben")]
    cues = make_cues(talk, STANDARD, "en")
    assert [cue.lines for cue in cues] == [("Anna: Why a day?",), ("Ben: The dough rests. It grows.",)]


def test_captions_of_an_author_stay_as_they_are() -> None:
    """Somebody has thought about these lines; only those beyond the limits are divided."""
    good = Segment(start=0, end=3, text="Mix the flour\nand the water.")
    brief = Segment(start=3.1, end=3.6, text="Yes.")
    long = Segment(start=5, end=17, text=TALK)
    cues = make_cues([good, brief, long], STANDARD, "en")
    assert cues[0] == Cue(0, 3, ("Mix the flour", "and the water."))
    assert cues[1] == Cue(3.1, pytest.approx(3.1 + MIN_SEC, abs=0.001), ("Yes.",))
    check_limits(cues, 42, 2)
    assert letters(" ".join(line for cue in cues[2:] for line in cue.lines)) == letters(TALK)


def test_an_endless_subtitle_ends_after_seven_seconds() -> None:
    """One word does not stay on the screen for a minute, whatever its file says."""
    (cue,) = make_cues([Segment(start=1, end=61, text="Music")], STANDARD, "en")
    assert (cue.start, cue.end) == (1, 8)


def test_japanese_lines_follow_kinsoku() -> None:
    """Lines of 16 full-width characters, none of which begins with a closing mark or ends with an opening one."""
    text = (
        "今日はパンを焼きます。小麦粉を二カップと塩をひとつまみ、ぬるま湯を少し用意してください。"
        "「よく混ぜてから、一時間ほど休ませます。」"
    )
    cues = make_cues([Segment(start=0, end=12, text=text)], STANDARD, "ja")
    check_limits(cues, 32, 2)
    lines = [line for cue in cues for line in cue.lines]
    assert "".join(lines) == text
    assert not [line for line in lines if line[0] in "、。」ーっゃ" or line[-1] in "「"]
    wider = make_cues([Segment(start=0, end=12, text=text)], SubtitleLayout(line_length=23, max_lines=1), "ja")
    check_limits(wider, 46, 1)


def test_hebrew_keeps_its_punctuation_in_place() -> None:
    """Marks at both ends keep the full stop at the left, also in players that write from left to right."""
    cues = make_cues(
        [Segment(start=0, end=8, text="היום נאפה לחם, ואנחנו צריכים שתי כוסות קמח ומעט מים.")], STANDARD, "he"
    )
    assert all(line.startswith(MARK) and line.endswith(MARK) for cue in cues for line in cue.lines)
    (latin,) = make_cues([Segment(start=0, end=2, text="Not so: שלום")], STANDARD, "en")
    assert latin.lines == ("Not so: שלום",)


def test_voices_at_once_come_one_after_the_other() -> None:
    """Segments at the same time do not overlap on the screen, and each is shown."""
    cues = make_cues([Segment(start=1, end=4, text=f"Voice {n}") for n in range(3)], STANDARD, "en")
    assert [cue.lines for cue in cues] == [("Voice 0",), ("Voice 1",), ("Voice 2",)]
    check_limits(cues, 42, 2)


WORDS = st.text(st.sampled_from("abcé ,.?!'-–\n漢字かな。、「」שלוםสวัสดี\u0301\u200d😀"), max_size=60)


@st.composite
def transcripts(draw: st.DrawFn) -> list[Segment]:
    """Segments one after the other, with the times of words, wrong ones, or none."""
    segments, time = [], draw(st.floats(0, 5))
    for _ in range(draw(st.integers(0, 6))):
        text = draw(WORDS)
        end = time + draw(st.floats(0, 30))
        parts = text.split() if draw(st.booleans()) else []
        moments = sorted(draw(st.floats(time, end)) for _ in range(2 * len(parts)))
        words = [
            Word(start=moments[2 * n], end=moments[2 * n + 1], text=part if draw(st.integers(0, 9)) else "other")
            for n, part in enumerate(parts)
        ]
        speaker = draw(st.sampled_from([None, "A", "Somebody with a name that is much longer than a line"]))
        segments.append(Segment(start=time, end=end, text=text, words=words, speaker=speaker))
        time = end + draw(st.floats(0, 3))
    return segments


@given(transcripts(), st.sampled_from([STANDARD, SubtitleLayout(10, 1), SubtitleLayout(23, 3)]))
def test_nothing_is_lost_and_nothing_exceeds_the_limits(segments: list[Segment], layout: SubtitleLayout) -> None:
    """Whatever was said: all words in their order, no overlap, and no line, duration or number of lines too long."""
    cues = make_cues([segment.model_copy(update={"speaker": None}) for segment in segments], layout, "en")
    written = letters("".join(line for cue in cues for line in cue.lines))
    assert written == letters("".join(plain_text(segment.text) for segment in segments))
    length = layout.line_length or 42
    for shown in (cues, make_cues(segments, layout, None)):
        check_limits(shown, 2 * length if layout.line_length else 42, layout.max_lines)


@given(transcripts())
def test_every_speaker_is_named(segments: list[Segment]) -> None:
    """With names of any length, what is said stays complete."""
    cues = make_cues(segments, STANDARD, "en")
    written = letters("".join(line for cue in cues for line in cue.lines))
    for segment in segments:
        assert letters(plain_text(segment.text))[:1] in written
    check_limits(cues, 42, 2)
