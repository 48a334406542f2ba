"""A video summed up: by each AI service, and offline."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.ai.offline.summary import central_texts, split_sentences
from shared.analyses.evidence import Evidence
from shared.analyses.summary import Chapter, VideoSummary, cover_video
from shared.models.file_tags import FileChapter
from shared.models.video import Segment, Shot
from tests.recipe_samples import DURATION, samples_showing
from tests.reel_samples import evidence, summary
from tests.unit.analyses.served_provider import ServedProvider, offline


def analyze(served: ServedProvider, inputs: Evidence) -> VideoSummary:
    result = served.analyze("summary", inputs, "de")
    assert isinstance(result, VideoSummary)
    return result


def analyze_offline(inputs: Evidence, language: str = "en") -> VideoSummary:
    result = offline("summary", inputs, language)
    assert isinstance(result, VideoSummary)
    return result


def test_a_video_is_summed_up(served: ServedProvider, tmp_path: Path) -> None:
    """The text is the model's; its times are those of stored words, which stand beside them, and chapters cover all."""
    served.queue_answers(summary(durationSec=1, language="tlh", notes=["cheap"]))
    result = analyze(served, evidence(tmp_path))
    assert [(point.start, point.quote) for point in result.key_points] == [
        (1.5, "Stop watering your plants every day."),
        (19, "If it is dry two fingers deep, water the plants until it runs out below."),
        (None, None),
    ]
    assert [(chapter.title, chapter.start, chapter.end) for chapter in result.chapters] == [
        ("Warum nicht täglich", 0, 15),
        ("Wie gießen", 15, DURATION),
    ]
    assert (result.title, result.duration_sec, result.language, result.notes) == ("Richtig gießen", DURATION, "de", [])


def with_chapters(tmp_path: Path, **changes: Any) -> Evidence:
    """A file with three chapters, the last without a title."""
    inputs = evidence(tmp_path, **changes)
    starts, titles = [0.0, 12.0, 20.0], ["Intro", "Water", None]
    ends = [*starts[1:], inputs.info.duration_sec]
    chapters = [
        FileChapter(start=start, end=end, title=title) for start, end, title in zip(starts, ends, titles, strict=True)
    ]
    return replace(inputs, info=inputs.info.model_copy(update={"chapters": chapters}))


def test_the_chapters_of_the_file_are_kept(served: ServedProvider, tmp_path: Path) -> None:
    """Who divided a video into chapters finds the same ones in the summary, with the model's titles for them."""
    served.queue_answers(summary(chapters=[{"title": "Einleitung", "start": 0}, {"title": "Erfunden", "start": 5}]))
    result = analyze(served, with_chapters(tmp_path))
    assert [(chapter.title, chapter.start) for chapter in result.chapters] == [
        ("Einleitung", 0),
        ("Water", 12),
        ("–", 20),
    ]
    assert '"title": "Water"' in str(served.service.requests[0]).replace("\\", "")


def test_offline_keeps_the_chapters_of_the_file(tmp_path: Path) -> None:
    """Without an AI the chapters are the file's, too; one without a title gets its most central sentence."""
    result = analyze_offline(with_chapters(tmp_path))
    assert [chapter.start for chapter in result.chapters] == [0, 12, 20]
    assert [chapter.title for chapter in result.chapters[:2]] == ["Intro", "Water"]
    silent = analyze_offline(with_chapters(tmp_path, transcript=[]))
    assert [chapter.title for chapter in silent.chapters] == ["Intro", "Water", "–"]


def test_there_is_a_chapter_or_a_repair(served: ServedProvider, tmp_path: Path) -> None:
    """An answer without chapters goes back once."""
    served.queue_answers(summary(chapters=[]), summary())
    assert analyze(served, evidence(tmp_path)).chapters
    assert len(served.service.requests) == 2


def test_of_nothing_nothing_is_summed_up(served: ServedProvider, tmp_path: Path) -> None:
    """A model that was shown nothing cannot have summed anything up, whatever it says."""
    served.queue_answers(summary())
    result = analyze(served, evidence(tmp_path, transcript=[], transcript_source=None, frames=[]))
    assert (result.title, result.summary, result.key_points) == (None, "", [])
    assert [(chapter.start, chapter.end) for chapter in result.chapters] == [(0, DURATION)]
    assert result.notes == ["No transcript is available for this video."]


@given(st.lists(st.floats(-100, 1e5), min_size=1, max_size=10), st.floats(0, 1e4))
def test_chapters_cover_the_video(starts: list[float], duration: float) -> None:
    """Law: chapters begin at 0, end at the end, and each begins where the one before ended."""
    chapters = cover_video([Chapter(title=str(start), start=start) for start in starts], duration)
    assert chapters[0].start == 0
    assert chapters[-1].end == duration
    assert all(before.end == after.start for before, after in pairwise(chapters))
    assert all(chapter.start < chapter.end for chapter in chapters) or duration == 0 or len(chapters) == 1


LECTURE = [
    "Bees dance to tell other bees where flowers are.",
    "The angle of the dance shows the direction of the flowers.",
    "Yes.",
    "The length of the dance shows how far the flowers are away.",
    "My uncle had a red car once.",
    "Honey keeps for thousands of years without going bad.",
    "Bees make honey from nectar of flowers in the hive.",
    "The hive stores honey for the winter of the bees.",
]


def lecture(**changes: Any) -> dict[str, Any]:
    """Ten seconds a sentence, with a long pause before the honey."""
    said = [Segment(start=10 * n, end=10 * n + 9.5, text=text) for n, text in enumerate(LECTURE[:5])]
    said += [Segment(start=10 * n + 3, end=10 * n + 12, text=text) for n, text in enumerate(LECTURE[5:], start=5)]
    return {"transcript": said, "shots": [Shot(start=0, end=90)]} | changes


def test_offline_chooses_sentences(tmp_path: Path) -> None:
    """Without an AI the summary is made of the video's own sentences, in their order, and says so."""
    result = analyze_offline(evidence(tmp_path, **lecture()))
    chosen = [point.text for point in result.key_points]
    assert chosen == [text for text in LECTURE if text in chosen]
    assert "My uncle had a red car once." not in chosen
    assert "Yes." not in chosen
    assert all(point.text == point.quote for point in result.key_points)
    assert all(text in " ".join(chosen) for text in result.summary.split(". ")[:1])
    assert "without AI" in result.notes[0]
    assert (result.language, len(result.notes)) == ("en", 1)


def test_offline_warns_of_misheard_words(tmp_path: Path) -> None:
    """A reader of quoted sentences learns which model recognized them; subtitles need no such warning."""
    heard = analyze_offline(evidence(tmp_path, **lecture(transcript_source="speech", transcript_model="Whisper base")))
    assert heard.notes[1:] == ["The speech was recognized by the model Whisper base; words may be misheard."]
    read = analyze_offline(evidence(tmp_path, **lecture(transcript_source="subtitles", transcript_model=None)))
    assert read.notes == heard.notes[:1]


def test_a_farewell_is_no_key_point() -> None:
    """A sentence of function words is not chosen, however many it has and however close it is to the others."""
    texts = ["That is all for today.", "Water all the tomatoes in the morning.", "Turn the pile every two weeks."]
    assert sorted(central_texts(texts, 3)) == [1, 2]


def test_offline_chapters_begin_after_long_pauses(tmp_path: Path) -> None:
    """A pause of seconds between two topics divides the video, and a chapter is named by what is said in it."""
    info = evidence(tmp_path).info.model_copy(update={"duration_sec": 90})
    result = analyze_offline(evidence(tmp_path, **lecture(info=info)))
    assert [(chapter.start, chapter.end) for chapter in result.chapters] == [(0, 53), (53, 90)]
    assert "dance" in result.chapters[0].title
    assert "honey" in result.chapters[1].title.lower()


def test_offline_does_not_translate(tmp_path: Path) -> None:
    """The sentences stay as they are said, and the result says in which language and that they do."""
    result = analyze_offline(evidence(tmp_path, **lecture()), "ru")
    assert result.language == "en"
    assert len(result.notes) == 2


def test_offline_without_words_keeps_the_screen(tmp_path: Path) -> None:
    """A video in which nobody speaks has no summary, but the texts on its screen with their times, and says so."""
    silent: dict[str, Any] = {"transcript": [], "transcript_language": None, "transcript_source": None}
    result = analyze_offline(evidence(tmp_path, samples=samples_showing("Only water dry soil", tmp_path), **silent))
    assert (result.title, result.summary) == (None, "")
    assert [(point.text, point.start) for point in result.key_points] == [("Only water dry soil", 0)]
    assert [(chapter.start, chapter.end) for chapter in result.chapters] == [(0, DURATION)]
    assert "No transcript" in result.notes[0]


@given(st.lists(st.text(max_size=40), max_size=12), st.integers(0, 6))
def test_any_sentences_can_be_chosen_from(texts: list[str], count: int) -> None:
    """Law: at most so many are chosen, each once, and all of them are there."""
    chosen = central_texts(texts, count)
    assert len(chosen) == len(set(chosen)) <= count
    assert all(0 <= number < len(texts) for number in chosen)


def test_sentences_go_across_segments() -> None:
    """Lines of subtitles become sentences with the times of the lines they begin and end in."""
    lines = [(0, 2, "Put the"), (2, 4, "kettle on. And"), (4, 6, "wait!"), (9, 10, "no full stop"), (12, 13, "after")]
    said = [Segment(start=start, end=end, text=text) for start, end, text in lines]
    assert [(one.text, one.start, one.end) for one in split_sentences(said)] == [
        ("Put the kettle on.", 0, 4),
        ("And wait!", 2, 6),
        ("no full stop", 9, 10),
        ("after", 12, 13),
    ]


def test_words_without_spaces_and_stops_are_sentences_too() -> None:
    """Japanese ends its sentences in its own way, and captions of machines do not end them at all."""
    japanese = split_sentences([Segment(start=0, end=5, text="水をやりすぎないで。根は空気が必要です。")])
    assert [one.text for one in japanese] == ["水をやりすぎないで。", "根は空気が必要です。"]
    endless = split_sentences([Segment(start=n, end=n + 1, text="one two three four five") for n in range(20)])
    assert len(endless) == 3
