"""Places in a video that a model names, tied to what is stored."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from shared.analyses.evidence import NEAR_SEC, Evidence, Sighting, ground_sighting
from shared.models.media import MediaInfo
from shared.models.video import Frame

TIMES = st.floats(-1e9, 1e9)
SOURCES = st.sampled_from(["screen", "subtitle", "speech", "caption", "vision"])


@given(SOURCES, st.none() | TIMES, st.floats(0, 1e5), st.lists(st.floats(0, 1e5), max_size=5), st.text())
def test_a_sighting_lies_in_the_video(
    source: str, time: float | None, duration: float, stored: list[float], said: str
) -> None:
    """Law: a time is within the video, a frame is a stored one near it, and a caption has neither."""
    info = MediaInfo(container="mp4", size_bytes=1, duration_sec=duration, has_video=True, has_audio=False)
    frames = [Frame(name=f"frames/{n}.jpg", time=at, width=1, height=1) for n, at in enumerate(stored)]
    evidence = Evidence(info=info, frames=[(frame, Path(frame.name)) for frame in frames], samples=[])
    claimed = Sighting.model_validate({"source": source, "time": time, "frame": said, "confidence": 1})
    found = ground_sighting(claimed, evidence)
    assert found
    assert (found.time is None) == (time is None or source == "caption")
    assert found.time is None or 0 <= found.time <= duration + 0.001
    near = {frame.name: frame.time for frame in frames}
    if found.frame is not None:
        assert found.time is not None
        assert source in ("screen", "vision")
        assert abs(near[found.frame] - found.time) <= NEAR_SEC
