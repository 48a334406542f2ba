"""The self-check of the media part: silent where all works, clear about what does not."""

from __future__ import annotations

import sys
from typing import Any

import av
import pytest

from shared.media.audio import extraction as audio
from shared.media.self_check import find_faults, library_versions
from tests.broken_libraries import METADATA_ERRORS


def test_nothing_is_broken_where_the_tests_run() -> None:
    """A sound installation is not complained about."""
    assert find_faults() == []


def test_another_version_of_a_library_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A PyAV that takes other arguments is found by reading a clip, and the error says which argument."""
    sound = av.open

    def refuse(*args: Any, **kwargs: Any) -> Any:
        if "metadata_errors" in kwargs:
            raise TypeError(METADATA_ERRORS)
        return sound(*args, **kwargs)

    monkeypatch.setattr(av, "open", refuse)
    (fault,) = find_faults()
    assert str(fault) == f"reading a video does not work: TypeError: {METADATA_ERRORS}"
    assert "pip install 'clipwise[embedded]'" in fault.advice


@pytest.mark.parametrize(("module", "name"), [("av", "PyAV"), ("cv2", "OpenCV"), ("numpy", "NumPy")])
def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch, module: str, name: str) -> None:
    """A library that does not load is the one fault there is, and is not among the versions in use."""
    monkeypatch.setitem(sys.modules, module, None)
    (fault,) = find_faults()
    assert fault.part == f"loading {name}"
    assert module in fault.reason
    assert name not in library_versions()


def test_one_broken_part_does_not_hide_that_the_others_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """When only the sound cannot be taken out, only that is said."""

    def fail(*_: Any) -> Any:
        raise RuntimeError("no encoder")

    monkeypatch.setattr(audio, "extract_audio", fail)
    (fault,) = find_faults()
    assert (fault.part, fault.reason) == ("extracting audio from a video", "RuntimeError: no encoder")


def test_what_comes_out_wrong_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """A part that raises nothing, but loses the sound, is broken, too."""
    monkeypatch.setattr(audio, "extract_audio", lambda *_: None)
    assert [fault.part for fault in find_faults()] == ["extracting audio from a video"]


def test_the_versions_name_the_libraries_that_do_the_work() -> None:
    """Whoever reports a bug can say what PyAV, its FFmpeg and OpenCV were."""
    assert f"PyAV {av.__version__} (FFmpeg " in library_versions()
    for library in ("libavcodec", "libavformat", "OpenCV", "NumPy"):
        assert f"{library} " in library_versions()
