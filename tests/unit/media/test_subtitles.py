"""Subtitles that travel inside a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.errors import PermanentError
from shared.media.probe import probe
from shared.media.subtitles import read_subtitles
from shared.models.video import LEAST_SEGMENTS, LEAST_TEXT, Segment, SubtitleTrack, TextLimit, Word
from tests.media_samples import ffmpeg, with_subtitles

SRT = """1
00:00:00,250 --> 00:00:00,900
<i>Pancakes</i> with <font color="#ff0000">eggs</font>
{\\an8}2 < 3 & 4 > 1 {really}

2
00:00:01,100 --> 00:00:01,750
1½ TL Salz, 200 г муки
"""
WORDS = [(0.25, 0.9, "Pancakes with eggs\n2 < 3 & 4 > 1 {really}"), (1.1, 1.75, "1½ TL Salz, 200 г муки")]

ASS = """[Script Info]
ScriptType: v4.00+
[V4+ Styles]
Format: Name, Fontname
Style: Default,Sans
[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: 0,0:00:00.25,0:00:00.90,Default,,0,0,0,,{\\i1}Stir{\\i0}, then\\Nwait,\\h then stir
Dialogue: 0,0:00:00.30,0:00:00.90,Default,,0,0,0,,{\\p1}m 0 0 l 100 0 100 100{\\p0}
"""


@pytest.mark.parametrize(("codec", "suffix"), [("mov_text", "mp4"), ("srt", "mkv"), ("webvtt", "mkv")])
def test_words_come_out_as_they_are_shown(tmp_path: Path, silent: Path, codec: str, suffix: str) -> None:
    """What is written in a subtitle is read with its real times, without its markup, and nothing of it is lost."""
    script = SRT if codec == "srt" else SRT.replace("{\\an8}", "")  # the others have no such markup
    path = with_subtitles(tmp_path / f"video.{suffix}", silent, codec, script)
    (track,) = probe(path).subtitles
    read = [(segment.start, segment.end, segment.text) for segment in read_subtitles(path, track)]
    assert [text for _, _, text in read] == [text for _, _, text in WORDS]
    for (start, end, _), (real_start, real_end, _) in zip(read, WORDS, strict=True):
        assert (start, end) == (pytest.approx(real_start, abs=0.01), pytest.approx(real_end, abs=0.01))


def test_styled_subtitles_lose_their_style_and_drawings(tmp_path: Path, silent: Path) -> None:
    """Of an ASS track only what can be read is taken."""
    path = with_subtitles(tmp_path / "video.mkv", silent, "ass", ASS, suffix="ass")
    (track,) = probe(path).subtitles
    assert [segment.text for segment in read_subtitles(path, track)] == ["Stir, then\nwait, then stir"]


def test_the_language_is_told_where_it_is_tagged(tmp_path: Path, silent: Path) -> None:
    """A transcript knows its language if the file says it."""
    tagged = with_subtitles(tmp_path / "tagged.mp4", silent, "mov_text", SRT, language="deu")
    untagged = with_subtitles(tmp_path / "untagged.mp4", silent, "mov_text", SRT, language="und")
    assert [track.language for track in (probe(tagged).subtitles + probe(untagged).subtitles)] == ["deu", None]


def test_times_count_from_the_start_of_the_presentation(tmp_path: Path, silent: Path) -> None:
    """In a stream whose clock does not start at zero, a subtitle has the time at which people see it."""
    plain = with_subtitles(tmp_path / "plain.mkv", silent, "srt", SRT)
    late = ffmpeg(tmp_path / "late.mkv", "-i", plain, "-map", "0", "-c", "copy", "-output_ts_offset", "100")
    info = probe(late)
    (segment, _) = read_subtitles(late, info.subtitles[0], start=info.clock_start)
    assert segment.start == pytest.approx(0.25, abs=0.05)
    assert probe(late).duration_sec == pytest.approx(2, abs=0.1)


def test_a_line_that_is_shown_on_is_one_line(tmp_path: Path, silent: Path) -> None:
    """The same words in subtitles that follow at once are not said twice."""
    script = "".join(f"{n}\n00:00:0{n},000 --> 00:00:0{n + 1},000\nWhisk\n\n" for n in range(2))
    path = with_subtitles(tmp_path / "video.mkv", silent, "srt", script)
    (segment,) = read_subtitles(path, probe(path).subtitles[0])
    assert (segment.start, segment.end, segment.text) == (0, 2, "Whisk")


def test_a_track_that_is_not_there_is_refused(silent: Path) -> None:
    """Asking for subtitles that a file does not have gives a reason, not an empty transcript."""
    with pytest.raises(PermanentError) as refused:
        read_subtitles(silent, SubtitleTrack(index=7, codec="subrip"))
    assert refused.value.code == "no_subtitles"


def test_subtitles_are_read_up_to_the_limit_of_the_duration(tmp_path: Path, silent: Path) -> None:
    """Thousands of subtitles in a video of seconds cost no more than it may have, and the result states the cut."""
    cues = "".join(f"{n}\n00:00:00,{n % 1000:03} --> 00:00:01,000\ncue {n}\n\n" for n in range(3000))
    path = with_subtitles(tmp_path / "video.mkv", silent, "srt", cues)
    (track,) = probe(path).subtitles
    limit = TextLimit(2)
    segments = read_subtitles(path, track, limit)
    assert LEAST_SEGMENTS <= len(segments) <= LEAST_SEGMENTS + 40
    (note,) = limit.notes
    assert "The transcript was cut" in note


def test_text_has_a_limit_per_second_and_in_all() -> None:
    """Speech of any speed keeps every word; what nobody can say in the time is cut, in words as in segments."""
    spoken = [Segment(start=second, end=second + 1, text="x" * 40) for second in range(14_400)]
    fair = TextLimit(14_400)
    assert (len(fair.cut(spoken)), fair.notes) == (14_400, [])
    for crowd in (
        [Segment(start=0, end=1, text="x" * 1000)] * 50,
        [Segment(start=0, end=1, text="", words=[Word(start=0, end=1, text="x" * 1000)])] * 50,
    ):
        limit = TextLimit(1)
        assert sum(1000 for _ in limit.cut(crowd)) <= LEAST_TEXT + 100
        assert limit.notes
    endless = TextLimit()
    assert len(endless.cut([Segment(start=0, end=1, text="x" * 10_000)] * 200)) == 100
