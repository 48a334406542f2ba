"""Putting together what was heard in the parts of a sound, so that every word is there once."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise, product, takewhile

from shared.models.video import AudioPart, Segment, TimeSpan

# Shorter pauses are left alone: the times of a short answer may be wrong by as much as they last.
INVENTED_SEC = 2.0

_TIMED_SEC, _GUESSED_SEC = 0.5, 3.0
_OFF_MIDDLE_COST = 0.1
_HAN_KANA = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_TOKEN = re.compile(rf"[{_HAN_KANA}]|[^\s{_HAN_KANA}]+")


def join_parts(
    parts: Sequence[AudioPart], heard: Sequence[Sequence[Segment]], silences: Sequence[TimeSpan], duration_sec: float
) -> list[Segment]:
    """All that was heard, in order of time, with times from the start of the sound, none beyond its end.

    `heard` has one row for each part, with times from that part's start. Where two parts overlap, a word that both
    heard is taken as the seam: what comes before it is the earlier part's, what comes after it the later one's; without
    such a word, the middle of the overlap is. So what a part heard at its very edge, where words are cut off, is not
    believed.
    What lies wholly in a silence of `INVENTED_SEC` or more is left out: speech models make up words there.
    """
    placed = [_placed(part, segments, duration_sec) for part, segments in zip(parts, heard, strict=True)]
    for number in range(1, len(parts)):
        before, after = parts[number - 1], parts[number]
        if after.start < before.end:
            overlap = TimeSpan(start=after.start, end=before.end)
            placed[number - 1], placed[number] = _sewn(placed[number - 1], placed[number], overlap)
    long = [silence for silence in silences if silence.end - silence.start >= INVENTED_SEC]
    audible = (
        segment
        for segment in chain.from_iterable(placed)
        if not any(silence.start <= segment.start and segment.end <= silence.end for silence in long)
    )
    return sorted(audible, key=lambda segment: segment.start)


@dataclass(frozen=True, eq=False)
class _Token:
    """A word of a segment, or a character where no spaces part words.

    Attributes:
        key: What of it is compared; empty for punctuation.
        begin, stop: Where it stands in its row's text, with what follows it up to the next.
        timed: Its time was heard, not guessed from its place in the text.
    """

    key: str
    start: float
    end: float
    begin: int
    stop: int
    timed: bool


@dataclass(frozen=True)
class _Row:
    segment: Segment
    text: str
    tokens: list[_Token]


def _placed(part: AudioPart, segments: Sequence[Segment], duration_sec: float) -> list[Segment]:
    """What was heard in a part, at its place in the whole."""
    end = min(part.end, duration_sec)
    placed = (_moved(segment, lambda time: min(max(part.start, part.start + time), end)) for segment in segments)
    return sorted((segment for segment in placed if segment.text), key=lambda segment: segment.start)


def _moved(segment: Segment, move: Callable[[float], float]) -> Segment:
    def span(given: TimeSpan) -> dict[str, float]:
        start, end = round(move(given.start), 3), round(move(given.end), 3)
        return {"start": start, "end": max(start, end)}

    words = [word.model_copy(update=span(word)) for word in segment.words]
    return segment.model_copy(update={**span(segment), "text": segment.text.strip(), "words": words})


def _sewn(left: list[Segment], right: list[Segment], overlap: TimeSpan) -> tuple[list[Segment], list[Segment]]:
    """Both sides of an overlap, each without what is the other's."""
    lefts, rights = [_row(segment) for segment in left], [_row(segment) for segment in right]
    ends = [token for row in lefts for token in row.tokens if token.end > overlap.start]
    begins = [token for row in rights for token in row.tokens if token.start < overlap.end]
    middle = (overlap.start + overlap.end) / 2
    met = _meeting(ends, begins, middle)
    if met:
        gone = {*ends[met[0] + 1 :], *begins[: met[1] + 1]}
    else:
        late = {token for token in ends if token.start + token.end >= 2 * middle}
        gone = late | {token for token in begins if token.start + token.end < 2 * middle}
    return _fitted(_without(lefts, gone), _without(rights, gone))


def _row(segment: Segment) -> _Row:
    length = segment.end - segment.start
    if segment.words:
        text, begins = _located(segment)
        spans = [(word.text, word.start, word.end) for word in segment.words]
    else:
        text = segment.text
        found = [*_TOKEN.finditer(text)]
        begins = [match.start() for match in found]
        at = [segment.start + length * index / len(text) for index in [*begins, len(text)]]
        spans = [(match[0], start, end) for match, (start, end) in zip(found, pairwise(at), strict=True)]
    tokens = [
        _Token("".join(filter(str.isalnum, said.casefold())), start, end, begin, stop, bool(segment.words))
        for (said, start, end), begin, stop in zip(spans, begins, [*begins[1:], len(text)], strict=True)
    ]
    return _Row(segment, text, tokens)


def _located(segment: Segment) -> tuple[str, list[int]]:
    """The text of a segment and where each of its words begins in it; where words are missing, it is made of them."""
    begins, at = [], 0
    for word in segment.words:
        begins.append(segment.text.find(word.text.strip(), at))
        if begins[-1] < 0:
            texts = [word.text.strip() for word in segment.words]
            return " ".join(texts), [len(" ".join(["", *texts[:n]])) for n in range(len(texts))]
        at = begins[-1] + len(word.text.strip())
    return segment.text, begins


def _meeting(ends: Sequence[_Token], begins: Sequence[_Token], middle: float) -> tuple[int, int] | None:
    """Where both parts heard the same word: of those at the same time, the one nearest to the middle of the overlap.

    Times that are only guessed are far off. Then it counts first how many words around are the same, too.
    """

    def cost(met: tuple[int, int]) -> tuple[float, float]:
        end, begin = ends[met[0]], begins[met[1]]
        apart, off = abs(end.start - begin.start), abs((end.start + begin.start) / 2 - middle)
        return (0 if end.timed and begin.timed else -run(*met)), apart + _OFF_MIDDLE_COST * off

    def run(one: int, other: int) -> int:
        before = zip(reversed(ends[:one]), reversed(begins[:other]), strict=False)
        after = zip(ends[one:], begins[other:], strict=False)
        return sum(
            sum(1 for _ in takewhile(lambda pair: pair[0].key == pair[1].key, pairs)) for pairs in (before, after)
        )

    pairs = (
        (one, other)
        for (one, end), (other, begin) in product(enumerate(ends), enumerate(begins))
        if end.key == begin.key != ""
        and abs(end.start - begin.start) <= (_TIMED_SEC if end.timed and begin.timed else _GUESSED_SEC)
    )
    return min(pairs, key=cost, default=None)


def _without(rows: Sequence[_Row], gone: set[_Token]) -> list[Segment]:
    left = []
    for row in rows:
        kept = [number for number, token in enumerate(row.tokens) if token not in gone]
        if len(kept) == len(row.tokens):
            left.append(row.segment)
        elif kept:
            first, last = row.tokens[kept[0]], row.tokens[kept[-1]]
            words = [row.segment.words[number] for number in kept] if row.segment.words else []
            text = row.text[first.begin : last.stop].strip()
            left.append(Segment(start=first.start, end=last.end, text=text, words=words))
    return left


def _fitted(left: list[Segment], right: list[Segment]) -> tuple[list[Segment], list[Segment]]:
    """Both sides with times that do not cross: the two do not agree to the millisecond."""
    if not left or not right:
        return left, right
    latest = left[-1].words[-1].start if left[-1].words else left[-1].start
    seam = max(latest, right[0].start)
    before = [_moved(segment, lambda time: min(time, seam)) for segment in left]
    return before, [_moved(segment, lambda time: max(time, seam)) for segment in right]
