"""Follows lines of text over the samples of a video: the same line read several times becomes one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from shared.ai.screen.line import ScreenLine
from shared.ai.screen.rows import Row

MIN_LOOKS = 2
MIN_BEST_SCORE = 0.6
ALIKE_IN_PLACE = 0.7
ALIKE_ANYWHERE = 0.92
MAX_MISSED = 2
"""Looks in a row that may miss a line before it counts as gone."""
MAX_DELAY_SEC = 1.0
DOUBT_PER_LOOK = 0.4
"""Seen n times, a line is trusted 1 - 0.4ⁿ: .84, .94, .97 …"""
SHAPES = str.maketrans({"l": "1", "I": "1", "|": "1", "i": "1", "O": "0", "o": "0", ",": ".", " ": None})
NUMBER = re.compile(r"(?<![^\W\d_])[0-9½⅓⅔¼¾⅛][0-9./½⅓⅔¼¾⅛-]*")


@dataclass(frozen=True)
class Look:
    """One sample: when it is, its media name, and the rows of text on it."""

    time: float
    frame: str
    rows: Sequence[Row]


@dataclass
class Track:
    """Readings of one line, each with the number of its look."""

    readings: list[tuple[int, Row]] = field(default_factory=list)

    @property
    def first(self) -> int:
        return self.readings[0][0]

    @property
    def last(self) -> tuple[int, Row]:
        return self.readings[-1]

    def likeness(self, look: int, row: Row) -> float:
        """How well a row goes on with this track, 0 to 1; 0 when it cannot."""
        last_look, last = self.last
        if look == last_look or look - last_look > MAX_MISSED + 1 or numbers(row.text) != numbers(last.text):
            return 0
        alike = SequenceMatcher(None, squeezed(last.text), squeezed(row.text), autojunk=False).ratio()
        return alike if alike >= (ALIKE_IN_PLACE if in_place(last, row) else ALIKE_ANYWHERE) else 0

    @property
    def best_score(self) -> float:
        return max(row.score for _, row in self.readings)

    def best(self) -> tuple[int, Row]:
        """The reading that most scores speak for; of equals the surest."""
        votes: dict[str, float] = {}
        for _, row in self.readings:
            votes[row.text] = votes.get(row.text, 0) + row.score
        return max(self.readings, key=lambda reading: (votes[reading[1].text], reading[1].score))


def squeezed(text: str) -> str:
    return text.translate(SHAPES).casefold()


def numbers(text: str) -> list[str]:
    """The numbers of a line, in the shapes that OCR confuses put right; `1 TL` and `2 TL` are never one line."""
    shaped = re.sub(r"\b[lI|](?=\s)", "1", text)
    return [number.strip("./-").replace(",", ".") for number in NUMBER.findall(shaped.replace(",", "."))]


def in_place(one: Row, other: Row) -> bool:
    """Whether two rows stand at about the same place, in letters of about the same size."""
    height = max(one.height, other.height)
    middle = abs((one.box[1] + one.box[3]) - (other.box[1] + other.box[3])) / 2
    shared = min(one.box[2], other.box[2]) - max(one.box[0], other.box[0])
    return middle <= height and shared > 0 and height <= 1.6 * min(one.height, other.height)


def follow(looks: Sequence[Look]) -> list[Track]:
    """All tracks, in the order of their first look and place."""
    tracks: list[Track] = []
    for number, look in enumerate(looks):
        pairs = [
            (likeness, track, row)
            for track in tracks
            for row in look.rows
            if (likeness := track.likeness(number, row)) > 0
        ]
        free = list(look.rows)
        for _, track, row in sorted(pairs, key=lambda pair: -pair[0]):
            if track.last[0] != number and any(row is one for one in free):
                track.readings.append((number, row))
                free = [one for one in free if one is not row]
        tracks += [Track([(number, row)]) for row in free]
    return tracks


def lines_seen(looks: Sequence[Look]) -> list[ScreenLine]:
    """The lines that at least two looks show, one of them well; in reading order.

    What appears together is in order from top to bottom.
    """
    tracks = [
        track for track in follow(looks) if len(track.readings) >= MIN_LOOKS and track.best_score >= MIN_BEST_SCORE
    ]
    return [line_of(track, looks) for card in cards(tracks, looks) for track in card]


def cards(tracks: Sequence[Track], looks: Sequence[Look]) -> list[list[Track]]:
    """Tracks grouped by when they start, top first; one look's delay is taken for a miss of the recogniser."""
    found: list[list[Track]] = []
    for track in sorted(tracks, key=lambda track: track.first):
        card = found[-1] if found else []
        late = looks[track.first].time - looks[card[0].first].time if card else 0.0
        if card and track.first <= min(card[0].first + 1, card[0].last[0]) and late <= MAX_DELAY_SEC:
            card.append(track)
        else:
            found.append([track])
    return [sorted(card, key=lambda track: track.last[1].box[1]) for card in found]


def line_of(track: Track, looks: Sequence[Look]) -> ScreenLine:
    number, row = track.best()
    same = [one.score for _, one in track.readings if one.text == row.text]
    return ScreenLine(
        text=row.text,
        start=looks[track.first].time,
        end=looks[track.last[0]].time,
        frame=looks[number].frame,
        box=row.box,
        confidence=round(sum(same) / len(same) * (1 - DOUBT_PER_LOOK ** len(track.readings)), 3),
    )
