"""Reads lines again as Cyrillic: by PP-OCRv5 East Slavic if that is installed, else by Tesseract if there is one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared.ai.catalogue import find_model
from shared.ai.screen.denormals import denormals_as_zero
from shared.ai.screen.ocr import THREADS, TextPiece, is_mostly_unread
from shared.languages import is_cyrillic
from shared.settings import Settings

if TYPE_CHECKING:
    from shared.ai.screen.changes import Picture

HEIGHT, MARGIN = 48, 12
"""Pixels of the crops for Tesseract: letters are about 30 pixels high, its best size."""
SCORE_TOLERANCE = 0.25
"""Tesseract's scores of correct readings are lower than RapidOCR's."""
TIMEOUT_SEC = 30
PAGE_LEVEL, WORD_LEVEL = "1", "5"
"""Levels of rows in Tesseract's TSV: a page and a word."""
_load_lock = threading.Lock()
DIGITS = re.compile(r"\d+(?:[.,/]\d+)?|[½⅓⅔¼¾]")


def cyrillic_model(settings: Settings) -> Path | None:
    """Return the file of the installed model for Cyrillic; None if there is none."""
    installed = find_model("screen-cyrillic", settings)
    return installed.folder / next(iter(installed.model.files)) if installed else None


@lru_cache(maxsize=1)
def cyrillic_engine(model: Path) -> Any:
    """Return a recognizer of lines with the model for Cyrillic."""
    import rapidocr

    return rapidocr.RapidOCR(
        params={
            "Global.log_level": "critical",
            "Rec.model_path": str(model),
            "EngineConfig.onnxruntime.intra_op_num_threads": THREADS,
        }
    )


def can_read_cyrillic(settings: Settings) -> bool:
    return cyrillic_model(settings) is not None or tesseract() is not None


@lru_cache(maxsize=1)
def tesseract() -> str | None:
    """Return the path of a Tesseract with Russian; None if there is none."""
    program = shutil.which("tesseract")
    if program is None:
        return None
    languages = subprocess.run(
        [program, "--list-langs"], capture_output=True, text=True, timeout=TIMEOUT_SEC, check=False
    )
    return program if "rus" in languages.stdout.split() else None


def reread_cyrillic(pieces: Sequence[TextPiece], settings: Settings) -> list[TextPiece]:
    """Return the pieces; those that are Cyrillic have that text. Numbers stay as they were read first."""
    if not pieces:
        return []
    crops = [piece.crop[:, int(piece.number_end) :] if piece.number_end else piece.crop for piece in pieces]
    if model := cyrillic_model(settings):
        with denormals_as_zero():
            with _load_lock:
                recognizer = cyrillic_engine(model)
            recognized = recognizer.recognize_txt([to_readable_crop(crop) for crop in crops])
        readings = [[(text, float(score))] for text, score in zip(recognized.txts, recognized.scores, strict=True)]
    elif program := tesseract():
        readings = read_with_tesseract(program, crops)
    else:
        return list(pieces)
    return [choose_reading(piece, options) for piece, options in zip(pieces, readings, strict=True)]


def to_readable_crop(crop: Picture) -> Picture:
    """Return the crop, or an empty one in place of one that is too narrow to contain letters."""
    import numpy as np

    return crop if crop.shape[1] >= 2 else np.full((HEIGHT, HEIGHT, 3), 255, np.uint8)


def read_with_tesseract(program: str, crops: Sequence[Picture]) -> list[list[tuple[str, float]]]:
    """Return two readings of each crop, for light and for dark letters."""
    import cv2

    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for number, crop in enumerate(crops):
            for light in (True, False):
                paths.append(Path(folder) / f"{number}-{light}.png")
                cv2.imwrite(str(paths[-1]), to_black_on_white(crop, light))
        readings = run_tesseract(program, paths)
    return [readings[at : at + 2] for at in range(0, len(readings), 2)]


def to_black_on_white(crop: Picture, light: bool) -> Picture:
    """Return the crop with black letters on white; `light` tells whether its letters are lighter than the rest."""
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
    """Return text and confidence (0 to 1) of each picture; each shows one line."""
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
    """Return the piece with the better reading if it is Cyrillic and not worse; digits stay as they were read first."""
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
    """Return `text` with its numbers replaced by `digits`, if there are as many."""
    if len(DIGITS.findall(text)) != len(digits):
        return text
    supply = iter(digits)
    return DIGITS.sub(lambda _: next(supply), text)
