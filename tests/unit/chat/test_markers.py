"""Citations in an answer that comes in pieces."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.chat.prompt import MarkerParser


def read(text: str, count: int, size: int = 0) -> tuple[str, list[int]]:
    marks = MarkerParser(count)
    pieces = [text[at : at + size] for at in range(0, len(text), size)] if size else [text]
    return "".join(marks.read(pieces)), marks.passages


@pytest.mark.parametrize(
    ("said", "shown", "passages"),
    [
        ("A [3], b [1] and c [3].", "A [1], b [2] and c [1].", [3, 1]),
        ("A [1][2]; b [2, 3].", "A [1][2]; b [2][3].", [1, 2, 3]),
        ("A [1-3].", "A [1][2][3].", [1, 2, 3]),
        ("A [9], b [0], c [2024] and d [ 1 ].", "A, b, c and d [1].", [1]),
        ("A [2, 9] b", "A [1] b", [2]),
        ("A【2】b", "A[1]b", [2]),
        ("An array[i] and [sic] stay [1", "An array[i] and [sic] stay [1", []),
        ("[99999999999999999999999]", "", []),
        ("[1-99999999999]", "[1][2][3]", [1, 2, 3]),
        (f"A [{'1' * 70}] b", f"A [{'1' * 70}] b", []),
        (f"A{' ' * 70}[9] b", f"A{' ' * 61} b", []),
        ("", "", []),
    ],
)
@pytest.mark.parametrize("size", [0, 1, 2, 3, 7])
def test_markers_are_found_wherever_pieces_end(said: str, shown: str, passages: list[int], size: int) -> None:
    """A marker is one however it is cut up, numbered as it comes; one that stands for nothing is not shown."""
    assert read(said, 3, size) == (shown, passages)


@given(st.lists(st.text("[]1２ ,-a\n【】", max_size=12), max_size=12), st.integers(1, 4))
def test_no_marker_is_without_its_passage(pieces: list[str], count: int) -> None:
    """Law: pieces make no difference, each shown number has a passage that was cited, and none is cited in vain."""
    marks = MarkerParser(count)
    shown = "".join(marks.read(pieces))
    assert (shown, marks.passages) == read("".join(pieces), count)
    assert len(set(marks.passages)) == len(marks.passages)
    assert all(1 <= passage <= count for passage in marks.passages)
    assert {int(number) for number in re.findall(r"\[(\d+)\]", shown)} <= set(range(1, len(marks.passages) + 1))


def test_pieces_are_not_held_back() -> None:
    """A reader sees words as soon as they cannot be part of a marker."""
    marks = MarkerParser(1)
    pieces = list(marks.read(["One ", "two", " [", "1", "] three", " " * 80]))
    assert pieces == ["One", " two", " [1] three", " " * 61, " " * 19]
