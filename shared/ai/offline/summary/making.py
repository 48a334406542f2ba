"""A summary without an AI: sentences that are said in the video, chosen and not written."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

from shared.ai.offline.language.detect import detect
from shared.ai.offline.summary.central import central
from shared.ai.offline.summary.sentences import Sentence, sentences
from shared.ai.screen.line import ScreenText
from shared.analyses.evidence import Evidence
from shared.analyses.grounding import clamp_time
from shared.analyses.summary import UNTITLED, cover_video
from shared.languages import primary, same_language
from shared.models.summary import Chapter, KeyPoint, VideoSummary
from shared.models.video import Shot

SENTENCES = 3
"""Of the summary."""
FEWEST_POINTS, MOST_POINTS = 3, 10
SECONDS_A_POINT = 60
SHORTEST_CHAPTER_SEC = 10.0
"""As on YouTube."""
MOST_CHAPTERS = 10
LONG_PAUSE_SEC = 1.5
BESIDE_CUT_SEC = 0.5
"""A cut so near to a pause belongs to it, and makes it count for twice its length."""
MAX_TITLE = 60

EXTRACTED = (
    "Created without AI: the sentences are quoted from the video, chosen because their words are most typical of the "
    "whole (centroid-based extraction). Chapters begin after long pauses."
)
NO_WORDS = "No transcript is available for this video: it has no subtitles, and no speech was transcribed."
FROM_SCREEN = "The points are on-screen texts."
NOT_TRANSLATED = "The text is in the language of the video; translation requires an AI provider."
UNREAD = "Cyrillic on-screen text could not be read. Install Tesseract with Russian, then run the job again."


def make_summary(evidence: Evidence, screen: ScreenText, language: str) -> VideoSummary:
    """In the language of the video. Without words it has the texts on the screen, and says so."""
    said = sentences(evidence.transcript)
    return extracted(said, evidence, language) if said else without_words(evidence, screen)


def extracted(said: list[Sentence], evidence: Evidence, language: str) -> VideoSummary:
    duration = evidence.info.duration_sec
    wanted = min(MOST_POINTS, max(FEWEST_POINTS, round(duration / SECONDS_A_POINT)))
    best = central([sentence.text for sentence in said], wanted)
    spoken_in = primary(evidence.transcript_language) or detect([sentence.text for sentence in said], None)
    foreign = not same_language(spoken_in, language)
    return VideoSummary(
        title=evidence.title,
        summary=" ".join(said[number].text for number in sorted(best[:SENTENCES])),
        key_points=[
            KeyPoint(
                text=said[number].text,
                start=round(clamp_time(said[number].start, duration), 2),
                quote=said[number].text,
            )
            for number in sorted(best)
        ],
        chapters=chapters(said, evidence.shots, duration),
        duration_sec=duration,
        language=spoken_in,
        notes=[EXTRACTED, *([NOT_TRANSLATED] if foreign else [])],
    )


def without_words(evidence: Evidence, screen: ScreenText) -> VideoSummary:
    duration = evidence.info.duration_sec
    lines = screen.lines[:MOST_POINTS]
    return VideoSummary(
        title=evidence.title,
        summary="",
        key_points=[KeyPoint(text=line.text, start=round(line.start, 2)) for line in lines],
        chapters=cover_video([Chapter(title=evidence.title or UNTITLED, start=0)], duration),
        duration_sec=duration,
        language=detect([line.text for line in lines], None),
        notes=[NO_WORDS, *([FROM_SCREEN] if lines else []), *([UNREAD] if screen.unread else [])],
    )


def chapters(said: list[Sentence], shots: Sequence[Shot], duration: float) -> list[Chapter]:
    """From long pause to long pause, the longest first; each named after its most central sentence."""
    shortest = max(SHORTEST_CHAPTER_SEC, duration / MOST_CHAPTERS)
    starts = [0.0]
    for _, start in sorted(pauses(said, shots), reverse=True):
        if all(abs(start - other) >= shortest for other in [*starts, duration]):
            starts.append(start)
    starts.sort()
    within: list[list[str]] = [[] for _ in starts]
    for sentence in said:
        within[max(0, bisect_right(starts, sentence.start) - 1)].append(sentence.text)
    named = zip(starts, within, strict=True)
    return cover_video([Chapter(title=title_of(texts), start=start) for start, texts in named], duration)


def pauses(said: list[Sentence], shots: Sequence[Shot]) -> list[tuple[float, float]]:
    """How long each long pause counts, and when the sentence after it starts."""
    found = []
    for before, after in pairwise(said):
        pause = after.start - before.end
        near_cut = any(before.end - BESIDE_CUT_SEC <= shot.start <= after.start + BESIDE_CUT_SEC for shot in shots[1:])
        if pause * (1 + near_cut) >= LONG_PAUSE_SEC:
            found.append((pause * (1 + near_cut), after.start))
    return found


def title_of(texts: list[str]) -> str:
    """The most central text, shortened at a space."""
    best = central(texts, 1)
    text = texts[best[0]] if best else UNTITLED
    if len(text) <= MAX_TITLE:
        return text
    return text[:MAX_TITLE].rsplit(" ", 1)[0].rstrip(" ,;:–-") + " …"
