"""The kind `metadata`: properties of the file, without AI."""

from __future__ import annotations

from pydantic import Field

from shared.analyses.kinds import Kind
from shared.models import Model
from shared.models.media import MediaInfo
from shared.models.video import Extraction, Frame, Transcript
from shared.wiring import EXTRACT, PERSIST


class Metadata(Model):
    duration: str = Field(description="Duration as `HH:MM:SS`, rounded down.")
    info: MediaInfo = Field(description="Properties of the file.")
    thumbnail: Frame | None = Field(description="The thumbnail.")
    shots: int = Field(description="Number of shots.")
    frames: list[Frame] = Field(description="Key frames in order of time.")


def clock_time(seconds: float) -> str:
    """Return the time as `HH:MM:SS`, rounded down."""
    total = int(seconds)
    return f"{total // 3600:02}:{total // 60 % 60:02}:{total % 60:02}"


def derive(extraction: Extraction, _: Transcript) -> Metadata:
    return Metadata(
        duration=clock_time(extraction.info.duration_sec),
        info=extraction.info,
        thumbnail=extraction.thumbnail,
        shots=len(extraction.shots),
        frames=extraction.frames,
    )


KIND = Kind(
    name="metadata",
    does="Duration, size, codecs, thumbnail, shots and key frames.",
    stages=(EXTRACT, PERSIST),
    schema=Metadata,
    derive=derive,
)
