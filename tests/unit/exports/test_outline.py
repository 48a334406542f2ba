"""Reels and summaries as Markdown and as a page."""

from __future__ import annotations

import pytest
from markdown_it import MarkdownIt

from shared.analyses.reel import KeyFactor, OriginalSpeech, Recommendation, Reel, Scene
from shared.analyses.summary import Chapter, KeyPoint, VideoSummary
from shared.analyses.transcript import SpokenText
from shared.exports.outline import (
    Outline,
    format_time,
    outline_markdown,
    outline_page,
    reel_outline,
    summary_outline,
    transcript_outline,
)
from shared.exports.wording import ENGLISH_HEADINGS, GERMAN_HEADINGS, RUSSIAN_HEADINGS, headings
from shared.models.video import Loudness, Pacing
from tests.unit.exports.samples import EVIL
from tests.unit.exports.test_recipe import Reader


def reel(text: str = "Anfang", language: str | None = "de") -> Reel:
    return Reel(
        original=OriginalSpeech(transcription=f"{text}\nHello", translation="Hallo"),
        keys=[KeyFactor(title=text, description="Warum")] * 5,
        script=[Scene(start=0, end=3, time="00:00–00:03", visual=text, text="Hör auf!", note="")],
        recommendations=[Recommendation(category="Hook", text=text)],
        pacing=Pacing(
            duration_sec=30,
            shots=4,
            cuts_per_minute=6,
            mean_shot_sec=7.5,
            silence_share=0.204,
            loudness=Loudness(integrated_lufs=-20.5, range_lu=5, true_peak_dbfs=-1),
        ),
        language=language,
        notes=[text],
    )


def summary(text: str = "Gießen") -> VideoSummary:
    return VideoSummary(
        title=text,
        summary=f"{text}.\nNicht täglich.",
        key_points=[KeyPoint(text=text, start=65), KeyPoint(text="Geduld")],
        chapters=[Chapter(title=text, start=0, end=70), Chapter(title="Ende", start=3700, end=3800)],
        language="de",
    )


def test_a_reel_reads_well() -> None:
    """A reel as Markdown has its keys, script, advice, numbers and words, under headings of its language."""
    assert outline_markdown(reel_outline(reel(), GERMAN_HEADINGS)) == (
        "# Reel\n\n## Schlüssel\n\n" + "\n".join(["- **Anfang** Warum"] * 5) + "\n\n"
        "## Drehbuch\n\n- **00:00–00:03** Anfang\n  - Hör auf\\!\n\n"
        "## Empfehlungen\n\n- **Hook** Anfang\n\n"
        "## Tempo\n\n- **Dauer** 30 s\n- **Einstellungen** 4\n- **Schnitte pro Minute** 6\n"
        "- **Mittlere Einstellung** 7,5 s\n- **Lautheit** −20,5 LUFS\n- **Stille** 20 %\n\n"
        "## Wortlaut\n\n- Anfang\n- Hello\n\n## Übersetzung\n\n- Hallo\n\n## Hinweise\n\n- Anfang\n"
    )


def test_a_summary_reads_well() -> None:
    """A summary as Markdown has its text, its points and its chapters with times as people write them."""
    assert outline_markdown(summary_outline(summary(), ENGLISH_HEADINGS)) == (
        "# Gießen\n\nGießen.\n\nNicht täglich.\n\n## Key points\n\n- **1:05** Gießen\n- Geduld\n\n"
        "## Chapters\n\n- **0:00** Gießen\n- **1:01:40** Ende\n"
    )


@pytest.mark.parametrize(
    "outline", [reel_outline(reel(EVIL), RUSSIAN_HEADINGS), summary_outline(summary(EVIL), RUSSIAN_HEADINGS)]
)
def test_no_text_is_taken_for_markup(outline: Outline) -> None:
    """What strangers said in a video makes no link, picture or script in a file."""
    tokens = MarkdownIt().parse(outline_markdown(outline))
    parts = {part.type for token in tokens if token.type == "inline" for part in token.children or []}
    assert parts <= {"text", "text_special", "strong_open", "strong_close"}
    read = Reader(outline_page(outline))
    assert {tag for tag, _ in read.tags} <= {
        "html", "head", "meta", "title", "style", "body", "main", "header", "h1", "h2", "ul", "li", "b", "p",
    }  # fmt: skip
    assert {name for _, attributes in read.tags for name in attributes} <= {
        "lang",
        "charset",
        "name",
        "content",
        "class",
        "dir",
    }
    assert "<script>alert(1)</script> [x](javascript:x)" in " ".join(read.texts)


def test_a_page_has_everything_in_it() -> None:
    """The page of a reel tells what its Markdown does."""
    read = Reader(outline_page(reel_outline(reel(), GERMAN_HEADINGS)))
    for text in ("Schlüssel", "Anfang", "Warum", "00:00–00:03", "Hör auf!", "−20,5 LUFS", "Hallo", "Hinweise"):
        assert text in read.texts
    assert ("html", {"lang": "de"}) in read.tags


def test_what_is_said_in_ones_own_language_stands_once() -> None:
    """No translation is shown that is the original."""
    own = reel().model_copy(
        update={"original": OriginalSpeech(transcription="Hallo", translation="Hallo"), "pacing": None}
    )
    visible_headings = [section.heading for section in reel_outline(own, ENGLISH_HEADINGS).sections if section.entries]
    assert visible_headings == ["Keys", "Script", "Recommendations", "Transcription", "Notes"]


def test_a_transcript_tells_who_listened() -> None:
    """The facts about a transcript stand above its words, those that are unknown do not."""
    said = SpokenText(duration_sec=3661, segments=1, text="Hello", words=1, provider="openai", model="whisper-1")
    outline = transcript_outline(said, ENGLISH_HEADINGS)
    assert outline.facts == [("Duration", "1:01:01"), ("Words", "1"), ("Transcribed by", "openai · whisper-1")]
    assert outline_markdown(outline).endswith("\n\nHello\n")


@pytest.mark.parametrize(
    ("tag", "word"), [("de-AT", "Kapitel"), ("rus", "Главы"), ("fr", "Chapters"), (None, "Chapters")]
)
def test_headings_by_language(tag: str | None, word: str) -> None:
    """A result in a language without headings of its own gets the English ones."""
    assert headings(tag).chapters == word
    assert format_time(3599.9) == "59:59"
