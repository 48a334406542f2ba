"""A summary without an AI provider: the most central sentences of the transcript, and chapters at long pauses."""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from shared.ai.offline.language.lexicon import detect_language
from shared.ai.offline.language.tables import words
from shared.ai.offline.terms import terms
from shared.ai.screen.lines import ScreenText
from shared.analyses.evidence import Evidence, clamp_time
from shared.analyses.summary import UNTITLED, Chapter, KeyPoint, VideoSummary, cover_video, keep_file_chapters
from shared.analyses.transcript import GAP_SENTENCES, RECOGNIZED
from shared.languages import is_same_language, primary_language
from shared.media.video.pacing import UNSPACED
from shared.models.video import Segment, Shot

Vector = dict[str, float]
RELEVANCE = 0.7
"""Weight of similarity to the whole text, against dissimilarity to the texts already chosen."""
LEAST_TERMS = 3
"""A sentence with fewer terms, not counting function words, says too little on its own."""
SUMMARY_SENTENCES = 3
"""Number of sentences in the summary."""
FEWEST_POINTS, MOST_POINTS = 3, 10
SECONDS_A_POINT = 60
SHORTEST_CHAPTER_SEC = 10.0
"""The minimum on YouTube."""
MOST_CHAPTERS = 10
LONG_PAUSE_SEC = 1.5
BESIDE_CUT_SEC = 0.5
"""A pause with a cut within this distance counts for twice its length."""
MAX_TITLE = 60
PAUSE_SEC = 1.0
"""A longer pause between two segments starts a new sentence, regardless of punctuation."""
MAX_SENTENCE_WORDS = 40
"""Text without punctuation, as in automatic captions, is cut after so many words."""
SENTENCE_BREAK = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])\s*")
SENTENCE_SIGNS = tuple(".!?…。！？")
CLOSING_MARKS = "\"'»”’)]"
EXTRACTED = (
    "Created without AI: the sentences are quoted from the video, chosen because their words are most typical of the "
    "whole (centroid-based extraction). Chapters are those of the file, or begin after long pauses."
)
FROM_SCREEN = "The points are on-screen texts."
NOT_TRANSLATED = "The text is in the language of the video; translation requires an AI provider."
UNREAD = (
    "Cyrillic on-screen text could not be read. Run `clipwise models install screen-cyrillic`, then run the job again."
)


def make_summary(evidence: Evidence, screen: ScreenText, language: str) -> VideoSummary:
    """Make a summary in the language of the video; without speech from the on-screen text, with a note."""
    spoken = split_sentences(evidence.transcript)
    return summarize_speech(spoken, evidence, language) if spoken else summarize_screen(evidence, screen)


def summarize_speech(spoken: list[Sentence], evidence: Evidence, language: str) -> VideoSummary:
    duration = evidence.info.duration_sec
    point_count = min(MOST_POINTS, max(FEWEST_POINTS, round(duration / SECONDS_A_POINT)))
    best = central_texts([sentence.text for sentence in spoken], point_count)
    spoken_language = primary_language(evidence.transcript_language) or detect_language(
        [sentence.text for sentence in spoken], None
    )
    foreign = not is_same_language(spoken_language, language)
    return VideoSummary(
        title=evidence.title,
        summary=" ".join(spoken[number].text for number in sorted(best[:SUMMARY_SENTENCES])),
        key_points=[
            KeyPoint(
                text=spoken[number].text,
                start=round(clamp_time(spoken[number].start, duration), 2),
                quote=spoken[number].text,
            )
            for number in sorted(best)
        ],
        chapters=find_chapters(spoken, evidence),
        duration_sec=duration,
        language=spoken_language,
        notes=[
            EXTRACTED,
            *([RECOGNIZED.format(model=evidence.transcript_model)] if evidence.transcript_model else []),
            *([NOT_TRANSLATED] if foreign else []),
        ],
    )


def summarize_screen(evidence: Evidence, screen: ScreenText) -> VideoSummary:
    duration = evidence.info.duration_sec
    lines = screen.lines[:MOST_POINTS]
    return VideoSummary(
        title=evidence.title,
        summary="",
        key_points=[KeyPoint(text=line.text, start=round(line.start, 2)) for line in lines],
        chapters=cover_video(
            keep_file_chapters([], evidence.info) or [Chapter(title=evidence.title or UNTITLED, start=0)], duration
        ),
        duration_sec=duration,
        language=detect_language([line.text for line in lines], None),
        notes=[
            GAP_SENTENCES[evidence.transcript_gap],
            *([FROM_SCREEN] if lines else []),
            *([UNREAD] if screen.unread else []),
        ],
    )


def find_chapters(spoken: list[Sentence], evidence: Evidence) -> list[Chapter]:
    """Return the chapters in the file; without several, split at long pauses, the longest first.

    The title of a chapter without one is its most central sentence.
    """
    duration, own = evidence.info.duration_sec, evidence.info.chapters
    starts = [chapter.start for chapter in own] if len(own) > 1 else split_at_pauses(spoken, evidence.shots, duration)
    titles = {chapter.start: chapter.title for chapter in own}
    within: list[list[str]] = [[] for _ in starts]
    for sentence in spoken:
        within[max(0, bisect_right(starts, sentence.start) - 1)].append(sentence.text)
    pairs = zip(starts, within, strict=True)
    chapters = [Chapter(title=titles.get(start) or chapter_title(texts), start=start) for start, texts in pairs]
    return cover_video(chapters, duration)


def split_at_pauses(spoken: list[Sentence], shots: Sequence[Shot], duration: float) -> list[float]:
    """Return the starts of chapters that begin after long pauses."""
    shortest = max(SHORTEST_CHAPTER_SEC, duration / MOST_CHAPTERS)
    starts = [0.0]
    for _, start in sorted(find_pauses(spoken, shots), reverse=True):
        if all(abs(start - other) >= shortest for other in [*starts, duration]):
            starts.append(start)
    return sorted(starts)


def find_pauses(spoken: list[Sentence], shots: Sequence[Shot]) -> list[tuple[float, float]]:
    """Return the weighted length of each long pause, and the start of the sentence after it."""
    long_pauses = []
    for before, after in pairwise(spoken):
        pause = after.start - before.end
        near_cut = any(before.end - BESIDE_CUT_SEC <= shot.start <= after.start + BESIDE_CUT_SEC for shot in shots[1:])
        if pause * (1 + near_cut) >= LONG_PAUSE_SEC:
            long_pauses.append((pause * (1 + near_cut), after.start))
    return long_pauses


def chapter_title(texts: list[str]) -> str:
    """Return the most central text, shortened at a space."""
    best = central_texts(texts, 1)
    text = texts[best[0]] if best else UNTITLED
    if len(text) <= MAX_TITLE:
        return text
    return text[:MAX_TITLE].rsplit(" ", 1)[0].rstrip(" ,;:–-") + " …"


@dataclass(frozen=True)
class Sentence:
    """A sentence. `start` and `end` are those of the segments it begins and ends in."""

    text: str
    start: float
    end: float


def split_sentences(transcript: Sequence[Segment]) -> list[Sentence]:
    complete: list[Sentence] = []
    pending: list[tuple[str, Segment]] = []

    def close() -> None:
        if pending:
            complete.append(Sentence(" ".join(text for text, _ in pending), pending[0][1].start, pending[-1][1].end))
            pending.clear()

    for segment in transcript:
        if pending and segment.start - pending[-1][1].end > PAUSE_SEC:
            close()
        for piece in filter(None, SENTENCE_BREAK.split(" ".join(segment.text.split()))):
            pending.append((piece, segment))
            if (
                piece.rstrip(CLOSING_MARKS).endswith(SENTENCE_SIGNS)
                or sum(len(text.split()) for text, _ in pending) > MAX_SENTENCE_WORDS
            ):
                close()
    close()
    return complete


def central_texts(texts: Sequence[str], count: int) -> list[int]:
    """Return the indexes of at most `count` texts, the most central first."""
    vectors = term_vectors(texts)
    centroid: Vector = {}
    for vector in vectors:
        for term, weight in vector.items():
            centroid[term] = centroid.get(term, 0) + weight
    long_enough = [number for number, text in enumerate(texts) if len(set(terms(text))) >= LEAST_TERMS]
    candidates = long_enough or [number for number, vector in enumerate(vectors) if vector]
    closeness = {number: cosine_similarity(vectors[number], centroid) for number in candidates}
    likeness = dict.fromkeys(candidates, 0.0)
    chosen: list[int] = []
    while candidates and len(chosen) < count:
        best = max(candidates, key=lambda index: RELEVANCE * closeness[index] - (1 - RELEVANCE) * likeness[index])
        chosen.append(best)
        candidates.remove(best)
        for index in candidates:
            likeness[index] = max(likeness[index], cosine_similarity(vectors[index], vectors[best]))
    return chosen


def term_vectors(texts: Sequence[str]) -> list[Vector]:
    """Return a TF-IDF vector for each text, of length 1 or empty."""
    counts = [Counter(split_terms(text)) for text in texts]
    within = Counter(term for count in counts for term in count)
    vectors = []
    for count in counts:
        vector = {term: times * math.log(1 + len(texts) / within[term]) for term, times in count.items()}
        length = math.sqrt(sum(weight**2 for weight in vector.values()))
        vectors.append({term: weight / length for term, weight in vector.items()})
    return vectors


def split_terms(text: str) -> list[str]:
    """Return the words of a text; for scripts without spaces, all pairs of neighbouring letters."""
    pieces = []
    for word in words(text):
        pairs = [word[at : at + 2] for at in range(len(word) - 1)] if UNSPACED.search(word) else [word]
        pieces += pairs or [word]
    return pieces


def cosine_similarity(first: Vector, second: Vector) -> float:
    """Return the cosine similarity of a vector of length 1 to another vector."""
    length = math.sqrt(sum(weight**2 for weight in second.values()))
    return sum(weight * second.get(term, 0) for term, weight in first.items()) / length if length else 0
