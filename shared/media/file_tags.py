"""What a media file says about itself: chapters, title, artist, time and place of its recording."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from shared.media.container import open_media
from shared.models.file_tags import FileChapter, FileTags, Location

if TYPE_CHECKING:
    from av.container import InputContainer

MAX_CHAPTERS = 200
_MAX_TITLE = 200
_FIRST_YEAR = 1990
"""Clocks that were never set, and empty fields, give earlier years."""
_TITLES = ("title", "com.apple.quicktime.title")
_ARTISTS = ("artist", "album_artist", "author", "com.apple.quicktime.artist", "com.apple.quicktime.author")
# The first has a time zone.
_TIMES = ("com.apple.quicktime.creationdate", "creation_time", "date_recorded", "date")
_LOCATIONS = ("com.apple.quicktime.location.iso6709", "location", "location-eng", "xyz")
_ISO_6709 = re.compile(r"([+-]\d{1,2}(?:\.\d+)?)([+-]\d{1,3}(?:\.\d+)?)([+-]\d+(?:\.\d+)?)?")
"""Latitude, longitude and altitude in degrees and meters: the form that cameras write (ISO 6709, Annex H)."""


def read_chapters(container: InputContainer, start: float, duration_sec: float) -> list[FileChapter]:
    """Return the chapters within the video by time, at most MAX_CHAPTERS; `start` is the video's start in the file."""
    chapters = []
    for chapter in sorted(container.chapters(), key=lambda chapter: chapter["start"]):
        second = float(chapter["time_base"] or 0)
        begin = max(0.0, chapter["start"] * second - start)
        end = min(chapter["end"] * second - start, duration_sec)
        if begin < end:
            title = _clean_title(chapter["metadata"].get("title"))
            chapters.append(FileChapter(start=round(begin, 3), end=round(end, 3), title=title))
    return chapters[:MAX_CHAPTERS]


def read_tags(container: InputContainer) -> FileTags:
    """Return title, artist and time of the file, not its location."""
    tags = _lower_names(container.metadata)
    times = (_parse_time(tags[name]) for name in _TIMES if name in tags)
    return FileTags(
        title=_first_text(tags, _TITLES),
        artist=_first_text(tags, _ARTISTS),
        created_at=next((time for time in times if time), None),
    )


def read_location(path: Path) -> Location | None:
    """Return where the video was recorded, if the file says so; raises as `open_media`."""
    with open_media(path) as container:
        tags = _lower_names(container.metadata)
    matches = (_ISO_6709.match(tags[name]) for name in _LOCATIONS if name in tags)
    match = next((match for match in matches if match), None)
    if match is None or abs(float(match[1])) > 90 or abs(float(match[2])) > 180:
        return None
    return Location(
        latitude=float(match[1]), longitude=float(match[2]), altitude_m=float(match[3]) if match[3] else None
    )


def _lower_names(metadata: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in metadata.items()}


def _first_text(tags: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((text for name in names if (text := _clean_title(tags.get(name)))), None)


def _clean_title(text: str | None) -> str | None:
    words = " ".join((text or "").split())
    return "".join(character for character in words if character.isprintable())[:_MAX_TITLE] or None


def _parse_time(text: str) -> datetime | None:
    """Return a time in UTC; None for a date without a time, and for a clock that was never set."""
    if len(text) <= len("2026-01-31"):
        return None
    try:
        time = datetime.fromisoformat(text)
        time = time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return time if time.year >= _FIRST_YEAR else None
