"""Finds and reads lines of text in a picture with PP-OCRv6 (Baidu, 2026) through RapidOCR and ONNX Runtime."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared.ai.screen.line import Box

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
