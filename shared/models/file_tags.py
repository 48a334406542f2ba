"""Models of what a media file says about itself."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from shared.models import Model


class Location(Model):
    """A place on Earth, in WGS 84."""

    latitude: float = Field(description="Degrees north.")
    longitude: float = Field(description="Degrees east.")
    altitude_m: float | None = Field(None, description="Altitude in meters. Null if unknown.")


class FileChapter(Model):
    """A chapter that the file contains."""

    start: float = Field(description="Start in seconds.")
    end: float = Field(description="End in seconds, exclusive.")
    title: str | None = Field(None, description="Title of the chapter, if any.")


class FileTags(Model):
    """What the file says about itself. Its sender may have changed it."""

    title: str | None = Field(None, description="Title.")
    artist: str | None = Field(None, description="Artist or author.")
    created_at: datetime | None = Field(None, description="When the recording was made.")
    location: Location | None = Field(
        None, description="Where the recording was made. Null unless the option `location` is true."
    )
