"""A reel analysis without an AI provider: measures, and advice by rules of thumb, each with its source."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence

from shared.ai.offline.language.lexicon import detect_language
from shared.ai.offline.reel_wording import ReelWording, reel_wording
from shared.ai.screen.lines import ScreenText
from shared.analyses.evidence import Evidence, TimedLine
from shared.analyses.reel import KeyFactor, OriginalSpeech, Recommendation, Reel, Scene, order_scenes, spoken_text
from shared.languages import is_same_language
from shared.models.video import Pacing, Shot, TranscriptGap

HOOK_SEC = 3.0
"""TikTok for Business: over 63 % of the ads with the most clicks show their message or product in the first 3 s."""
LONG_SHOT_SEC = 5.0
"""Shots of films today last 2.5 to 4 s on average (J. E. Cutting and A. Candan, Shot durations, shot classes, and the
increased pace of popular movies, 2015); short videos are not slower."""
SPEECH_WPM = (120, 180)
"""Around the 150 to 170 words a minute of radio talks in English (S. Tauroza and D. Allison, Speech rates in British
English, 1990). Languages with longer words, such as German and Russian, stay below them."""
LEAST_TEXT = 0.1
"""Share of the time with on-screen text. 69 % watch without sound in public (Verizon Media and Publicis Media, survey
of 5 616, 2019)."""
READING_WPS = 3.0
"""Ofcom's and the BBC's limit for subtitles: 160 to 180 words a minute."""
LOUDNESS_LUFS, TOLERANCE_LU = -14.0, 2.0
"""Playback loudness of YouTube and Spotify (by ITU-R BS.1770); the tolerance is our own."""
PEAK_DBFS = -1.0
"""Highest true peak that EBU R 128 permits, so that lossy encoding does not clip."""
ALL_SILENT = 0.99
"""Silence share from which on the video counts as having no sound."""
Advice = Iterator[tuple[str, str]]


def make_reel(evidence: Evidence, screen: ScreenText, language: str) -> Reel:
    """Make a reel analysis: keys are the five measured aspects, the script has the text and speech of each shot.

    It is in English, German or Russian as `language` requests, else in English. The speech is not translated.
    """
    pacing = Pacing.model_validate(evidence.measured)
    words = reel_wording(language)
    transcript_text = spoken_text(evidence)
    spoken_language = evidence.transcript_language or detect_language(
        [segment.text for segment in evidence.transcript], None
    )
    in_spoken_language = is_same_language(spoken_language, language)
    return Reel(
        original=OriginalSpeech(
            transcription=transcript_text, translation=transcript_text if in_spoken_language else None
        ),
        keys=reel_keys(pacing, words, evidence, screen),
        script=reel_script(evidence, screen, words),
        recommendations=pacing_advice(
            pacing,
            evidence.shots,
            words,
            speech_known=not evidence.is_speech_unknown,
            text_known=not is_text_unknown(pacing, screen),
        ),
        pacing=pacing,
        language=words.language,
        notes=[
            words.not_watched,
            *([] if transcript_text else [words.no_transcript(evidence.transcript_gap)]),
            *([words.recognized.format(model)] if transcript_text and (model := evidence.transcript_model) else []),
            *([words.not_translated] if transcript_text and not in_spoken_language else []),
            *([words.unread] if screen.unread else []),
        ],
    )


def reel_keys(pacing: Pacing, words: ReelWording, evidence: Evidence, screen: ScreenText) -> list[KeyFactor]:
    """Return the five aspects with their numbers."""
    descriptions = {
        words.opening: describe_opening(pacing, words, evidence, screen),
        words.rhythm: fill_phrase(
            words.shots,
            words,
            pacing.shots,
            pacing.cuts_per_minute,
            pacing.mean_shot_sec,
            pacing.median_shot_sec,
            pacing.longest_shot_sec,
        ),
        words.speech: describe_speech(pacing, words, evidence.transcript_gap),
        words.text: describe_text(pacing, words, screen),
        words.sound: describe_sound(pacing, words),
    }
    return [KeyFactor(title=title, description=description) for title, description in descriptions.items()]


def describe_opening(pacing: Pacing, words: ReelWording, evidence: Evidence, screen: ScreenText) -> str:
    firsts = (
        (words.first_cut, pacing.first_cut_sec),
        (words.first_words, pacing.first_words_sec),
        (words.first_text, pacing.first_text_sec),
    )
    sentences = [fill_phrase(phrase, words, time) for phrase, time in firsts if time is not None]
    if not sentences and evidence.is_speech_unknown:
        # The first words are unknown, which is not the same as none.
        return words.nothing_seen_first
    if not sentences and is_text_unknown(pacing, screen):
        return words.text_not_read
    return " ".join(sentences) or words.nothing_first


def is_text_unknown(pacing: Pacing, screen: ScreenText) -> bool:
    """Return True if there may be on-screen text that was not read."""
    return pacing.text_share is None or screen.unread or screen.is_cut


def describe_speech(pacing: Pacing, words: ReelWording, gap: TranscriptGap | None) -> str:
    if pacing.first_words_sec is None:
        return words.no_transcript(gap)
    rate = pacing.words_per_minute
    return " ".join(
        [
            fill_phrase(words.spoken, words, pacing.words_spoken),
            *([] if rate is None else [fill_phrase(words.pace_of_speech, words, round(rate))]),
        ]
    )


def describe_text(pacing: Pacing, words: ReelWording, screen: ScreenText) -> str:
    if not pacing.text_share:
        return words.text_not_read if is_text_unknown(pacing, screen) else words.no_text
    rate = pacing.text_words_per_sec
    return " ".join(
        [
            fill_phrase(words.text_share, words, round(100 * pacing.text_share)),
            *([] if rate is None else [fill_phrase(words.text_pace, words, rate)]),
        ]
    )


def describe_sound(pacing: Pacing, words: ReelWording) -> str:
    if pacing.silence_share is None:
        return words.no_sound
    loudness = pacing.loudness
    return " ".join(
        [
            *(
                [fill_phrase(words.loudness, words, loudness.integrated_lufs, loudness.true_peak_dbfs)]
                if loudness
                else []
            ),
            fill_phrase(words.silence, words, round(100 * pacing.silence_share)),
        ]
    )


def reel_script(evidence: Evidence, screen: ScreenText, words: ReelWording) -> list[Scene]:
    """Return a scene for each shot, with its on-screen texts and the segments that begin in it."""
    scenes = []
    starts = [shot.start for shot in evidence.shots[1:]]
    for number, shot in enumerate(evidence.shots, start=1):
        texts = [line.text for line in screen.lines if is_on_screen(line, shot)]
        spoken = [segment.text for segment in evidence.transcript if bisect_right(starts, segment.start) == number - 1]
        visual = [words.shot.format(number), *([words.on_screen.format(" · ".join(texts))] if texts else [])]
        scenes.append(
            Scene(
                start=shot.start,
                end=shot.end,
                visual=", ".join(visual),
                text=" ".join(spoken),
                note=words.length.format(format_number(shot.end - shot.start, words)),
            )
        )
    return order_scenes(scenes, evidence.info.duration_sec)


def is_on_screen(line: TimedLine, shot: Shot) -> bool:
    """Return True if text is on screen during the shot; text that ends where it starts belongs to the shot before."""
    return line.start < shot.end and (line.end > shot.start or line.start >= shot.start)


def pacing_advice(
    pacing: Pacing, shots: Sequence[Shot], words: ReelWording, *, speech_known: bool = True, text_known: bool = True
) -> list[Recommendation]:
    """Return the advice of all rules; a single sentence that no measurement is unusual if no rule applies.

    No rule concludes anything from the absence of speech that was not transcribed, or of text that was not read.
    """
    rules = (
        _opening_advice(pacing, words) if speech_known and (text_known or pacing.first_text_sec is not None) else (),
        _rhythm_advice(shots, words),
        _speech_advice(pacing, words),
        _text_advice(pacing, words, text_known),
        _sound_advice(pacing, words),
    )
    recommendations = [Recommendation(category=category, text=text) for rule in rules for category, text in rule]
    return recommendations or [Recommendation(category=words.rhythm, text=words.nothing_to_say)]


def _opening_advice(pacing: Pacing, words: ReelWording) -> Advice:
    if pacing.hook_sec is None:
        yield words.opening, fill_phrase(words.no_hook, words, HOOK_SEC)
    elif pacing.hook_sec > HOOK_SEC:
        yield words.opening, fill_phrase(words.late_hook, words, pacing.hook_sec, HOOK_SEC)


def _rhythm_advice(shots: Sequence[Shot], words: ReelWording) -> Advice:
    longest = max(shots, key=lambda shot: shot.end - shot.start, default=None)
    if longest and longest.end - longest.start > LONG_SHOT_SEC:
        yield words.rhythm, fill_phrase(words.long_shot, words, longest.start, longest.end, LONG_SHOT_SEC)


def _speech_advice(pacing: Pacing, words: ReelWording) -> Advice:
    rate, (slow, fast) = pacing.words_per_minute, SPEECH_WPM
    if rate is not None and not slow <= rate <= fast:
        phrase = words.slow_speech if rate < slow else words.fast_speech
        yield words.speech, fill_phrase(phrase, words, round(rate), slow, fast)


def _text_advice(pacing: Pacing, words: ReelWording, text_known: bool) -> Advice:
    if text_known and pacing.first_words_sec is not None and (pacing.text_share or 0) < LEAST_TEXT:
        yield words.text, words.no_captions
    if (pacing.text_words_per_sec or 0) > READING_WPS:
        yield words.text, fill_phrase(words.hurried_text, words, pacing.text_words_per_sec, READING_WPS)


def _sound_advice(pacing: Pacing, words: ReelWording) -> Advice:
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
    """Fill numbers into a phrase, with one decimal; a dash for a missing number."""
    return phrase.format(*(format_number(number, words) for number in numbers))


def format_number(number: float | None, words: ReelWording) -> str:
    if number is None:
        return "–"
    text = f"{number:.1f}".removesuffix(".0").replace(".", words.decimal).replace("-", "−")
    return "0" if text == "−0" else text
