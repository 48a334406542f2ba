"""Cutting a transcript into overlapping windows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.chat.excerpts import MAX_WINDOW_CHARACTERS, MAX_WINDOW_SEC, MIN_WINDOW_SEC, Window, split_windows
from shared.models.chat import PassageLine
from shared.models.video import Segment, Word

texts = st.text("ab. !?", min_size=1, max_size=60)


@st.composite
def transcripts(draw: st.DrawFn) -> list[Segment]:
    made, at = [], 0.0
    for text in draw(st.lists(texts, max_size=60)):
        at += draw(st.sampled_from([0.0, 0.2, 3.0, 70.0]))
        end = at + draw(st.floats(0.1, 20))
        made.append(Segment(start=at, end=end, text=text))
        at = end
    return made


@given(transcripts())
def test_windows_hold_every_word_at_its_own_time(segments: list[Segment]) -> None:
    """Law: every word stands in a window, in order, with the times of segments, and no window is too long."""
    made = split_windows(segments)
    told = " ".join(one.text for one in segments).split()
    lines = [line for before, after in pairwise([None, *made]) if after for line in new_lines(before, after)]
    assert " ".join(line.text for line in lines).split() == told
    assert {line.start for line in lines} <= {one.start for one in segments}
    assert {line.end for line in lines} <= {one.end for one in segments}
    for window in made:
        assert window.end - window.start <= MAX_WINDOW_SEC or len(window.lines) == 1
        assert len(window.text) <= MAX_WINDOW_CHARACTERS + 1
    starts = [window.start for window in made]
    assert starts == sorted(starts)


def new_lines(before: Window | None, after: Window) -> Sequence[PassageLine]:
    """The lines of a window that the window before it does not have: two lines may be equal, so position counts."""
    known = list(before.lines) if before else []
    shared = next(size for size in range(len(after.lines), -1, -1) if known[len(known) - size :] == after.lines[:size])
    return after.lines[shared:]


def speech(count: int, seconds: float = 4.0, every: int = 1) -> list[Segment]:
    """Segments without a pause; each `every`th ends a sentence."""
    return [
        Segment(start=at * seconds, end=(at + 1) * seconds, text=f"Words {at}{'.' if at % every == every - 1 else ''}")
        for at in range(count)
    ]


def test_neighbours_overlap_by_a_third() -> None:
    """What stands at the edge of one window stands inside of the next."""
    made = split_windows(speech(60))
    for before, after in pairwise(made):
        length = before.end - before.start
        assert MIN_WINDOW_SEC <= length <= MAX_WINDOW_SEC
        assert (before.end - after.start) / length == pytest.approx(1 / 3, abs=0.1)
    assert made[-1].end == 240


def test_windows_end_where_sentences_do() -> None:
    """A window does not break off in the middle of a sentence when one ends near by."""
    made = split_windows(speech(60, every=3))
    assert all(window.text.endswith(".") for window in made)
    assert all(int(window.text.split()[1].rstrip(".")) % 3 == 0 for window in made)


def test_long_segments_are_cut_by_their_words() -> None:
    """A minute in one segment is found where its words were said, if somebody told when."""
    words = [Word(start=at, end=at + 1, text=f" w{at}{'.' if at % 10 == 9 else ''}") for at in range(60)]
    text = "".join(word.text for word in words)
    (line, *_), *rest = (window.lines for window in split_windows([Segment(start=0, end=60, text=text, words=words)]))
    assert (line.start, line.end, line.text) == (0, 10, "w0 w1 w2 w3 w4 w5 w6 w7 w8 w9.")
    assert len(rest) == 1
    whole = split_windows([Segment(start=0, end=60, text=text)])
    assert [(window.start, window.end) for window in whole] == [(0, 60)]


def test_endless_texts_fit() -> None:
    """Captions of absurd length are cut; every letter is kept."""
    text = "".join(map(str, range(2000))) + " " + " ".join(map(str, range(1000)))
    made = split_windows([Segment(start=0, end=5, text=text)])
    assert all(len(window.text) <= MAX_WINDOW_CHARACTERS for window in made)
    kept = "".join(line.text for line in made[0].lines)
    for before, after in pairwise(made):
        kept += "".join(line.text for line in after.lines if line not in before.lines)
    assert kept.replace(" ", "") == text.replace(" ", "")


def test_silence_has_no_windows() -> None:
    """A video without words is not found by any."""
    assert split_windows([]) == split_windows([Segment(start=0, end=1, text=" ")]) == []
