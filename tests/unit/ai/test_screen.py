"""Reading pictures with text drawn on them, by the real recogniser."""

from __future__ import annotations

import gc
import logging
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from shared.ai.catalogue import InstalledModel, read_catalogue
from shared.ai.offline.provider import OfflineProvider
from shared.ai.prompt import measure_evidence
from shared.ai.screen import cyrillic, ocr, reader
from shared.ai.screen.cyrillic import tesseract
from shared.ai.screen.lines import ScreenText
from shared.ai.screen.ocr import engine
from shared.ai.screen.reader import read_screen
from shared.ai.usage import Meter
from shared.analyses.kinds import kind_named
from shared.models.video import Frame
from tests.recipe_samples import evidence as recipe_evidence
from tests.unit.ai.drawing import no_tick, pattern, picture, store_samples
from tests.unit.ai.lookalike_model import write_lookalike_model

if TYPE_CHECKING:
    from shared.ai.screen.changes import Picture

NO_TESSERACT = "Tesseract with Russian is not installed; run `make program-deps` as root"


def read(images: Sequence[Image.Image], folder: Path, language: str = "en") -> ScreenText:
    return read_screen(store_samples(images, folder), language, no_tick)


def texts(screen: ScreenText) -> list[str]:
    return [line.text for line in screen.lines]


def test_text_before_a_moving_picture_is_read(tmp_path: Path) -> None:
    """Umlauts, fractions and decimal commas arrive as they were drawn, with time, frame and place."""
    lines = ["Für die Soße:", "1,5 kg Kartoffeln", "½ TL Muskat", "1½ EL Zucker", "200g Käse, gerieben"]
    screen = read([picture(lines, seed) for seed in range(3)], tmp_path)
    assert texts(screen) == lines
    first = screen.lines[0]
    assert (first.start, first.end) == (0, 1)
    assert first.frame.startswith("samples/")
    assert first.confidence > 0.8
    left, top, right, bottom = first.box
    assert 20 < left < 60 < right
    assert 180 < top < 220 < bottom < 270


def test_a_line_on_one_sample_only_does_not_count(tmp_path: Path) -> None:
    """What stands there for an instant is left out; what stays is read."""
    screen = read([picture(["2 eggs", "200 g flour"], 1), picture(["2 eggs"], 2), pattern(3)], tmp_path)
    assert texts(screen) == ["2 eggs"]


def test_patterns_give_no_lines(tmp_path: Path) -> None:
    """A video without text has none."""
    assert read([pattern(seed) for seed in range(3)], tmp_path) == ScreenText([], [])


def test_handles_are_kept_apart(tmp_path: Path) -> None:
    """A watermark is known for one, so that it becomes no title."""
    screen = read([picture(["Apple pie", "@grandmas_kitchen"], seed) for seed in range(2)], tmp_path)
    assert texts(screen) == ["Apple pie"]
    assert [line.text for line in screen.handles] == ["@grandmas_kitchen"]


def test_a_still_picture_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slide that stays costs one reading, and still counts as often as it is seen; a new small line is noticed."""
    detected: list[Picture] = []

    def detect_lines(image: Picture) -> Sequence[Any]:
        detected.append(image)
        return ocr.detect_lines(image)

    monkeypatch.setattr(reader, "detect_lines", detect_lines)
    still, more = picture(["2 eggs"]), picture(["2 eggs", "", "", "1 onion"], size=20)
    screen = read([still, still, still, more, more], tmp_path)
    assert len(detected) == 2
    assert "1 onion" in texts(screen)
    assert "2 eggs" in texts(screen)


def test_a_line_that_stays_is_recognized_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only new and changed lines are recognized again, however small the change and whatever moves elsewhere."""
    recognized = 0
    real = ocr.recognize_lines

    def recognize_lines(image: Picture, quads: Sequence[Any]) -> list[ocr.TextPiece]:
        nonlocal recognized
        recognized += len(quads)
        return real(image, quads)

    monkeypatch.setattr(ocr, "recognize_lines", recognize_lines)
    cards = [["2 eggs", "1 onion"], ["2 eggs", "1 onion", "", "3 lemons"], ["2 eggs", "7 onion", "", "3 lemons"]]
    screen = read(
        [picture(lines) for card in cards for lines in (card, [*card, "", "", "", "*" * len(card)])], tmp_path
    )
    assert {"2 eggs", "1 onion", "7 onion", "3 lemons"} <= set(texts(screen))
    assert recognized < 12


def test_a_video_with_more_text_than_is_kept_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the screen shows more text than is read, the result has what came first and the usage says what is missing,
    with whichever provider."""
    monkeypatch.setattr(reader, "MAX_SCREEN_TEXT", 20)
    pictures = [picture(["Apple pie"], 1), picture(["Apple pie"], 2), picture(["Serve hot"], 3)]
    samples = store_samples(pictures, tmp_path)
    screen = read_screen(samples, "en", no_tick)
    assert (texts(screen), screen.is_cut) == (["Apple pie"], True)
    assert not read_screen(samples[:2], "en", no_tick).is_cut

    inputs, note = recipe_evidence(tmp_path, samples=samples), "the text of its last part is missing"
    offline, other = Meter(), Meter()
    OfflineProvider(meter=offline).analyze(kind_named("recipe"), inputs, "en", no_tick)
    measure_evidence(kind_named("reel"), inputs, "en", other, no_tick)
    for meter in (offline, other):
        assert [note in one for one in meter.usage.notes] == [True]


def test_progress_is_told_before_each_sample(tmp_path: Path) -> None:
    """Cancelling takes hold at the next sample: each is announced first."""
    progress: list[float] = []
    read_screen(store_samples([pattern(0), pattern(1)], tmp_path), "en", lambda done, doing: progress.append(done))
    assert progress == [0, 0.5]


def test_a_broken_sample_is_an_error(tmp_path: Path) -> None:
    """A file that is no picture is never passed over in silence."""
    path = tmp_path / "000.jpg"
    path.write_bytes(b"no picture")
    with pytest.raises(OSError, match=r"samples/000\.jpg"):
        read_screen([(Frame(name="samples/000.jpg", time=0, width=1, height=1), path)], "en", no_tick)


def test_reading_needs_no_network_and_logs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The models come with the package: nothing is fetched, and the recogniser keeps quiet."""

    def refuse(*_: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    engine.cache_clear()
    gc.collect()  # what earlier tests left open is closed, and logs it, before the records count
    with caplog.at_level(logging.DEBUG):
        assert texts(read([picture(["2 eggs"], seed) for seed in range(2)], tmp_path)) == ["2 eggs"]
    assert caplog.records == []


@pytest.mark.skipif(tesseract() is None, reason=NO_TESSERACT)
@pytest.mark.parametrize("language", ["ru", "en"])
def test_russian_is_read_with_tesseract(tmp_path: Path, language: str) -> None:
    """Cyrillic letters are read where Tesseract is there, also when the job's language does not announce them."""
    lines = ["500 г творога", "2 ст. л. сахара", "1,5 кг картофеля", "Соль по вкусу"]
    screen = read([picture(lines, seed) for seed in range(3)], tmp_path, language)
    assert texts(screen) == lines
    assert not screen.unread


def test_russian_without_a_model_is_not_guessed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a model for it nothing is made up from Cyrillic letters, and it is known that there were some."""
    monkeypatch.setattr(reader, "can_read_cyrillic", lambda _: False)
    lines = ["500 г творога", "2 ст. л. сахара", "1,5 кг картофеля", "Соль по вкусу"]
    screen = read([picture(lines, seed) for seed in range(3)], tmp_path, "ru")
    assert screen.lines == []
    assert screen.unread


def test_an_installed_model_reads_cyrillic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a model for Cyrillic is installed it is used, without Tesseract; numbers and Latin lines stay."""
    model = read_catalogue()["screen-cyrillic"]
    write_lookalike_model(tmp_path / "model" / next(iter(model.files)))
    monkeypatch.setattr(cyrillic, "find_model", lambda task, settings: InstalledModel(model, tmp_path / "model"))
    monkeypatch.setattr(cyrillic, "tesseract", lambda: None)
    screen = read([picture(["200 ТОМАТ", "СОК КОРА", "Fresh dill"], seed) for seed in range(3)], tmp_path, "ru")
    assert texts(screen) == ["200 ТОМАТ", "СОК КОРА", "Fresh dill"]
    assert not screen.unread
