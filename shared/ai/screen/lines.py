"""Lines of on-screen text: recognized pieces are joined to rows, and rows of several samples are tracked as lines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

Box = tuple[float, float, float, float]
"""Left, top, right and bottom in pixels of the sample."""
SAME_HEIGHT = 1.4
OVERLAP = 0.6
"""Minimum vertical overlap of two pieces of a row, as a share of the smaller height."""
WORD_GAP = 1.5
TABLE_GAP = 12.0
"""Maximum gap between an amount and its name in a table, in heights."""
MIN_SAMPLES = 2
MIN_BEST_SCORE = 0.6
MIN_LIKENESS_IN_PLACE = 0.7
MIN_LIKENESS_ANYWHERE = 0.92
MAX_MISSED = 2
"""Consecutive samples that may miss a line before it ends."""
MAX_DELAY_SEC = 1.0
DOUBT_PER_SAMPLE = 0.4
"""The confidence of a line with n readings is scaled by 1 - 0.4ⁿ: .84, .94, .97 …"""
SHAPES = str.maketrans({"l": "1", "I": "1", "|": "1", "i": "1", "O": "0", "o": "0", ",": ".", " ": None})
NUMBER = re.compile(r"(?<![^\W\d_])[0-9½⅓⅔¼¾⅛][0-9./½⅓⅔¼¾⅛-]*")


@dataclass(frozen=True)
class ScreenLine:
    """A line of text that at least two samples show.

    Attributes:
        start, end: Times of the first and the last sample with the line, in seconds.
        frame: Media name of the sample with the best reading.
        confidence: Score of the reading, 0 to 1, reduced if few samples show the line.
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
    """All on-screen text in reading order: by time of appearance, then from top to bottom.

    Attributes:
        handles: Watermarks and account names, which `lines` omits.
        unread: Whether there were lines in an unsupported script: Cyrillic without a model for it.
        is_cut: Whether the screen had more text than is kept; the text of later samples is missing.
    """

    lines: list[ScreenLine]
    handles: list[ScreenLine]
    unread: bool = False
    is_cut: bool = False


@dataclass(frozen=True)
class Row:
    """A row of text in one sample."""

    text: str
    score: float
    box: Box

    @property
    def height(self) -> float:
        return self.box[3] - self.box[1]


def merge_rows(pieces: Sequence[Row]) -> list[Row]:
    """Join pieces from left to right; return the rows from top to bottom."""
    merged: list[Row] = []
    for piece in sorted(pieces, key=lambda row: row.box[0]):
        at = next((at for at, row in enumerate(merged) if is_continuation(row, piece)), None)
        if at is None:
            merged.append(piece)
        else:
            merged[at] = join_rows(merged[at], piece)
    return sorted(merged, key=lambda row: row.box[1])


def is_continuation(left: Row, right: Row) -> bool:
    """Return True if the right piece continues the row of the left one."""
    low, high = sorted((left.height, right.height))
    overlap = min(left.box[3], right.box[3]) - max(left.box[1], right.box[1])
    gap = right.box[0] - left.box[2]
    if high > SAME_HEIGHT * low or overlap < OVERLAP * low or gap < -low:
        return False
    widest = TABLE_GAP if is_amount(left.text) != is_amount(right.text) else WORD_GAP
    return gap <= widest * high


def is_amount(text: str) -> bool:
    """Return True if the text is a number with at most a short unit, such as a table cell."""
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


@dataclass(frozen=True)
class SampleText:
    """The rows of text in one sample, with its time and media name."""

    time: float
    frame: str
    rows: Sequence[Row]


@dataclass
class Track:
    """The readings of one line, each with the number of its sample."""

    readings: list[tuple[int, Row]] = field(default_factory=list)

    @property
    def first(self) -> int:
        return self.readings[0][0]

    @property
    def last(self) -> tuple[int, Row]:
        return self.readings[-1]

    def likeness(self, sample: int, row: Row) -> float:
        """Return how likely the row continues this track, 0 to 1; 0 if it cannot."""
        last_sample, last = self.last
        if sample == last_sample or sample - last_sample > MAX_MISSED + 1 or numbers(row.text) != numbers(last.text):
            return 0
        ratio = SequenceMatcher(None, normalize_shapes(last.text), normalize_shapes(row.text), autojunk=False).ratio()
        return ratio if ratio >= (MIN_LIKENESS_IN_PLACE if is_same_place(last, row) else MIN_LIKENESS_ANYWHERE) else 0

    @property
    def best_score(self) -> float:
        return max(row.score for _, row in self.readings)

    def best(self) -> tuple[int, Row]:
        """Return the reading whose text has the highest total score; of equal texts, the one with the best score."""
        votes: dict[str, float] = {}
        for _, row in self.readings:
            votes[row.text] = votes.get(row.text, 0) + row.score
        return max(self.readings, key=lambda reading: (votes[reading[1].text], reading[1].score))


def normalize_shapes(text: str) -> str:
    return text.translate(SHAPES).casefold()


def numbers(text: str) -> list[str]:
    """Return the numbers of a line, with shapes corrected that OCR confuses. `1 TL` and `2 TL` are different lines."""
    shaped = re.sub(r"\b[lI|](?=\s)", "1", text)
    return [number.strip("./-").replace(",", ".") for number in NUMBER.findall(shaped.replace(",", "."))]


def is_same_place(first: Row, second: Row) -> bool:
    """Return True if two rows have about the same position and letter size."""
    height = max(first.height, second.height)
    middle = abs((first.box[1] + first.box[3]) - (second.box[1] + second.box[3])) / 2
    overlap = min(first.box[2], second.box[2]) - max(first.box[0], second.box[0])
    return middle <= height and overlap > 0 and height <= 1.6 * min(first.height, second.height)


def track_lines(samples: Sequence[SampleText]) -> list[Track]:
    """Return all tracks by first sample and position."""
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
    """Return lines with at least two readings, one of them with a good score, in reading order.

    Lines that appear together are ordered from top to bottom.
    """
    tracks = [
        track
        for track in track_lines(samples)
        if len(track.readings) >= MIN_SAMPLES and track.best_score >= MIN_BEST_SCORE
    ]
    return [to_screen_line(track, samples) for card in group_by_start(tracks, samples) for track in card]


def group_by_start(tracks: Sequence[Track], samples: Sequence[SampleText]) -> list[list[Track]]:
    """Group tracks by start, each group from top to bottom. A delay of one sample counts as the same start."""
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
