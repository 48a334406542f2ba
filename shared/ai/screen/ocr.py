"""OCR of a picture: PP-OCRv6 (Baidu, 2026) through RapidOCR and ONNX Runtime.

It has no Cyrillic letters: `shared/ai/screen/cyrillic.py` reads those.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared.ai.screen.changes import is_same_line
from shared.ai.screen.denormals import denormals_as_zero
from shared.ai.screen.lines import Box
from shared.once import once

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from shared.ai.screen.changes import Picture

    Quad = NDArray[np.float32]
    """The corners of a line, clockwise from the top left."""
    Quads = Sequence[Quad]

MODEL = "rapidocr/PP-OCRv6-small"
THREADS = 1
"""There is one worker per core, and idle threads of ONNX Runtime spin: on two cores, two workers with two threads each
take several times as long as with one thread each (benchmarks/offline_reading.py)."""
DETECTION_SIDE = 736
"""Maximum longer side for detection, in pixels; larger pictures are reduced. It still finds letters of 10 pixels,
in a third of the time on a sample of 576 × 1024. Recognition uses the full size."""
MAX_TILT = 0.27
"""Maximum slope of a line, about 15°; steeper text is decoration."""
LETTER_WIDTH = 0.45
"""Mean width of a letter, as a share of the line's height."""


@dataclass(frozen=True)
class TextPiece:
    """A recognized line of text in a picture.

    Attributes:
        text: Empty or with blanks where the recognizer does not support the letters.
        crop: The levelled picture of the line.
        number_end: End of the number at the start of the text, in pixels of the crop; None without a number.
    """

    text: str
    score: float
    box: Box
    crop: Picture
    number_end: float | None


@dataclass(frozen=True)
class Reading:
    """A picture and its lines."""

    picture: Picture
    pieces: Sequence[TextPiece]


@once
def engine() -> Any:
    """Return the recognizer with the models inside its package, so that nothing is downloaded."""
    import numpy as np
    import rapidocr

    models = Path(rapidocr.__file__).parent / "models"
    reader = rapidocr.RapidOCR(
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
    # The first picture loads the detector, and opening a process's first session ends `denormals_as_zero`.
    reader(np.zeros((64, 64, 3), np.uint8))
    return reader


def detect_lines(picture: Picture) -> Quads:
    """Return the corners of each line in a picture (BGR), from top to bottom. It takes about 0.1 s."""
    with denormals_as_zero():
        boxes = engine()(picture).boxes
    return [] if boxes is None else [quad for quad in boxes if is_level(quad)]


def read_lines(picture: Picture, quads: Quads, previous: Reading | None = None) -> list[TextPiece]:
    """Return the text of each line that `detect_lines` found. It takes about 0.03 s per line.

    Lines that are the same in the previous picture are not recognized again.
    """
    pieces = [find_same_piece(picture, box_around(quad), previous) for quad in quads]
    fresh = iter(recognize_lines(picture, [quad for quad, piece in zip(quads, pieces, strict=True) if piece is None]))
    return [piece or next(fresh) for piece in pieces]


def find_same_piece(picture: Picture, box: Box, previous: Reading | None) -> TextPiece | None:
    """Return the line that the previous picture has in this place, if it has not changed."""
    pieces = previous.pieces if previous else ()
    return next(
        (piece for piece in pieces if previous and is_same_line(previous.picture, piece.box, picture, box)), None
    )


def recognize_lines(picture: Picture, quads: Quads) -> list[TextPiece]:
    """Return the text of each line."""
    import numpy as np
    from rapidocr.utils.process_img import get_rotate_crop_image

    if not quads:
        return []
    crops = [get_rotate_crop_image(picture, quad.astype(np.float32)) for quad in quads]
    with denormals_as_zero():
        lines = engine().recognize_txt(crops)
    return [
        TextPiece(text, float(score), box_around(quad), crop, number_end(text, crop, info))
        for quad, crop, text, score, info in zip(
            quads, crops, lines.txts, lines.scores, lines.word_results, strict=True
        )
    ]


def box_around(quad: Quad) -> Box:
    (left, top), (right, bottom) = quad.min(axis=0).tolist(), quad.max(axis=0).tolist()
    return left, top, right, bottom


def is_level(quad: Quad) -> bool:
    """Return True if a line runs from left to right; corners are clockwise from the top left."""
    (left, top), (right, right_top) = quad[0].tolist(), quad[1].tolist()
    return bool(right > left and abs(right_top - top) <= MAX_TILT * (right - left))


def number_end(text: str, crop: Picture, info: Any) -> float | None:
    """Return the end of the first word if it is a number: the recognizer's columns, scaled to the crop's width."""
    first = text.split(" ")[0]
    if not info.words or not first or not first[0].isnumeric() or any(char.isalpha() for char in first):
        return None
    if "".join(info.words[0]) != first:
        return None
    return float((info.word_cols[0][-1] + 1) / info.line_txt_len * crop.shape[1])


def is_mostly_unread(piece: TextPiece) -> bool:
    """Return True if a line has space for many more letters than were recognized."""
    left, top, right, bottom = piece.box
    room = (right - left) / ((bottom - top) * LETTER_WIDTH)
    return sum(map(str.isalnum, piece.text)) < room / (2 if has_blanks(piece) else 3)


def has_blanks(piece: TextPiece) -> bool:
    """Return True if the text has blanks in place of letters that the recognizer does not support."""
    return "  " in piece.text or piece.text != piece.text.strip()
