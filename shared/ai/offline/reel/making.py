"""A reel's result without an AI: what was measured, and what that implies."""

from __future__ import annotations

from bisect import bisect_right

from shared.ai.offline.language.detect import detect
from shared.ai.offline.reel.rules import advice, number_text, told
from shared.ai.offline.reel.wording import Wording, wording
from shared.ai.screen.line import ScreenText
from shared.analyses.evidence import Evidence, TimedLine
from shared.analyses.reel import order_scenes, spoken_text
from shared.languages import same_language
from shared.models.reel import KeyFactor, OriginalSpeech, Pacing, Reel, Scene
from shared.models.video import Shot


def make_reel(evidence: Evidence, screen: ScreenText, language: str) -> Reel:
    """Keys are the five aspects that are measured, the script is what each shot is known to hold.

    In English, German or Russian, whichever is asked for; else in English. The words are not translated.
    """
    pacing = Pacing.model_validate(evidence.measured)
    words = wording(language)
    said = spoken_text(evidence)
    spoken_in = evidence.transcript_language or detect([segment.text for segment in evidence.transcript], None)
    understood = same_language(spoken_in, language)
    return Reel(
        original=OriginalSpeech(transcription=said, translation=said if understood else None),
        keys=keys(pacing, words),
        script=script(evidence, screen, words),
        recommendations=advice(pacing, evidence.shots, words),
        pacing=pacing,
        language=words.language,
        notes=[
            words.not_watched,
            *([] if said else [words.no_words]),
            *([words.not_translated] if said and not understood else []),
            *([words.unread] if screen.unread else []),
        ],
    )


def keys(pacing: Pacing, words: Wording) -> list[KeyFactor]:
    """The five aspects with their numbers."""
    told_by_aspect = {
        words.opening: opening(pacing, words),
        words.rhythm: told(
            words.shots,
            words,
            pacing.shots,
            pacing.cuts_per_minute,
            pacing.mean_shot_sec,
            pacing.median_shot_sec,
            pacing.longest_shot_sec,
        ),
        words.speech: speech(pacing, words),
        words.text: text(pacing, words),
        words.sound: sound(pacing, words),
    }
    return [KeyFactor(title=title, description=description) for title, description in told_by_aspect.items()]


def opening(pacing: Pacing, words: Wording) -> str:
    firsts = (
        (words.first_cut, pacing.first_cut_sec),
        (words.first_words, pacing.first_words_sec),
        (words.first_text, pacing.first_text_sec),
    )
    known = [told(phrase, words, time) for phrase, time in firsts if time is not None]
    return " ".join(known) or words.nothing_first


def speech(pacing: Pacing, words: Wording) -> str:
    if pacing.first_words_sec is None:
        return words.no_speech
    rate = pacing.words_per_minute
    return " ".join(
        [
            told(words.spoken, words, pacing.words_spoken),
            *([] if rate is None else [told(words.pace_of_speech, words, round(rate))]),
        ]
    )


def text(pacing: Pacing, words: Wording) -> str:
    if not pacing.text_share:
        return words.no_text
    rate = pacing.text_words_per_sec
    return " ".join(
        [
            told(words.text_share, words, round(100 * pacing.text_share)),
            *([] if rate is None else [told(words.text_pace, words, rate)]),
        ]
    )


def sound(pacing: Pacing, words: Wording) -> str:
    if pacing.silence_share is None:
        return words.no_sound
    loudness = pacing.loudness
    return " ".join(
        [
            *([told(words.loudness, words, loudness.integrated_lufs, loudness.true_peak_dbfs)] if loudness else []),
            told(words.silence, words, round(100 * pacing.silence_share)),
        ]
    )


def script(evidence: Evidence, screen: ScreenText, words: Wording) -> list[Scene]:
    """A scene for each shot: the texts that stand in it, and the words that begin in it."""
    scenes = []
    starts = [shot.start for shot in evidence.shots[1:]]
    for number, shot in enumerate(evidence.shots, start=1):
        shown = [line.text for line in screen.lines if overlaps(line, shot)]
        begun = [one.text for one in evidence.transcript if bisect_right(starts, one.start) == number - 1]
        visual = [words.shot.format(number), *([words.on_screen.format(" · ".join(shown))] if shown else [])]
        scenes.append(
            Scene(
                start=shot.start,
                end=shot.end,
                visual=", ".join(visual),
                text=" ".join(begun),
                note=words.length.format(number_text(shot.end - shot.start, words)),
            )
        )
    return order_scenes(scenes, evidence.info.duration_sec)


def overlaps(line: TimedLine, shot: Shot) -> bool:
    """Whether text stands there while the shot lasts; text that is gone with its end belongs to the one before."""
    return line.start < shot.end and (line.end > shot.start or line.start >= shot.start)
