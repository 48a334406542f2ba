"""Finds and reads lines of text in a picture with PP-OCRv6 (Baidu, 2026) through RapidOCR and ONNX Runtime."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared.ai.screen.lines import Box
from shared.languages import is_cyrillic

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]

MODEL = "rapidocr/PP-OCRv6-small"
THREADS = 1
"""The place runs one worker per core, and waiting threads of ONNX Runtime spin: two workers with two threads each
take several times as long on two cores as with one each (benchmarks/offline_reading.py)."""
DETECTION_SIDE = 736
"""Pictures with a longer side above this are reduced to it for detection, which finds letters of 10 pixels still and
takes a third of the time it does on a sample of 576 × 1024. They are read at full size."""
MAX_TILT = 0.27
"""Rise over run of a line, about 15°: what stands steeper is decoration."""


@dataclass(frozen=True)
class TextPiece:
    """A line of text in a picture, as it was read.

    Attributes:
        text: May be empty or full of blanks: what the recogniser has no letters for.
        crop: The picture of it, levelled.
        number_end: Where in the crop a number that the text starts with ends, in pixels; None when it starts with none.
    """

    text: str
    score: float
    box: Box
    crop: Picture
    number_end: float | None


@lru_cache(maxsize=1)
def engine() -> Any:
    """The recogniser, with the models that come inside the package, so that nothing is ever downloaded."""
    import rapidocr

    models = Path(rapidocr.__file__).parent / "models"
    return rapidocr.RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.use_cls": False,
            "Global.use_rec": False,
            "Global.return_word_box": True,
            "Det.model_path": str(models / "PP-OCRv6_det_small.onnx"),
            "Det.limit_type": "max",
            "Det.limit_side_len": DETECTION_SIDE,
            "Rec.model_path": str(models / "PP-OCRv6_rec_small.onnx"),
            "EngineConfig.onnxruntime.intra_op_num_threads": THREADS,
        }
    )


def read_picture(picture: Picture) -> list[TextPiece]:
    """The lines in a picture (BGR), from top to bottom. About 0.06 s to find them and 0.02 s for each."""
    import numpy as np
    from rapidocr.utils.process_img import get_rotate_crop_image

    reader = engine()
    quads = [] if (boxes := reader(picture).boxes) is None else [quad for quad in boxes if is_level(quad)]
    if not quads:
        return []
    crops = [get_rotate_crop_image(picture, quad.astype(np.float32)) for quad in quads]
    recognised = reader.recognize_txt(crops)
    pieces = []
    for quad, crop, text, score, info in zip(
        quads, crops, recognised.txts, recognised.scores, recognised.word_results, strict=True
    ):
        (left, top), (right, bottom) = quad.min(axis=0).tolist(), quad.max(axis=0).tolist()
        pieces.append(TextPiece(text, float(score), (left, top, right, bottom), crop, number_end(text, crop, info)))
    return pieces


def is_level(quad: NDArray[np.float32]) -> bool:
    """Whether a line runs from left to right; corners go clockwise from the top left."""
    (left, top), (right, right_top) = quad[0].tolist(), quad[1].tolist()
    return bool(right > left and abs(right_top - top) <= MAX_TILT * (right - left))


def number_end(text: str, crop: Picture, info: Any) -> float | None:
    """Where the first word ends if it is a number: columns of the recogniser, scaled to the crop's width."""
    first = text.split(" ")[0]
    if not info.words or not first or not first[0].isnumeric() or any(char.isalpha() for char in first):
        return None
    if "".join(info.words[0]) != first:
        return None
    return float((info.word_cols[0][-1] + 1) / info.line_txt_len * crop.shape[1])


HEIGHT, MARGIN = 48, 12
"""Of the crops that Tesseract gets, in pixels: letters of about 30, its best size."""
LETTER_WIDTH = 0.45
"""Of a line's height, on average."""
SCORE_TOLERANCE = 0.25
"""Tesseract is less sure of what it reads right than RapidOCR is."""
TIMEOUT_SEC = 30
PAGE_LEVEL, WORD_LEVEL = "1", "5"
"""Levels in Tesseract's TSV: a page, a word."""
DIGITS = re.compile(r"\d+(?:[.,/]\d+)?|[½⅓⅔¼¾]")


@lru_cache(maxsize=1)
def tesseract() -> str | None:
    """Path of a Tesseract that knows Russian; None where there is none."""
    program = shutil.which("tesseract")
    if program is None:
        return None
    languages = subprocess.run(
        [program, "--list-langs"], capture_output=True, text=True, timeout=TIMEOUT_SEC, check=False
    )
    return program if "rus" in languages.stdout.split() else None


def is_mostly_unread(piece: TextPiece) -> bool:
    """Whether a line has room for many more letters than were read in it."""
    left, top, right, bottom = piece.box
    room = (right - left) / ((bottom - top) * LETTER_WIDTH)
    return sum(map(str.isalnum, piece.text)) < room / (2 if has_blanks(piece) else 3)


def has_blanks(piece: TextPiece) -> bool:
    """Whether the recogniser saw letters that it does not know: blanks, and not nothing."""
    return "  " in piece.text or piece.text != piece.text.strip()


def reread_cyrillic(pieces: Sequence[TextPiece]) -> list[TextPiece]:
    """The pieces with those that Tesseract reads as Cyrillic in its reading; all others as they were.

    Numbers stay RapidOCR's, which reads them better. Each crop is given twice, as light and as dark letters on white.
    """
    import cv2

    program = tesseract()
    if program is None or not pieces:
        return list(pieces)
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for number, piece in enumerate(pieces):
            words = piece.crop[:, int(piece.number_end) :] if piece.number_end else piece.crop
            for light in (True, False):
                paths.append(Path(folder) / f"{number}-{light}.png")
                cv2.imwrite(str(paths[-1]), to_black_on_white(words, light))
        readings = run_tesseract(program, paths)
    return [choose_reading(piece, readings[2 * at : 2 * at + 2]) for at, piece in enumerate(pieces)]


def to_black_on_white(crop: Picture, light: bool) -> Picture:
    """A crop as black letters on white, if its letters are the lightest (or darkest) in it."""
    import cv2
    import numpy as np

    if crop.shape[1] < 2:
        return np.full((HEIGHT, HEIGHT), 255, np.uint8)
    grey = cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)
    if not light:
        grey = 255 - grey
    scale = HEIGHT / grey.shape[0]
    grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    low, high = np.percentile(grey, (30, 98))
    letters = cv2.threshold(grey, 0.75 * high + 0.25 * low, 255, cv2.THRESH_BINARY_INV)[1]
    framed = cv2.copyMakeBorder(letters, MARGIN, MARGIN, MARGIN, MARGIN, cv2.BORDER_CONSTANT, value=(255,))
    return framed.astype(np.uint8)


def run_tesseract(program: str, paths: Sequence[Path]) -> list[tuple[str, float]]:
    """Text and confidence (0 to 1) of each picture of one line."""
    listing = paths[0].with_name("pictures.txt")
    listing.write_text("\n".join(map(str, paths)), encoding="utf-8")
    result = subprocess.run(
        [program, str(listing), "-", "-l", "rus", "--psm", "7", "tsv"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=TIMEOUT_SEC,
        check=True,
        env={**os.environ, "OMP_THREAD_LIMIT": "1"},
    )
    pages: list[list[tuple[str, float]]] = []
    for row in result.stdout.splitlines():
        cells = row.split("\t")
        if cells[0] == PAGE_LEVEL:
            pages.append([])
        elif cells[0] == WORD_LEVEL:
            pages[-1].append((cells[11], float(cells[10]) / 100))
    return [
        (" ".join(word for word, _ in page), sum(score for _, score in page) / len(page) if page else 0.0)
        for page in pages
    ]


def choose_reading(piece: TextPiece, readings: Sequence[tuple[str, float]]) -> TextPiece:
    """The piece in the surer of Tesseract's readings, if that is Cyrillic and no worse; digits as RapidOCR has them."""
    text, score = max(readings, key=lambda reading: reading[1])
    letters, piece_letters = (sum(map(str.isalpha, reading)) for reading in (text, piece.text))
    worse = letters < piece_letters or score < piece.score - SCORE_TOLERANCE
    if letters == 0 or not is_cyrillic(text) or (worse and not is_mostly_unread(piece)):
        return piece
    if piece.number_end:
        number = piece.text.split(" ")[0]
        text = f"{number} {re.sub(r'^[^А-Яа-яЁё]+', '', text)}"
    else:
        text = replace_digits(text, DIGITS.findall(piece.text))
    return TextPiece(text, score, piece.box, piece.crop, piece.number_end)


def replace_digits(text: str, digits: list[str]) -> str:
    """`text` with its numbers replaced by `digits`, if there are as many."""
    if len(DIGITS.findall(text)) != len(digits):
        return text
    supply = iter(digits)
    return DIGITS.sub(lambda _: next(supply), text)
