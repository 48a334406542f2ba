"""Reads the on-screen text of a video from its samples."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from shared.ai.screen.changes import is_same_picture
from shared.ai.screen.cyrillic import can_read_cyrillic, reread_cyrillic
from shared.ai.screen.lines import Row, SampleText, ScreenText, merge_rows, screen_lines
from shared.ai.screen.ocr import Reading, TextPiece, detect_lines, has_blanks, is_mostly_unread, read_lines
from shared.languages import CYRILLIC_LANGUAGES, primary_language
from shared.models.video import Frame
from shared.progress import Tick
from shared.settings import settings

if TYPE_CHECKING:
    from shared.ai.screen.changes import Picture
    from shared.ai.screen.ocr import Quads

DETECTORS = 2
"""Threads that detect lines ahead: most of the time is spent there, and a job that runs alone leaves a core idle."""
MIN_SCORE = 0.3
"""Minimum score of a reading. `screen_lines` requires one better reading per line."""
MIN_SCORE_BESIDE_UNREAD = 0.9
"""Minimum score beside lines in an unsupported script: the text may be in that script too, and misread."""
MIN_UNREAD = 2
MAX_ROWS, MAX_ROW_TEXT = 100, 300
"""Rows that are kept of one sample, and characters of each: a page of a book in the picture has less."""
MAX_SCREEN_TEXT = 1_000_000
"""Characters that are kept of all samples, each row of each sample counted."""
MIN_LETTERS = 2
MIN_TEXT_SHARE = 0.7
"""Minimum share of letters, digits and the signs of recipes in a line."""
HANDLE = re.compile(r"^@|^[\w.]+@|^(?:tiktok|instagram|youtube)$|^www\.|\.(?:com|de|ru|net|org)\b", re.IGNORECASE)
FOREIGN = re.compile(r"[⺀-鿿豈-﫿가-힯぀-ヿ]+")
"""Chinese, Japanese and Korean, which the recognizer returns for patterns in a picture."""
SIGNS = set(" .,:;!?%°&+-–/()'\"½⅓⅔¼¾⅛~=*#•")


class DetectedSample(NamedTuple):
    """A sample, and the corners of each line in its picture.

    Attributes:
        picture: None if it is identical to the one before.
    """

    frame: Frame
    picture: Picture | None
    quads: Quads


def read_screen(samples: Sequence[tuple[Frame, Path]], language: str, tick: Tick) -> ScreenText:
    """Return the lines of text that at least two samples show.

    Args:
        samples: Samples in time order, each with a local copy.
        language: BCP-47 tag of the job's language; if it uses Cyrillic script, every line is reread as Cyrillic.
        tick: Called before the lines of each sample are read.

    Raises:
        OSError: A sample cannot be decoded.
    """
    sample_texts: list[SampleText] = []
    unread = characters = 0
    is_cut = False
    previous: Reading | None = None
    in_cyrillic = primary_language(language) in CYRILLIC_LANGUAGES
    reads_cyrillic = can_read_cyrillic(settings())
    with closing(detect_ahead(samples)) as detected:
        for number, (frame, picture, quads) in enumerate(detected):
            tick(number / len(samples), "Reading on-screen text")
            if picture is None:
                sample_texts.append(replace(sample_texts[-1], time=frame.time, frame=frame.name))
                continue
            pieces = read_lines(picture, quads, previous)
            previous = Reading(picture, pieces)
            blanks = sum(is_mostly_unread(piece) and has_blanks(piece) for piece in pieces)
            if reads_cyrillic:
                pieces = reread_cyrillic(pieces, settings()) if in_cyrillic or blanks else pieces
            else:
                unread += blanks
            min_score = MIN_SCORE_BESIDE_UNREAD if unread and blanks else MIN_SCORE
            rows = merge_rows(readable_rows(pieces, min_score)[:MAX_ROWS])
            characters += sum(len(row.text) for row in rows)
            if characters > MAX_SCREEN_TEXT:
                is_cut = True
                break
            sample_texts.append(SampleText(frame.time, frame.name, rows))
    lines = [line for line in screen_lines(sample_texts) if is_text(line.text)]
    return ScreenText(
        lines=[line for line in lines if not HANDLE.search(line.text)],
        handles=[line for line in lines if HANDLE.search(line.text)],
        unread=unread >= MIN_UNREAD,
        is_cut=is_cut,
    )


def detect_ahead(samples: Sequence[tuple[Frame, Path]]) -> Generator[DetectedSample]:
    """Yield the samples with their lines, in order; detection is ahead by DETECTORS pictures, each in its own thread.

    Raises OSError if a sample cannot be decoded.
    """
    pending: deque[tuple[Frame, Picture | None, Future[Quads] | None]] = deque()
    previous: Picture | None = None
    with ThreadPoolExecutor(DETECTORS) as detectors:
        for frame, path in samples:
            picture = load_sample(frame, path)
            if previous is not None and is_same_picture(previous, picture):
                pending.append((frame, None, None))
            else:
                pending.append((frame, picture, detectors.submit(detect_lines, picture)))
                previous = picture
            if len(pending) > DETECTORS:
                yield wait_for_lines(*pending.popleft())
        while pending:
            yield wait_for_lines(*pending.popleft())


def wait_for_lines(frame: Frame, picture: Picture | None, quads: Future[Quads] | None) -> DetectedSample:
    return DetectedSample(frame, picture, quads.result() if quads else [])


def load_sample(frame: Frame, path: Path) -> Picture:
    import cv2
    import numpy as np

    picture = cv2.imread(str(path))
    if picture is None:
        raise OSError(f"sample {frame.name} is no picture")
    return picture.astype(np.uint8, copy=False)


def readable_rows(pieces: Sequence[TextPiece], min_score: float) -> list[Row]:
    """Return the rows of pieces with a sufficient score, without characters of unsupported scripts."""
    kept = []
    for piece in pieces:
        text = " ".join(FOREIGN.sub(" ", piece.text).split())
        if text and piece.score >= min_score and not is_mostly_unread(piece):
            kept.append(Row(text[:MAX_ROW_TEXT], piece.score, piece.box))
    return kept


def is_text(text: str) -> bool:
    """Return True if a line can be words: some letters, and few characters that do not occur in recipes."""
    letters = sum(char.isalpha() for char in text)
    fitting = sum(char.isalnum() or char in SIGNS for char in text)
    return letters >= MIN_LETTERS and fitting >= MIN_TEXT_SHARE * len(text)
