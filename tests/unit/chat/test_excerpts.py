"""Passages put together, and what of them is quoted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.chat.excerpts import MAX_EXCERPT_SEC, Excerpt, merge_passages, split_windows
from shared.chat.quotes import MAX_CHARACTERS, line_key, quote_excerpts
from shared.models.chat import Passage, PassageLine
from tests.transcript_samples import SOUP, segments

TALK = split_windows(segments([f"Line {number} of a long talk about soups and stars." for number in range(60)]))


def passage(number: int, video: str = "v") -> Passage:
    window = TALK[number]
    told = {"owner": "ann", "video_id": video, "job_id": video, "number": number, "words": [], "lines": window.lines}
    return Passage.model_validate(told | {"start": window.start, "end": window.end, "text": window.text})


@given(st.lists(st.tuples(st.integers(0, len(TALK) - 1), st.sampled_from("vw")), unique=True, max_size=12))
def test_every_line_is_there_once(chosen: list[tuple[int, str]]) -> None:
    """Law: excerpts hold the lines of all passages, none twice, in order of time, and none is too long."""
    given = [passage(number, video) for number, video in chosen]
    made = merge_passages(given)
    wanted = {(one.video_id, line.text) for one in given for line in one.lines}
    held = [(one.video_id, line.text) for one in made for line in one.lines]
    assert sorted(held) == sorted(wanted)
    for one in made:
        assert [line.start for line in one.lines] == sorted(line.start for line in one.lines)
        assert one.end - one.start <= MAX_EXCERPT_SEC
        assert one.text == " ".join(line.text for line in one.lines)


def test_the_best_passage_comes_first() -> None:
    """The order of a search stays; what overlaps the best passage joins it."""
    made = merge_passages([passage(4), passage(0), passage(5), passage(2, "w")])
    assert [(one.video_id, one.start) for one in made] == [
        ("v", TALK[4].start),
        ("v", TALK[0].start),
        ("w", TALK[2].start),
    ]
    assert made[0].end == TALK[5].end


def test_a_quote_is_the_sentence_that_answers() -> None:
    """Of a passage a reader gets the sentence asked for, with its own time, and not much more."""
    lines = [PassageLine(start=one.start, end=one.end, text=one.text) for one in segments(SOUP)]
    (quote,) = quote_excerpts("How long are the tomatoes in the oven?", [Excerpt(lines, "v")], {})
    assert quote.lines[0].text == SOUP[3]
    assert sum(len(line.text) for line in quote.lines) <= MAX_CHARACTERS


def test_a_quote_begins_where_its_sentence_does() -> None:
    """Captions that cut sentences anywhere are quoted from the sentence's beginning."""
    texts = ["That is all about salt.", "Now the tomatoes go", "into the oven for an hour", "and then we eat."]
    lines = [PassageLine(start=at, end=at + 1, text=text) for at, text in enumerate(texts)]
    (quote,) = quote_excerpts("oven", [Excerpt(lines, "v")], {})
    assert [line.start for line in quote.lines] == [1, 2, 3]


def test_the_sentence_nearest_in_meaning_comes_first() -> None:
    """Where lines have vectors, the answer begins with the one that answers, though its passage was not the best."""
    soup = [PassageLine(start=at, end=at + 1, text=f"Sentence {at} about soup.") for at in range(3)]
    stars = [PassageLine(start=at, end=at + 1, text=f"Sentence {at} about stars.") for at in range(3)]
    near = {line_key("soup", line): 0.8 for line in soup} | {line_key("stars", stars[1]): 0.9}
    excerpts = [Excerpt(soup, "soup"), Excerpt(stars, "stars"), Excerpt(soup, "unknown")]
    first, *others = quote_excerpts("Which star?", excerpts, near)
    assert (first.video_id, first.lines[0]) == ("stars", stars[1])
    assert [quote.video_id for quote in others] == ["soup", "unknown"]
