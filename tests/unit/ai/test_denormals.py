"""On-screen text is read without denormal numbers, which make its detector several times as slow."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest

from shared.ai.screen import ocr
from shared.ai.screen.denormals import IS_SUPPORTED, denormals_as_zero

if TYPE_CHECKING:
    from shared.ai.screen.changes import Picture

pytestmark = pytest.mark.skipif(not IS_SUPPORTED, reason="only x86-64 on Linux is slow with denormal numbers")


def has_denormals() -> bool:
    return bool((np.full(16, 1e-38, np.float32) * np.float32(0.1)).any())


def test_denormal_numbers_are_zero_in_one_thread() -> None:
    """The mode ends with its block, whatever happens there, and other threads keep theirs."""
    with ThreadPoolExecutor(1) as other:
        assert other.submit(has_denormals).result()

        def fail() -> None:
            with denormals_as_zero():
                assert not has_denormals()
                assert other.submit(has_denormals).result()
                raise ValueError("inside")

        with pytest.raises(ValueError, match="inside"):
            fail()
    assert has_denormals()


def test_pictures_are_read_without_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Detection and recognition run in that mode in whatever thread, also when another model was loaded first."""
    engine = ocr.engine()
    modes = []

    class Engine:
        def __call__(self, picture: Picture) -> object:
            modes.append(has_denormals())
            return engine(picture)

        def recognize_txt(self, crops: list[Picture]) -> object:
            modes.append(has_denormals())
            return engine.recognize_txt(crops)

    monkeypatch.setattr(ocr, "engine", Engine)
    picture = np.full((96, 320, 3), 255, np.uint8)
    cv2 = pytest.importorskip("cv2")
    cv2.putText(picture, "Onion soup", (20, 64), cv2.FONT_HERSHEY_SIMPLEX, 1.5, (0, 0, 0), 3)
    with ThreadPoolExecutor(1) as other:
        quads = other.submit(ocr.detect_lines, picture).result()
        pieces = other.submit(ocr.read_lines, picture, quads).result()
    assert [piece.text for piece in pieces] == ["Onion soup"]
    assert modes == [False, False]
    assert has_denormals()
