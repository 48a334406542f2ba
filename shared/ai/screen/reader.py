"""Reads the text that stands on the screen of a video."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from shared.ai.screen.cyrillic import has_blanks, reread, seems_unread, tesseract
from shared.ai.screen.line import Screen
from shared.ai.screen.ocr import Piece, read_picture
from shared.ai.screen.rows import Row, rows
from shared.ai.screen.tracks import Look, lines_seen
from shared.languages import CYRILLIC, primary
from shared.models.video import Frame
from shared.progress import Tick

if TYPE_CHECKING:
    from shared.ai.screen.ocr import Picture

MIN_SCORE = 0.3
"""Of one reading. A line needs one better one: see `lines_seen`."""
BESIDE_UNREAD = 0.9
"""Of one beside lines in an unknown script: it may be in that script too, and misread."""
MIN_UNREAD = 2
MIN_LETTERS = 2
MIN_TEXT_SHARE = 0.7
"""Share of letters, digits and the signs of recipes among the characters of a line."""
SMALL = 8
"""By how much pictures are reduced to see whether they differ: letters still leave a trace at this size."""
SAME_BELOW = 10
"""Largest difference of brightness, of 255, at any place of two reduced pictures that show the same."""
HANDLE = re.compile(r"^@|^[\w.]+@|^(?:tiktok|instagram|youtube)$|^www\.|\.(?:com|de|ru|net|org)\b", re.IGNORECASE)
FOREIGN = re.compile(r"[⺀-鿿豈-﫿가-힯぀-ヿ]+")
"""Chinese, Japanese and Korean: what the recogniser makes of patterns in a picture."""
SIGNS = set(" .,:;!?%°&+-–/()'\"½⅓⅔¼¾⅛~=*#•")


def read_screen(samples: Sequence[tuple[Frame, Path]], language: str, tick: Tick) -> Screen:
    """The lines of text that at least two samples show.

    Args:
        samples: In time order, each with a local copy.
        language: The job's, BCP-47: with one in Cyrillic script every line is tried in that.
        tick: Called before each sample.

    Raises:
        OSError: A sample cannot be decoded.
    """
    looks: list[Look] = []
    unread = 0
    before: Picture | None = None
    in_cyrillic = primary(language) in CYRILLIC
    for number, (frame, path) in enumerate(samples):
        tick(number / len(samples), "Reading on-screen text")
        picture = load(frame, path)
        if looks and before is not None and shows_same(before, picture):
            looks.append(replace(looks[-1], time=frame.time, frame=frame.name))
            continue
        before = picture
        pieces = read_picture(picture)
        blanks = sum(seems_unread(piece) and has_blanks(piece) for piece in pieces)
        if tesseract():
            pieces = reread(pieces) if in_cyrillic or blanks else pieces
        else:
            unread += blanks
        sure = BESIDE_UNREAD if unread and blanks else MIN_SCORE
        looks.append(Look(frame.time, frame.name, rows(readable(pieces, sure))))
    lines = [line for line in lines_seen(looks) if is_text(line.text)]
    return Screen(
        lines=[line for line in lines if not HANDLE.search(line.text)],
        handles=[line for line in lines if HANDLE.search(line.text)],
        unread=unread >= MIN_UNREAD,
    )


def load(frame: Frame, path: Path) -> Picture:
    import cv2
    import numpy as np

    picture = cv2.imread(str(path))
    if picture is None:
        raise OSError(f"sample {frame.name} is no picture")
    return picture.astype(np.uint8, copy=False)


def shows_same(one: Picture, other: Picture) -> bool:
    """Whether two pictures differ nowhere: then what stands on them is the same too."""
    import cv2

    if one.shape != other.shape:
        return False
    size = (max(1, one.shape[1] // SMALL), max(1, one.shape[0] // SMALL))
    small = (cv2.resize(picture, size, interpolation=cv2.INTER_AREA) for picture in (one, other))
    return bool(cv2.absdiff(*small).max() < SAME_BELOW)


def readable(pieces: Sequence[Piece], min_score: float) -> list[Row]:
    """Pieces that were read well enough, without characters of scripts that are not read here."""
    found = []
    for piece in pieces:
        text = " ".join(FOREIGN.sub(" ", piece.text).split())
        if text and piece.score >= min_score and not seems_unread(piece):
            found.append(Row(text, piece.score, piece.box))
    return found


def is_text(text: str) -> bool:
    """Whether a line can be words: some letters, and little else than what recipes are written with."""
    letters = sum(char.isalpha() for char in text)
    fitting = sum(char.isalnum() or char in SIGNS for char in text)
    return letters >= MIN_LETTERS and fitting >= MIN_TEXT_SHARE * len(text)
