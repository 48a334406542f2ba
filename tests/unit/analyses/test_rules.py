"""What measured numbers imply, number by number."""

from __future__ import annotations

from typing import Any

import pytest

from shared.ai.offline.reel import pacing_advice
from shared.ai.offline.reel_wording import ENGLISH, GERMAN, RUSSIAN, ReelWording, reel_wording
from shared.models.video import Loudness, Pacing, Shot

GOOD: dict[str, Any] = {
    "duration_sec": 30,
    "shots": 10,
    "cuts_per_minute": 18,
    "hook_sec": 0.5,
    "first_words_sec": 0.5,
    "words_per_minute": 150,
    "text_share": 0.6,
    "text_words_per_sec": 1.5,
    "silence_share": 0.1,
    "loudness": Loudness(integrated_lufs=-14, range_lu=5, true_peak_dbfs=-1.5),
}
QUICK = [Shot(start=time, end=time + 3) for time in range(0, 30, 3)]
SLOW = [Shot(start=0, end=4), Shot(start=4, end=9.2)]


def loudness(lufs: float, peak: float) -> Loudness:
    return Loudness(integrated_lufs=lufs, range_lu=5, true_peak_dbfs=peak)


@pytest.mark.parametrize(
    ("changes", "shots", "phrases"),
    [
        ({}, QUICK, ["nothing_to_say"]),
        ({"hook_sec": 3.0}, QUICK, ["nothing_to_say"]),
        ({"hook_sec": 3.1}, QUICK, ["late_hook"]),
        ({"hook_sec": None}, QUICK, ["no_hook"]),
        ({}, SLOW, ["long_shot"]),
        ({"words_per_minute": 119.4}, QUICK, ["slow_speech"]),
        ({"words_per_minute": 180.6}, QUICK, ["fast_speech"]),
        ({"words_per_minute": None}, QUICK, ["nothing_to_say"]),
        ({"text_share": 0.05}, QUICK, ["no_captions"]),
        ({"text_share": None, "text_words_per_sec": None}, QUICK, ["no_captions"]),
        ({"text_share": 0.0, "first_words_sec": None}, QUICK, ["nothing_to_say"]),
        ({"text_words_per_sec": 3.2}, QUICK, ["hurried_text"]),
        ({"loudness": loudness(-16.1, -2)}, QUICK, ["too_quiet"]),
        ({"loudness": loudness(-9, -0.2)}, QUICK, ["too_loud", "too_peaky"]),
        ({"loudness": None, "silence_share": 1.0}, QUICK, ["add_sound"]),
        ({"loudness": None, "silence_share": None}, QUICK, ["add_sound"]),
    ],
)
@pytest.mark.parametrize("words", [ENGLISH, GERMAN, RUSSIAN], ids=lambda words: words.language)
def test_each_rule_speaks_from_its_limit_on(
    changes: dict[str, Any], shots: list[Shot], phrases: list[str], words: ReelWording
) -> None:
    """A number within the limits is no reason for advice, one beyond is, in each language."""
    found = [one.text for one in pacing_advice(Pacing(**(GOOD | changes)), shots, words)]
    starts = [getattr(words, phrase).partition("{")[0] for phrase in phrases]
    assert len(found) == len(starts)
    assert all(text.startswith(start) for text, start in zip(found, starts, strict=True))
    assert not any("{" in text for text in found)


@pytest.mark.parametrize("words", [ENGLISH, GERMAN, RUSSIAN], ids=lambda words: words.language)
@pytest.mark.parametrize("hook", [None, 8.0])
def test_no_rule_rests_on_speech_that_nobody_heard(words: ReelWording, hook: float | None) -> None:
    """Where the audio was not transcribed, nobody is advised to begin earlier or to speak: perhaps somebody does."""
    unheard = Pacing(**(GOOD | {"hook_sec": hook, "first_words_sec": None, "words_per_minute": None}))
    (advice,) = pacing_advice(unheard, QUICK, words, speech_known=False)
    assert advice.text == words.nothing_to_say


def test_no_rule_rests_on_text_that_nobody_read() -> None:
    """Where on-screen text could not be read, nobody is advised to add captions or to begin with text."""
    unread = Pacing(**(GOOD | {"text_share": 0.0, "hook_sec": 5.0}))
    assert [one.text for one in pacing_advice(unread, QUICK, ENGLISH, text_known=False)] == [ENGLISH.nothing_to_say]


def test_numbers_are_written_as_the_language_does() -> None:
    """Decimals have a comma in German and Russian."""
    (text,) = pacing_advice(Pacing(**(GOOD | {"hook_sec": 4.25})), QUICK, GERMAN)
    assert text.text == "Bis 4,2 s ändert sich nichts. Mit Schnitt, Wort oder Text in den ersten 3 s beginnen."


@pytest.mark.parametrize(
    ("tag", "language"), [("de-CH", "de"), ("deu", "de"), ("RU", "ru"), ("pt-BR", "en"), ("x", "en")]
)
def test_any_language_tag_is_served(tag: str, language: str) -> None:
    """A language without words of its own gets the English ones."""
    assert reel_wording(tag).language == language


def test_the_languages_have_the_same_places() -> None:
    """No sentence loses a number in translation."""
    for name, phrase in vars(ENGLISH).items():
        assert phrase.count("{}") == getattr(GERMAN, name).count("{}") == getattr(RUSSIAN, name).count("{}"), name
