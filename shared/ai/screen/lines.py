"""A line of text on the screen."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

Box = tuple[float, float, float, float]
"""Left, top, right, bottom, in pixels of the sample."""


@dataclass(frozen=True)
class ScreenLine:
    """Text that was seen in at least two samples.

    Attributes:
        start, end: Seconds of the first and last sample that show it.
        frame: Media name of the sample that shows it best.
        height: Of the letters' box, in pixels.
        confidence: Score of the reading, 0 to 1, lessened when few samples show it.
    """

    text: str
    start: float
    end: float
    frame: str
    box: Box
    confidence: float

    @property
    def height(self) -> float:
        return self.box[3] - self.box[1]


@dataclass(frozen=True)
class ScreenText:
    """All that stands on the screen, in reading order: by the time it appears, then from top to bottom.

    Attributes:
        handles: Watermarks and account names, kept apart.
        unread: There were lines in a script that cannot be read here: Cyrillic without Tesseract.
        is_cut: The screen had more text than is kept; the text of later samples is missing.
    """

    lines: list[ScreenLine]
    handles: list[ScreenLine]
    unread: bool = False
    is_cut: bool = False


SAME_HEIGHT = 1.4
OVERLAP = 0.6
"""Share of the lower piece's height that both have in common."""
WORD_GAP = 1.5
TABLE_GAP = 12.0
"""Widest gap between an amount and its name in a table, in heights."""


@dataclass(frozen=True)
class Row:
    """A line of text in one picture."""

    text: str
    score: float
    box: Box

    @property
    def height(self) -> float:
        return self.box[3] - self.box[1]


def merge_rows(pieces: Sequence[Row]) -> list[Row]:
    """Pieces joined from left to right, then from top to bottom."""
    merged: list[Row] = []
    for piece in sorted(pieces, key=lambda row: row.box[0]):
        at = next((at for at, row in enumerate(merged) if is_continuation(row, piece)), None)
        if at is None:
            merged.append(piece)
        else:
            merged[at] = join_rows(merged[at], piece)
    return sorted(merged, key=lambda row: row.box[1])


def is_continuation(left: Row, right: Row) -> bool:
    """Whether the right piece goes on with the line of the left one."""
    low, high = sorted((left.height, right.height))
    overlap = min(left.box[3], right.box[3]) - max(left.box[1], right.box[1])
    gap = right.box[0] - left.box[2]
    if high > SAME_HEIGHT * low or overlap < OVERLAP * low or gap < -low:
        return False
    widest = TABLE_GAP if is_amount(left.text) != is_amount(right.text) else WORD_GAP
    return gap <= widest * high


def is_amount(text: str) -> bool:
    """Whether it is a number with at most a short unit: a cell of a table."""
    compact = text.replace(" ", "").replace(".", "")
    return bool(compact) and compact[0].isnumeric() and sum(char.isalpha() for char in compact) <= 4


def join_rows(left: Row, right: Row) -> Row:
    box = (
        left.box[0],
        min(left.box[1], right.box[1]),
        max(left.box[2], right.box[2]),
        max(left.box[3], right.box[3]),
    )
    return Row(f"{left.text} {right.text}", min(left.score, right.score), box)


MIN_SAMPLES = 2
MIN_BEST_SCORE = 0.6
MIN_LIKENESS_IN_PLACE = 0.7
MIN_LIKENESS_ANYWHERE = 0.92
MAX_MISSED = 2
"""Looks in a row that may miss a line before it counts as gone."""
MAX_DELAY_SEC = 1.0
DOUBT_PER_SAMPLE = 0.4
"""Seen n times, a line is trusted 1 - 0.4ⁿ: .84, .94, .97 …"""
SHAPES = str.maketrans({"l": "1", "I": "1", "|": "1", "i": "1", "O": "0", "o": "0", ",": ".", " ": None})
NUMBER = re.compile(r"(?<![^\W\d_])[0-9½⅓⅔¼¾⅛][0-9./½⅓⅔¼¾⅛-]*")


@dataclass(frozen=True)
class SampleText:
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

    def likeness(self, sample: int, row: Row) -> float:
        """How well a row goes on with this track, 0 to 1; 0 when it cannot."""
        last_sample, last = self.last
        if sample == last_sample or sample - last_sample > MAX_MISSED + 1 or numbers(row.text) != numbers(last.text):
            return 0
        ratio = SequenceMatcher(None, normalize_shapes(last.text), normalize_shapes(row.text), autojunk=False).ratio()
        return ratio if ratio >= (MIN_LIKENESS_IN_PLACE if is_same_place(last, row) else MIN_LIKENESS_ANYWHERE) else 0

    @property
    def best_score(self) -> float:
        return max(row.score for _, row in self.readings)

    def best(self) -> tuple[int, Row]:
        """The reading that most scores speak for; of equals the surest."""
        votes: dict[str, float] = {}
        for _, row in self.readings:
            votes[row.text] = votes.get(row.text, 0) + row.score
        return max(self.readings, key=lambda reading: (votes[reading[1].text], reading[1].score))


def normalize_shapes(text: str) -> str:
    return text.translate(SHAPES).casefold()


def numbers(text: str) -> list[str]:
    """The numbers of a line, in the shapes that OCR confuses put right; `1 TL` and `2 TL` are never one line."""
    shaped = re.sub(r"\b[lI|](?=\s)", "1", text)
    return [number.strip("./-").replace(",", ".") for number in NUMBER.findall(shaped.replace(",", "."))]


def is_same_place(first: Row, second: Row) -> bool:
    """Whether two rows stand at about the same place, in letters of about the same size."""
    height = max(first.height, second.height)
    middle = abs((first.box[1] + first.box[3]) - (second.box[1] + second.box[3])) / 2
    overlap = min(first.box[2], second.box[2]) - max(first.box[0], second.box[0])
    return middle <= height and overlap > 0 and height <= 1.6 * min(first.height, second.height)


def track_lines(samples: Sequence[SampleText]) -> list[Track]:
    """All tracks, in the order of their first look and place."""
    tracks: list[Track] = []
    for number, sample in enumerate(samples):
        pairs = [
            (likeness, track, row)
            for track in tracks
            for row in sample.rows
            if (likeness := track.likeness(number, row)) > 0
        ]
        free = list(sample.rows)
        for _, track, row in sorted(pairs, key=lambda pair: -pair[0]):
            if track.last[0] != number and any(row is other for other in free):
                track.readings.append((number, row))
                free = [other for other in free if other is not row]
        tracks += [Track([(number, row)]) for row in free]
    return tracks


def screen_lines(samples: Sequence[SampleText]) -> list[ScreenLine]:
    """The lines that at least two looks show, one of them well; in reading order.

    What appears together is in order from top to bottom.
    """
    tracks = [
        track
        for track in track_lines(samples)
        if len(track.readings) >= MIN_SAMPLES and track.best_score >= MIN_BEST_SCORE
    ]
    return [to_screen_line(track, samples) for card in group_by_start(tracks, samples) for track in card]


def group_by_start(tracks: Sequence[Track], samples: Sequence[SampleText]) -> list[list[Track]]:
    """Tracks grouped by when they start, top first; one look's delay is taken for a miss of the recogniser."""
    groups: list[list[Track]] = []
    for track in sorted(tracks, key=lambda track: track.first):
        group = groups[-1] if groups else []
        late = samples[track.first].time - samples[group[0].first].time if group else 0.0
        if group and track.first <= min(group[0].first + 1, group[0].last[0]) and late <= MAX_DELAY_SEC:
            group.append(track)
        else:
            groups.append([track])
    return [sorted(group, key=lambda track: track.last[1].box[1]) for group in groups]


def to_screen_line(track: Track, samples: Sequence[SampleText]) -> ScreenLine:
    number, row = track.best()
    scores = [reading.score for _, reading in track.readings if reading.text == row.text]
    return ScreenLine(
        text=row.text,
        start=samples[track.first].time,
        end=samples[track.last[0]].time,
        frame=samples[number].frame,
        box=row.box,
        confidence=round(sum(scores) / len(scores) * (1 - DOUBT_PER_SAMPLE ** len(track.readings)), 3),
    )
