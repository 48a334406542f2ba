"""What was heard in parts, in one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.media.audio.transcript_merge import join_parts
from shared.models.video import AudioPart, Segment, TimeSpan, Word


def part(start: float, end: float) -> AudioPart:
    return AudioPart(name="a.flac", start=start, end=end)


def word(start: float, text: str, length: float = 0.4) -> Word:
    return Word(start=start, end=round(start + length, 3), text=text)


def segment(*words: Word) -> Segment:
    text = " ".join(word.text for word in words)
    return Segment(start=words[0].start, end=words[-1].end, text=text, words=list(words))


def plain(start: float, end: float, text: str) -> Segment:
    return Segment(start=start, end=end, text=text)


def rows(segments: Sequence[Segment]) -> list[tuple[float, float, str]]:
    return [(segment.start, segment.end, segment.text) for segment in segments]


def word_texts(segments: Sequence[Segment]) -> list[str]:
    return [text for segment in segments for text in segment.text.split()]


def test_times_count_from_the_start_of_the_whole() -> None:
    """A word of the second part is found where it is said in the video, and so are its single words."""
    joined = join_parts(
        [part(0, 10), part(12, 20)], [[plain(1, 2, "one")], [segment(word(0.5, "two"), word(1, "three"))]], [], 20
    )
    assert rows(joined) == [(1, 2, "one"), (12.5, 13.4, "two three")]
    assert [(word.start, word.text) for word in joined[1].words] == [(12.5, "two"), (13, "three")]


def test_what_two_parts_heard_is_there_once() -> None:
    """Where there was no pause to cut at, the sentence reads as it was spoken, its punctuation included."""
    left = segment(*(word(n / 2, text) for n, text in enumerate(["We", "fold", "in", "the", "whites", "and", "b"])))
    left.text = "We fold in the whites, and b…"
    right = segment(*(word(n / 2, text) for n, text in enumerate(["Old", "in", "the", "whites", "and", "bake"])))
    right.text = "Old in the whites, and bake."
    joined = join_parts([part(0, 3.3), part(0.5, 10)], [[left], [right]], [], 10)
    assert " ".join(segment.text for segment in joined) == "We fold in the whites, and bake."


def test_without_times_of_words_the_same_words_are_the_seam() -> None:
    """A service that only tells when sentences are said repeats nothing either."""
    left = [plain(0, 4, "first we melt the butter"), plain(4, 10, "and then we whisk the eggs with")]
    right = [plain(0, 5, "whisk the eggs with a little sugar"), plain(5, 8, "until they are white")]
    joined = join_parts([part(0, 10), part(6, 20)], [left, right], [], 20)
    text = "first we melt the butter and then we whisk the eggs with a little sugar until they are white"
    assert word_texts(joined) == text.split()


def test_words_that_no_spaces_part_are_joined_as_well() -> None:
    """Chinese has no spaces; its characters are what is compared."""
    joined = join_parts(
        [part(0, 10), part(6, 20)],
        [[plain(4, 10, "先把黄油融化然后打鸡")], [plain(0, 6, "融化然后打鸡蛋和糖")]],
        [],
        20,
    )
    assert "".join(segment.text for segment in joined) == "先把黄油融化然后打鸡蛋和糖"


def test_where_the_parts_agree_on_nothing_the_middle_of_the_overlap_is_the_seam() -> None:
    """Neither part is believed at its edge."""
    left = segment(word(7, "a"), word(9.2, "edge"))
    right = segment(word(0.2, "edgy"), word(2.5, "b"))
    joined = join_parts([part(0, 10), part(8, 20)], [[left], [right]], [], 20)
    assert word_texts(joined) == ["a", "b"]


def test_what_is_said_in_silence_is_made_up() -> None:
    """Speech models thank for watching where nobody speaks: such words do not get into the transcript."""
    part_segments = [plain(0, 3, "so"), plain(4, 6, "Thank you!"), plain(5, 11, "done"), plain(11.1, 11.4, "yes")]
    joined = join_parts([part(0, 12)], [part_segments], [TimeSpan(start=3.5, end=10), TimeSpan(start=11, end=11.5)], 12)
    assert [segment.text for segment in joined] == ["so", "done", "yes"]


def test_nothing_is_said_outside_of_what_was_listened_to() -> None:
    """Times beyond the part or the video are brought within; what has no words is no segment."""
    part_segments = [[plain(-1, 2, " one "), plain(3, 99, "two"), plain(4, 5, "  ")], [plain(2, 50, "three")]]
    joined = join_parts([part(0, 5), part(5, 12)], part_segments, [], 10)
    assert rows(joined) == [(0, 2, "one"), (3, 5, "two"), (7, 10, "three")]


def test_of_no_parts_nothing_is_made() -> None:
    """A silent video has no words."""
    assert join_parts([], [], [], 5) == []


@dataclass(frozen=True)
class Talk:
    """Words of 0.1 to 0.8 s with pauses of up to 1.2 s, and parts of 8 s or more that overlap by 2 to 5 s."""

    words: list[Word]
    parts: list[AudioPart]
    chance: Random

    @property
    def end(self) -> float:
        return self.parts[-1].end

    def transcribe_parts(self, *, off_sec: float = 0, timed: bool = True) -> list[list[Segment]]:
        """What a listener writes down of each part: the words that are whole in it, in sentences of any length."""
        return [self._sentences(one, off_sec, timed) for one in self.parts]

    def _sentences(self, one: AudioPart, off_sec: float, timed: bool) -> list[Segment]:
        sentences: list[Segment] = []
        run: list[Word] = []
        inside = [word for word in self.words if one.start <= word.start and word.end <= one.end]
        for each in inside:
            shift = self.chance.uniform(-off_sec, off_sec) - one.start
            run.append(Word(start=each.start + shift, end=each.end + shift, text=each.text))
            if each is inside[-1] or self.chance.random() < 0.3:
                whole = segment(*run)
                sentences.append(whole if timed else plain(whole.start, whole.end, whole.text))
                run = []
        return sentences


@st.composite
def talks(draw: st.DrawFn, *, repetitive: bool) -> Talk:
    chance = Random(draw(st.integers(0, 2**32)))
    words: list[Word] = []
    time = 0.0
    for number in range(draw(st.integers(1, 80))):
        time += chance.choice([0, chance.uniform(0, 1.2)])
        length = chance.uniform(0.1, 0.8)
        words.append(word(round(time, 3), chance.choice(["no", "yes"]) if repetitive else f"word{number}", length))
        time = words[-1].end
    end = time + 1
    parts = [part(0, min(chance.uniform(8, 20), end))]
    while parts[-1].end < end:
        start = parts[-1].end - chance.uniform(2, 5)
        parts.append(part(round(start, 3), min(start + chance.uniform(8, 20), end)))
    return Talk(words, parts, chance)


def check(joined: Sequence[Segment], talk: Talk) -> None:
    assert word_texts(joined) == [word.text for word in talk.words]
    starts = [segment.start for segment in joined]
    assert starts == sorted(starts)
    for one in joined:
        times = [one.start, *(time for word in one.words for time in (word.start, word.end)), one.end]
        assert times == sorted(times)
        assert 0 <= times[0] <= times[-1] <= talk.end


@given(talks(repetitive=True))
def test_no_word_is_lost_or_there_twice_for_any_cut(talk: Talk) -> None:
    """However a talk full of repetitions is cut into parts, its words come out as they were said, at their times."""
    joined = join_parts(talk.parts, talk.transcribe_parts(), [], talk.end)
    check(joined, talk)
    words = [word for segment in joined for word in segment.words]
    assert [word.start for word in words] == pytest.approx([word.start for word in talk.words], abs=0.002)


@given(talks(repetitive=False))
def test_times_that_do_not_quite_agree_do_no_harm(talk: Talk) -> None:
    """Two listenings of the same word differ by up to a tenth of a second, as they do; still it is there once."""
    joined = join_parts(talk.parts, talk.transcribe_parts(off_sec=0.05), [], talk.end)
    assert word_texts(joined) == [word.text for word in talk.words]


@given(talks(repetitive=False))
def test_without_times_of_words_none_is_lost_or_there_twice_either(talk: Talk) -> None:
    """The same for services that tell the times of sentences only."""
    joined = join_parts(talk.parts, talk.transcribe_parts(timed=False), [], talk.end)
    assert word_texts(joined) == [word.text for word in talk.words]
