"""Videos longer than a model's context: analyzed in windows, the results of which are joined."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.stand_ins.gemini_requests import parts_of
from shared.ai import prompt, windows
from shared.ai.gemini import provider as gemini
from shared.ai.windows import divide_evidence
from shared.analyses.evidence import Evidence
from shared.analyses.summary import VideoSummary
from shared.models.media import MediaInfo
from shared.models.video import Segment
from tests.reel_samples import evidence, summary
from tests.unit.analyses.served_provider import VIDEO, service_of

LENGTH = 1000


@pytest.fixture(autouse=True)
def small_context(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "MAX_TRANSCRIPT", LENGTH)
    monkeypatch.setattr(prompt, "MAX_TRANSCRIPT", LENGTH)


def long_talk(tmp_path: Path, minutes: int, **changes: Any) -> Evidence:
    """A sentence of about a hundred characters every minute."""
    said = [
        Segment(start=60 * n, end=60 * n + 50, text=f"Minute {n}: " + "the bees dance " * 6) for n in range(minutes)
    ]
    inputs = evidence(tmp_path, transcript=said, **changes)
    return replace(inputs, info=inputs.info.model_copy(update={"duration_sec": 60.0 * minutes}))


@pytest.mark.parametrize("name", ["openai", "gemini"])
def test_a_long_talk_is_summed_up_in_windows(tmp_path: Path, name: str) -> None:
    """Nothing of a long talk is left out: each window is summed up, and the model joins the results into one."""
    with service_of(name) as served:
        parts = [summary(summary=f"Window {n}.") for n in range(3)]
        served.queue_answers(*parts, summary(summary="All of it."))
        result = served.analyze("summary", long_talk(tmp_path, 24), "de")
    assert isinstance(result, VideoSummary)
    assert result.summary == "All of it."
    assert len(served.service.requests) == 4
    lines = [line for number in range(3) for line in served.data(number)["transcript"]]
    assert [line["start"] for line in lines] == [60 * n for n in range(24)]
    assert "covers only the stretch from 0 to" in served.rules(0)
    joined = served.data(3)
    assert [part["result"]["summary"] for part in joined["results"]] == [
        "Window 0.",
        "Window 1.",
        "Window 2.",
    ]
    assert "transcript" not in joined
    assert not [note for note in result.notes if "too long" in note]


@pytest.mark.parametrize("name", ["openai", "gemini"])
def test_a_short_talk_needs_one_request(tmp_path: Path, name: str) -> None:
    """What fits into the context is analyzed at once, under the usual rules."""
    with service_of(name) as served:
        served.queue_answers(summary())
        served.analyze("summary", long_talk(tmp_path, 5), "de")
        assert len(served.service.requests) == 1
        assert "stretch" not in served.rules(0)


def test_gemini_watches_a_long_video_in_stretches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole video is watched, stretch by stretch and at low resolution."""
    monkeypatch.setattr(gemini, "DETAILED_SEC", 60.0)
    monkeypatch.setattr(gemini, "LONGEST_SEC", 120.0)
    with service_of("gemini") as served:
        served.queue_answers(*[summary()] * 4)
        inputs = long_talk(tmp_path, 5, source=VIDEO)
        served.analyze("summary", inputs, "de")
        bodies = [request.json for request in served.service.requests]
    stretches = [part["videoMetadata"] for body in bodies for part in parts_of(body) if "videoMetadata" in part]
    assert [(stretch["startOffset"], stretch["endOffset"]) for stretch in stretches] == [
        ("0.000s", "120.000s"),
        ("120.000s", "240.000s"),
        ("240.000s", "300.000s"),
    ]
    assert {body["generationConfig"].get("mediaResolution") for body in bodies} == {"MEDIA_RESOLUTION_LOW"}


@given(
    st.lists(st.tuples(st.floats(0, 500), st.integers(1, 900)), max_size=30),
    st.sampled_from([50.0, 120.0, float("inf")]),
)
def test_windows_divide_a_video_without_loss(said: list[tuple[float, int]], longest_sec: float) -> None:
    """Law: windows follow each other from 0 to the end, none too long, and each segment is in one of them."""
    segments = [Segment(start=start, end=start + 1, text="x" * size) for start, size in sorted(said)]
    info = MediaInfo(container="mp4", size_bytes=1, duration_sec=500, has_video=True, has_audio=True)
    divided = divide_evidence(Evidence(info=info, frames=[], samples=[], transcript=segments), [], longest_sec)
    assert (divided[0].start, divided[-1].end) == (0, 500)
    assert all(before.end == after.start for before, after in pairwise(divided))
    assert all(0 < window.end - window.start <= longest_sec + 1e-6 for window in divided)
    assert [segment for window in divided for segment in window.evidence.transcript] == segments
    for window in divided:
        starts = {segment.start for segment in window.evidence.transcript}
        assert len(starts) < 2 or sum(len(segment.text) for segment in window.evidence.transcript) <= 2 * LENGTH
