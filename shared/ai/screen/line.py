"""A line of text on the screen."""

from __future__ import annotations

from dataclasses import dataclass

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
    """

    lines: list[ScreenLine]
    handles: list[ScreenLine]
    unread: bool = False
