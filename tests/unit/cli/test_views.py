"""Results, times and foreign text as the terminal shows them."""

from __future__ import annotations

import re
import unicodedata
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from rich.console import Console

from infra.cli import jobs, options
from infra.cli.views import VIEWS, format_clock, result_view
from shared.analyses.kinds import kinds
from shared.analyses.transcript import SpokenText
from shared.exports.formats import FORMATS
from shared.exports.markup import clean_text
from tests.reel_samples import evidence
from tests.unit.analyses.served_provider import offline


def render(kind: str, result: BaseModel | dict[str, Any], width: int = 90) -> str:
    document = result if isinstance(result, dict) else result.model_dump(mode="json", by_alias=True)
    out = StringIO()
    Console(file=out, width=width).print(result_view({"kind": kind, "result": document}))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def test_a_reel(tmp_path: Path) -> None:
    """Keys, script with times, advice and numbers stand under their headings."""
    text = render("reel", offline("reel", evidence(tmp_path), "de"))
    for line in (
        "  Einstieg         Erster Schnitt nach 4 s. Erste Worte nach 1,5 s.",
        "  00:00–00:04  Einstellung 1",
        "               Stop watering your plants every day.",
        "  Cuts per minute   6",
        "  Loudness          −20.5 LUFS",
    ):
        assert line in text.splitlines()


def test_a_summary(tmp_path: Path) -> None:
    """Points and chapters have their times beside them."""
    lines = render("summary", offline("summary", evidence(tmp_path))).splitlines()
    assert lines[0] == "Summary"
    assert "  0:15  Put your finger into the soil first." in lines
    assert "Chapters" in lines


def test_a_transcript() -> None:
    """What is said stands below who listened, and nothing in it commands the terminal."""
    spoken = SpokenText(
        duration_sec=65, segments=2, words=2, language="en", text="Hello \x1b[31m[bold]\nthere", notes=["One note."]
    )
    assert render("transcript", spoken).splitlines() == [
        "Transcript",
        "Duration: 1:05 · Language: en · Words: 2",
        "Hello [31m[bold]",
        "there",
        "",
        "Notes",
        "  - One note.",
    ]


def test_other_kinds_are_shown_as_they_are() -> None:
    """A kind that somebody added is shown without a view of its own."""
    assert '"colour": "red"' in render("colours", {"colour": "red"})


@pytest.mark.parametrize("kind", sorted(kinds()))
def test_every_kind_has_a_view_and_stands_in_the_help(kind: str) -> None:
    """Who reads the help learns of all kinds, and sees more than JSON of each."""
    assert kind in VIEWS
    assert kind in re.findall(r"\w+", options.KINDS)


def test_every_format_stands_in_the_help() -> None:
    """Who reads the help learns of all formats."""
    assert {row.name for row in FORMATS} <= set(re.findall(r"\w+", jobs.FORMATS))


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (65.9, "1:05"), (3723, "1:02:03")])
def test_times_in_a_video(seconds: float, text: str) -> None:
    """A time in a video is shown as players show it."""
    assert format_clock(seconds) == text


@given(st.text())
def test_foreign_text_cannot_command_the_terminal(text: str) -> None:
    """Nothing that a stranger wrote clears the screen, changes colours or turns text around; words stay."""
    clean = clean_text(text)
    assert not any(unicodedata.category(sign) in ("Cc", "Cs") for sign in clean.replace("\n", ""))
    assert "\u202e" not in clean
    assert [sign for sign in clean if sign.isalnum()] == [sign for sign in text if sign.isalnum()]
