"""Transcripts as text and subtitles."""

from __future__ import annotations

from shared.exports.formats import timestamp, to_srt, to_txt, to_vtt
from shared.exports.subtitle_cues import Cue
from shared.models.video import Segment

SEGMENTS = [
    Segment(start=0, end=1.5, text="Hello <b> & welcome\n\nto --> soup"),
    Segment(start=2, end=3, text="\x85\u202e"),
    Segment(start=3661.0004, end=3723.45, text="Borschtsch, борщ"),
]
CUES = [
    Cue(0, 1.5, ("Hello <b> & welcome", "to --> soup")),
    Cue(3661.0004, 3723.45, ("Borschtsch, борщ",)),
]


def test_txt() -> None:
    """Every segment with a text is one line of text."""
    assert to_txt(SEGMENTS) == "Hello <b> & welcome to --> soup\nBorschtsch, борщ\n"


def test_srt() -> None:
    """Players read SubRip with its decimal comma; no text ends a cue or looks like a time line."""
    assert to_srt(CUES) == (
        "1\n00:00:00,000 --> 00:00:01,500\nHello <b> & welcome\nto → soup\n\n"
        "2\n01:01:01,000 --> 01:02:03,450\nBorschtsch, борщ\n\n"
    )


def test_vtt() -> None:
    """Browsers read WebVTT; markup within the words is shown, not followed."""
    assert to_vtt(CUES) == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nHello &lt;b&gt; &amp; welcome\nto --&gt; soup\n"
        "\n01:01:01.000 --> 01:02:03.450\nBorschtsch, борщ\n"
    )


def test_times_are_carried_over() -> None:
    """A time just below a full minute is written as the minute, never as sixty seconds."""
    assert timestamp(59.9996, ".") == "00:01:00.000"
