"""Sentences of a transcript, put together from the pieces in which it was recognized."""

from __future__ import annotations

import pytest

from shared.chat.excerpts import split_windows
from shared.chat.passages import line_texts
from shared.chat.sentences import MAX_LINE_SEC, split_lines
from shared.models.video import Segment, Word
from tests.transcript_samples import SOUP, recognized, segments


def texts(pieces: list[Segment]) -> list[str]:
    return [line.text for line in split_lines(pieces)]


@pytest.mark.parametrize("words_a_segment", [1, 5, 7, 100])
def test_sentences_are_whole_wherever_recognition_cut_them(words_a_segment: int) -> None:
    """An answer quotes the sentence, from its first word to its last, whatever segments the speech model made."""
    lines = split_lines(recognized(SOUP, words_a_segment))
    assert [line.text for line in lines] == SOUP
    said = segments(SOUP)
    assert [round(line.start, 2) for line in lines] == [line.start for line in said]
    assert [line.end for line in lines] == pytest.approx([line.end for line in said], abs=0.01)


def test_subtitles_without_times_of_words_keep_those_of_their_cues() -> None:
    """A sentence over two subtitles begins with the first and ends with the second; nothing is made up between."""
    cues = [
        Segment(start=0, end=2, text="Peel the potatoes. Then"),
        Segment(start=2, end=4, text="wash them well."),
        Segment(start=4, end=6, text="Boil them."),
    ]
    lines = split_lines(cues)
    assert [(line.start, line.end, line.text) for line in lines] == [
        (0, 2, "Peel the potatoes."),
        (0, 4, "Then wash them well."),
        (4, 6, "Boil them."),
    ]


def test_a_pause_ends_a_line() -> None:
    """Words after a pause belong to something else, even where the sign is missing."""
    pieces = [Segment(start=0, end=2, text="That was it"), Segment(start=9, end=11, text="Next we fry.")]
    assert texts(pieces) == ["That was it", "Next we fry."]


def test_a_hesitation_does_not_end_a_sentence() -> None:
    """Three dots and a small letter go on; after a full stop, speech models begin with a small letter all the same."""
    pieces = [Segment(start=0, end=2, text="Take two... no,"), Segment(start=2, end=4, text="three cups. then stir.")]
    assert texts(pieces) == ["Take two... no, three cups.", "then stir."]


def test_text_without_signs_keeps_its_segments() -> None:
    """Automatic captions without punctuation are found by their own short pieces, not by the minute."""
    pieces = [Segment(start=at * 3, end=at * 3 + 3, text="and then we go on and on and on") for at in range(20)]
    assert [(line.start, line.end) for line in split_lines(pieces)] == [(one.start, one.end) for one in pieces]


def test_endless_sentences_are_cut() -> None:
    """A speaker who never ends a sentence is still cited to within seconds."""
    words = [Word(start=at, end=at + 1, text=f" word{at}{'.' if at == 39 else ''}") for at in range(40)]
    pieces = [Segment(start=0, end=40, text="".join(word.text for word in words), words=words)]
    assert all(line.end - line.start <= MAX_LINE_SEC for line in split_lines(pieces))


def test_screen_text_is_not_joined() -> None:
    """Lines on the screen stay apart: they are labels, not parts of a sentence."""
    shown = [Segment(start=0, end=2, text="FLOUR 200 g"), Segment(start=2, end=4, text="Mix. Then bake.")]
    (window,) = split_windows(shown, "screen")
    assert [line.text for line in window.lines] == ["FLOUR 200 g", "Mix. Then bake."]


def test_a_line_is_embedded_with_the_line_before_it() -> None:
    """“Then do it again” is found by what “it” is, which the sentence before says."""
    (window,) = split_windows(
        [Segment(start=0, end=2, text="Knead the dough."), Segment(start=2, end=4, text="Repeat.")]
    )
    assert line_texts(window) == [("Knead the dough.", "Knead the dough."), ("Repeat.", "Knead the dough. Repeat.")]


def test_another_speaker_begins_another_line() -> None:
    """What two people say is never quoted as one sentence of one of them."""
    said = [
        Segment(start=0, end=1, text="How long does it", speaker="A"),
        Segment(start=1, end=2, text="An hour.", speaker="B"),
    ]
    assert [(line.text, line.speaker) for line in split_lines(said)] == [("How long does it", "A"), ("An hour.", "B")]
