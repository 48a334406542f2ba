"""The kind `metadata`: what the file itself tells, without any AI."""

from __future__ import annotations

from shared.analyses.kinds import Kind
from shared.models.base import Model
from shared.models.video import Frame, MediaInfo


class Metadata(Model):
    duration: str
    """`HH:MM:SS`, rounded down."""
    info: MediaInfo
    thumbnail: Frame | None
    shots: int
    frames: list[Frame]


KIND = Kind(
    name="metadata",
    does="Duration, size, codecs, thumbnail, shots and key frames.",
    stages=("extract", "persist"),
    schema=Metadata,
)
