"""A reel's result without an AI: what was measured, and what that implies."""

from __future__ import annotations

from bisect import bisect_right

from shared.ai.offline.language.detect import detect_language
from shared.ai.offline.reel.rules import fill_phrase, format_number, pacing_advice
from shared.ai.offline.reel.wording import ReelWording, reel_wording
from shared.ai.screen.line import ScreenText
from shared.analyses.evidence import Evidence, TimedLine
from shared.analyses.reel import order_scenes, spoken_text
from shared.languages import is_same_language
from shared.models.reel import KeyFactor, OriginalSpeech, Pacing, Reel, Scene
from shared.models.video import Shot


def make_reel(evidence: Evidence, screen: ScreenText, language: str) -> Reel:
    """Keys are the five aspects that are measured, the script is what each shot is known to hold.

    In English, German or Russian, whichever is asked for; else in English. The words are not translated.
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
        keys=reel_keys(pacing, words),
        script=reel_script(evidence, screen, words),
        recommendations=pacing_advice(pacing, evidence.shots, words),
        pacing=pacing,
        language=words.language,
        notes=[
            words.not_watched,
            *([] if transcript_text else [words.no_words]),
            *([words.not_translated] if transcript_text and not in_spoken_language else []),
            *([words.unread] if screen.unread else []),
        ],
    )


def reel_keys(pacing: Pacing, words: ReelWording) -> list[KeyFactor]:
    """The five aspects with their numbers."""
    descriptions = {
        words.opening: describe_opening(pacing, words),
        words.rhythm: fill_phrase(
            words.shots,
            words,
            pacing.shots,
            pacing.cuts_per_minute,
            pacing.mean_shot_sec,
            pacing.median_shot_sec,
            pacing.longest_shot_sec,
        ),
        words.speech: describe_speech(pacing, words),
        words.text: describe_text(pacing, words),
        words.sound: describe_sound(pacing, words),
    }
    return [KeyFactor(title=title, description=description) for title, description in descriptions.items()]


def describe_opening(pacing: Pacing, words: ReelWording) -> str:
    firsts = (
        (words.first_cut, pacing.first_cut_sec),
        (words.first_words, pacing.first_words_sec),
        (words.first_text, pacing.first_text_sec),
    )
    sentences = [fill_phrase(phrase, words, time) for phrase, time in firsts if time is not None]
    return " ".join(sentences) or words.nothing_first


def describe_speech(pacing: Pacing, words: ReelWording) -> str:
    if pacing.first_words_sec is None:
        return words.no_speech
    rate = pacing.words_per_minute
    return " ".join(
        [
            fill_phrase(words.spoken, words, pacing.words_spoken),
            *([] if rate is None else [fill_phrase(words.pace_of_speech, words, round(rate))]),
        ]
    )


def describe_text(pacing: Pacing, words: ReelWording) -> str:
    if not pacing.text_share:
        return words.no_text
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
    """A scene for each shot: the texts that stand in it, and the words that begin in it."""
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
    """Whether text stands there while the shot lasts; text that is gone with its end belongs to the one before."""
    return line.start < shot.end and (line.end > shot.start or line.start >= shot.start)
