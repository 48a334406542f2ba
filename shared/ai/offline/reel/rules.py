"""What measured numbers mean for somebody who makes short videos: rules of thumb, each with where it comes from.

They are about the average of many videos. A good video may break each of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shared.ai.offline.reel.wording import ReelWording
from shared.models.reel import Pacing, Recommendation
from shared.models.video import Shot

HOOK_SEC = 3.0
"""TikTok for Business: of the ads that are clicked most, over 63 % show their message or product in the first 3 s."""
LONG_SHOT_SEC = 5.0
"""Shots of films today last 2.5 to 4 s on average (J. E. Cutting and A. Candan, Shot durations, shot classes, and the
increased pace of popular movies, 2015); short videos are not slower."""
SPEECH_WPM = (120, 180)
"""Around the 150 to 170 words a minute of radio talks in English (S. Tauroza and D. Allison, Speech rates in British
English, 1990). Languages with longer words, such as German and Russian, stay below them."""
LEAST_TEXT = 0.1
"""Share of the time. 69 % watch without sound in public (Verizon Media and Publicis Media, survey of 5 616, 2019)."""
READING_WPS = 3.0
"""Ofcom's and the BBC's limit for subtitles: 160 to 180 words a minute."""
LOUDNESS_LUFS, TOLERANCE_LU = -14.0, 2.0
"""What YouTube and Spotify play at (by ITU-R BS.1770); the tolerance is ours."""
PEAK_DBFS = -1.0
"""The highest true peak that EBU R 128 permits, so that compressing does not clip."""
ALL_SILENT = 0.99


def pacing_advice(pacing: Pacing, shots: Sequence[Shot], words: ReelWording) -> list[Recommendation]:
    """What the rules have to say; one sentence that all is well where they have nothing."""
    recommendations = [
        Recommendation(category=category, text=text)
        for rules in (_opening_advice, _rhythm_advice, _speech_advice, _text_advice, _sound_advice)
        for category, text in rules(pacing, shots, words)
    ]
    return recommendations or [Recommendation(category=words.rhythm, text=words.nothing_to_say)]


Advice = Iterator[tuple[str, str]]


def _opening_advice(pacing: Pacing, shots: Sequence[Shot], words: ReelWording) -> Advice:
    if pacing.hook_sec is None:
        yield words.opening, fill_phrase(words.no_hook, words, HOOK_SEC)
    elif pacing.hook_sec > HOOK_SEC:
        yield words.opening, fill_phrase(words.late_hook, words, pacing.hook_sec, HOOK_SEC)


def _rhythm_advice(pacing: Pacing, shots: Sequence[Shot], words: ReelWording) -> Advice:
    longest = max(shots, key=lambda shot: shot.end - shot.start, default=None)
    if longest and longest.end - longest.start > LONG_SHOT_SEC:
        yield words.rhythm, fill_phrase(words.long_shot, words, longest.start, longest.end, LONG_SHOT_SEC)


def _speech_advice(pacing: Pacing, shots: Sequence[Shot], words: ReelWording) -> Advice:
    rate, (slow, fast) = pacing.words_per_minute, SPEECH_WPM
    if rate is not None and not slow <= rate <= fast:
        phrase = words.slow_speech if rate < slow else words.fast_speech
        yield words.speech, fill_phrase(phrase, words, round(rate), slow, fast)


def _text_advice(pacing: Pacing, shots: Sequence[Shot], words: ReelWording) -> Advice:
    if pacing.first_words_sec is not None and (pacing.text_share or 0) < LEAST_TEXT:
        yield words.text, words.no_captions
    if (pacing.text_words_per_sec or 0) > READING_WPS:
        yield words.text, fill_phrase(words.hurried_text, words, pacing.text_words_per_sec, READING_WPS)


def _sound_advice(pacing: Pacing, shots: Sequence[Shot], words: ReelWording) -> Advice:
    if pacing.silence_share is None or pacing.silence_share >= ALL_SILENT:
        yield words.sound, words.add_sound
    if pacing.loudness is None:
        return
    lufs, peak = pacing.loudness.integrated_lufs, pacing.loudness.true_peak_dbfs
    away = round(abs(lufs - LOUDNESS_LUFS), 1)
    if away > TOLERANCE_LU:
        phrase = words.too_quiet if lufs < LOUDNESS_LUFS else words.too_loud
        yield words.sound, fill_phrase(phrase, words, lufs, away, LOUDNESS_LUFS)
    if peak > PEAK_DBFS:
        yield words.sound, fill_phrase(words.too_peaky, words, peak, PEAK_DBFS)


def fill_phrase(phrase: str, words: ReelWording, *numbers: float | None) -> str:
    """The phrase with these numbers in it, to one decimal; a dash for one that there is not."""
    return phrase.format(*(format_number(number, words) for number in numbers))


def format_number(number: float | None, words: ReelWording) -> str:
    if number is None:
        return "–"
    text = f"{number:.1f}".removesuffix(".0").replace(".", words.decimal).replace("-", "−")
    return "0" if text == "−0" else text
