"""Captions as platforms give them."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import PermanentError
from shared.media import subtitles as captions
from shared.media.subtitles import parse_captions
from shared.models.video import Segment

ROLLING = """WEBVTT
Kind: captions
Language: en

00:00:00.160 --> 00:00:03.430 align:start position:0%
 
first<00:00:00.960><c> you</c><00:00:01.520><c> melt</c><00:00:02.160><c> butter</c>

00:00:03.430 --> 00:00:03.440 align:start position:0%
first you melt butter
 

00:00:03.440 --> 00:00:05.740 align:start position:0%
first you melt butter
until<00:00:03.760><c> it&#39;s</c><00:00:04.160><c> brown</c>

00:00:05.740 --> 00:00:05.750 align:start position:0%
until it&#39;s brown
 

00:00:05.750 --> 00:00:08.000 align:start position:0%
until it&#39;s brown
[Music]

00:00:09.500 --> 00:00:11.000 align:start position:0%
 
[Music]
"""


def rows(segments: list[Segment]) -> list[tuple[float, float, str]]:
    return [(segment.start, segment.end, segment.text) for segment in segments]


def test_rolling_captions_say_every_line_once() -> None:
    """Automatic captions of YouTube read as they were spoken, although each cue shows the line before it again."""
    segments = parse_captions(ROLLING, "vtt")
    assert rows(segments) == [
        (0.16, 3.43, "first you melt butter"),
        (3.44, 5.74, "until it's brown"),
        (5.75, 8.0, "[Music]"),
        (9.5, 11.0, "[Music]"),
    ]


def test_words_keep_the_times_that_the_captions_give_them() -> None:
    """A word of an automatic caption is found when it is said."""
    words = parse_captions(ROLLING, "vtt")[1].words
    assert [(word.start, word.end, word.text) for word in words] == [
        (3.44, 3.76, "until"),
        (3.76, 4.16, "it's"),
        (4.16, 5.74, "brown"),
    ]


def test_rolling_captions_turned_into_subrip_say_every_line_once() -> None:
    """The same without stamps, as converters leave it."""
    text = (
        "1\n00:00:00,000 --> 00:00:02,000\none two\n\n2\n00:00:02,000 --> 00:00:02,010\none two\n\n"
        "3\n00:00:02,010 --> 00:00:04,000\none two\nthree\n\n4\n00:00:04,000 --> 00:00:04,010\nthree\n\n"
        "5\n00:00:04,010 --> 00:00:06,000\nthree\nfour\n"
    )
    assert [segment.text for segment in parse_captions(text, "srt")] == ["one two", "three", "four"]


def test_what_is_said_twice_stays_said_twice() -> None:
    """Ordinary subtitles may repeat a line: nothing is taken for rolling that is not."""
    text = "WEBVTT\n\n00:01.000 --> 00:02.000\nNo.\n\n00:02.000 --> 00:03.000\nNo.\n\n00:03.000 --> 00:04.000\nNo!\n"
    assert rows(parse_captions(text, "vtt")) == [(1, 2, "No."), (2, 3, "No."), (3, 4, "No!")]


def test_web_captions_lose_their_markup_and_notes() -> None:
    """TikTok's and other WebVTT: names of cues, notes, styles, voices and entities do not get into the words."""
    text = (
        "\ufeffWEBVTT\r\n\r\nSTYLE\r\n::cue { color: red }\r\n\r\nNOTE made by hand\r\n\r\n"
        "intro\r\n00:00:00.040 --> 00:00:01.300 line:90%\r\n<v Ann>Salt &amp; <i>pepper</i>\r\nif 2 < 3\r\n\r\n"
        "01:00:00.000 --> 01:00:02.500\r\nlate\r\n"
    )
    assert rows(parse_captions(text, "vtt")) == [(0.04, 1.3, "Salt & pepper\nif 2 < 3"), (3600, 3602.5, "late")]


def test_captions_without_any_words_are_none() -> None:
    """A video in which nobody speaks may well have a caption file."""
    assert parse_captions("WEBVTT\n", "vtt") == []
    assert parse_captions('{"events": []}', "json3") == []


def test_sloppy_subrip_is_read() -> None:
    """Cues without an empty line between them, points for commas, out of order, ending before they start."""
    text = (
        "1\n00:00:05,000 --> 00:00:06.5\n{\\an8}<b>second</b>\n2\n0:00:01.000 --> 0:00:00.500\nfirst\n3\n00:00:09,000 "
        "--> 00:00:10,000\n42\n\n"
    )
    assert rows(parse_captions(text, "srt")) == [(1, 1, "first"), (5, 6.5, "second"), (9, 10, "42")]


def test_the_json_of_youtube_is_read() -> None:
    """Automatic captions: words with their times, each line ends where the next begins, line feeds are no words."""
    events: list[dict[str, Any]] = [
        {"tStartMs": 0, "dDurationMs": 90_000, "id": 1, "wpWinPosId": 1},
        {
            "tStartMs": 160,
            "dDurationMs": 5_000,
            "wWinId": 1,
            "segs": [{"utf8": "melt", "acAsrConf": 0}, {"utf8": " butter", "tOffsetMs": 500}],
        },
        {"tStartMs": 3430, "dDurationMs": 1_000, "aAppend": 1, "segs": [{"utf8": "\n"}]},
        {"tStartMs": 3440, "dDurationMs": 2_000, "segs": [{"utf8": "[Music]"}]},
    ]
    segments = parse_captions(json.dumps({"wireMagic": "pb3", "events": events}), "json3")
    assert rows(segments) == [(0.16, 3.44, "melt butter"), (3.44, 5.44, "[Music]")]
    assert [(word.start, word.end, word.text) for word in segments[0].words] == [
        (0.16, 0.66, "melt"),
        (0.66, 3.44, "butter"),
    ]


def test_hand_made_json_captions_may_overlap() -> None:
    """Two people who speak at once are both shown for as long as they speak."""
    events = [
        {"tStartMs": 0, "dDurationMs": 4_000, "segs": [{"utf8": "- Ann,\n- yes?"}]},
        {"tStartMs": 2_000, "dDurationMs": 1_000, "segs": [{"utf8": "Ben"}]},
    ]
    segments = parse_captions(json.dumps({"events": events}), "json3")
    assert rows(segments) == [(0, 4, "- Ann,\n- yes?"), (2, 3, "Ben")]


@pytest.mark.parametrize(
    ("text", "format"),
    [
        ("<!doctype html><title>Sign in</title>", "vtt"),
        ("", "srt"),
        ("just words", "srt"),
        ("", "json3"),
        ('{"error": "gone"}', "json3"),
        ('{"events": [{"tStartMs": "soon"}]}', "json3"),
        ('{"events": [{"tStartMs": -5}]}', "json3"),
        ('{"events": [{"tStartMs": ' + "9" * 4000 + ', "segs": [{"utf8": "a"}]}]}', "json3"),
        ("[" * 100_000, "json3"),
    ],
)
def test_what_is_no_captions_is_refused(text: str, format: Any) -> None:
    """A page, nothing at all, or another JSON document gives a reason and not a transcript."""
    with pytest.raises(PermanentError) as refused:
        parse_captions(text, format)
    assert refused.value.code == "captions_unreadable"


def test_absurdly_large_captions_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A caption file cannot fill the memory."""
    monkeypatch.setattr(captions, "MAX_CHARS", len(ROLLING) - 1)
    with pytest.raises(PermanentError):
        parse_captions(ROLLING, "vtt")


PIECES = st.sampled_from(
    [
        *["WEBVTT", "\n", "\n\n", " ", "00:01.000 --> 00:02.500", "00:00:03,000 --> 00:00:01,000", "<00:00:01.500>"],
        *["<c>", "</c>", "a", "b c", "7", "&amp;", "{\\an8}", "\u2028", "-->", "\x00"],
    ]
)


@given(st.lists(PIECES, max_size=30).map("".join), st.sampled_from(["vtt", "srt"]))
def test_whatever_comes_is_ordered_or_refused(text: str, format: Any) -> None:
    """Any text is refused with a reason, or gives captions in order whose words lie within them, in order too."""
    segments = []
    with suppress(PermanentError):
        segments = parse_captions(text, format)
    assert [segment.start for segment in segments] == sorted(segment.start for segment in segments)
    for segment in segments:
        assert segment.start <= segment.end
        assert segment.text.strip()
        times = [time for word in segment.words for time in (word.start, word.end)]
        assert times == sorted(times)
        assert all(segment.start <= time <= segment.end for time in times)
