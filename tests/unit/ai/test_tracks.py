"""From readings of single samples to lines that were really there."""

from __future__ import annotations

import pytest

from shared.ai.screen.lines import Row, SampleText, merge_rows, screen_lines
from shared.ai.screen.reader import HANDLE, is_text


def row(text: str, score: float = 0.95, left: float = 40, top: float = 200, height: float = 40) -> Row:
    return Row(text, score, (left, top, left + len(text) * height / 2, top + height))


def looks(*samples: list[Row]) -> list[SampleText]:
    return [SampleText(number / 2, f"samples/{number}.jpg", rows) for number, rows in enumerate(samples)]


def texts(*samples: list[Row]) -> list[str]:
    return [line.text for line in screen_lines(looks(*samples))]


def test_a_line_seen_once_does_not_count() -> None:
    """A flash of text, or a pattern misread once, leaves no trace."""
    assert texts([row("200 g flour")], [], []) == []
    assert texts([row("200 g flour")], [row("200 g flour")], []) == ["200 g flour"]


def test_jitter_of_the_recogniser_is_one_line_in_its_best_reading() -> None:
    """The reading that most samples agree on is taken, with the times of all."""
    seen = screen_lines(
        looks([row("200 g f1our", 0.7)], [row("200 g flour")], [row("200 g fIour", 0.8)], [row("200 g flour")])
    )
    assert [(line.text, line.start, line.end) for line in seen] == [("200 g flour", 0, 1.5)]
    assert seen[0].frame in ("samples/1.jpg", "samples/3.jpg")


def test_lines_that_differ_in_a_number_are_never_merged() -> None:
    """`1 TL` and `2 TL` at the same place are two lines, though nearly all their letters agree."""
    assert texts([row("1 TL Salz")], [row("1 TL Salz")], [row("2 TL Salz")], [row("2 TL Salz")]) == [
        "1 TL Salz",
        "2 TL Salz",
    ]


def test_a_one_that_looks_like_a_letter_is_the_same_number() -> None:
    """`l TL` and `1 TL` are one line."""
    assert texts([row("l TL Salz", 0.8)], [row("1 TL Salz")], [row("1 TL Salz")]) == ["1 TL Salz"]


def test_a_line_that_moves_is_one_line() -> None:
    """Text that slides in keeps its identity if its words stay."""
    assert texts([row("Creamy pasta", top=900)], [row("Creamy pasta", top=500)], [row("Creamy pasta")]) == [
        "Creamy pasta"
    ]


def test_a_line_missed_in_between_goes_on() -> None:
    """A hand before the text for a moment does not make two lines of it."""
    seen = screen_lines(looks([row("2 eggs")], [], [row("2 eggs")]))
    assert [(line.text, line.start, line.end) for line in seen] == [("2 eggs", 0, 1)]


def test_lines_are_in_reading_order() -> None:
    """Cards come in order of time, their lines from top to bottom, even when one was noticed a moment late."""
    first = [row("flour", top=100), row("eggs", top=200)]
    assert texts(
        [first[1]],
        first,
        first,
        [row("Bake", top=50)],
        [row("Bake", top=50)],
        [row("Serve", top=400), row("Bake", top=50)],
        [row("Serve", top=400)],
    ) == ["flour", "eggs", "Bake", "Serve"]


def test_more_looks_make_a_line_surer() -> None:
    """What was seen often is trusted more than what was seen twice."""
    twice, often = (screen_lines(looks(*[[row("2 eggs")]] * times))[0].confidence for times in (2, 6))
    assert 0.7 < twice < often <= 0.95


def test_a_reading_that_is_never_sure_does_not_count() -> None:
    """Patterns read the same way twice, but always badly, are no text."""
    assert texts(*[[row("wrtz", 0.4)]] * 4) == []


def test_pieces_side_by_side_are_one_row() -> None:
    """Words that were found apart, and the two cells of a table, are read together; other columns are not."""
    cells = [
        row("flour", left=400),
        row("200 g", left=40),
        row("with", left=40, top=300),
        row("eggs", left=125, top=300),
    ]
    assert [one.text for one in merge_rows(cells)] == ["200 g flour", "with eggs"]
    assert [one.text for one in merge_rows([row("Monday", left=40), row("Tuesday", left=400)])] == ["Monday", "Tuesday"]


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("2 eggs", True),
        ("½ TL Öl", True),
        ("350 °F / 175°C", True),
        ("Соль", True),
        ("", False),
        ("1", False),
        ("…", False),
        ("|||||", False),
        ("a", False),
        ("<>{}~ab", False),
        ("※ 5", False),
    ],
)
def test_junk_is_no_text(text: str, fits: bool) -> None:
    """Single letters, bars and other marks that detectors see in patterns are not kept."""
    assert is_text(text) is fits


@pytest.mark.parametrize(
    ("text", "handle"),
    [
        ("@cook", True),
        ("TikTok", True),
        ("Viral TikTok pasta", False),
        ("www.cook.com", True),
        ("cook@home", True),
        ("2 eggs", False),
        ("1.5 kg", False),
    ],
)
def test_watermarks_are_known(text: str, handle: bool) -> None:
    """Account names and the names of platforms are kept apart from the recipe."""
    assert bool(HANDLE.search(text)) is handle
