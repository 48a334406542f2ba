"""Which subtitle track inside a file is a transcript of what is said."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from shared.languages import is_same_language
from shared.media.subtitles import read_subtitles
from shared.media.tracks import TrackPreferences, named_tracks
from shared.models.job import NO_TRACK
from shared.models.media import MediaInfo, SubtitleTrack
from shared.models.video import Segment, TextLimit, TimeSpan

_LEAST_COVERAGE = 0.2
"""Subtitles of films cover a third of the time and more; signs and foreign speech alone cover a few percent."""
_TELEMETRY_SHARE = 0.8
_NUMBER = re.compile(r"\d+(?:[.,:/-]\d+)*")
_WORD = re.compile(r"[^\W\d_]{2,}(?![\w:(=])")


@dataclass(frozen=True)
class SubtitleChoice:
    """What the subtitles of a file are good for.

    Attributes:
        tracks: All tracks, with what was found out about them.
        segments: The text of the selected track, or of the best one that covers too little; empty without one.
        language: The language of `segments`.
        is_partial: `segments` covers little of the sound, so that it must also be listened to.
        notes: Remarks, e.g. that the text was cut.
    """

    tracks: list[SubtitleTrack]
    segments: list[Segment]
    language: str | None
    is_partial: bool
    notes: list[str]


def choose_subtitles(
    path: Path, info: MediaInfo, wanted: TrackPreferences, silences: Sequence[TimeSpan]
) -> SubtitleChoice:
    """Read the subtitles of a file and choose the track that is a transcript of it.

    The track that `wanted.subtitles` names is taken as it is. Otherwise forced tracks, commentaries, telemetry and
    translations are none; of the others, the one in the wanted language, or else the default is. `silences` are those
    of the sound.

    Raises:
        PermanentError: `no_such_track` when the file has no track that `wanted.subtitles` names.
    """
    tracks = {track.index: track for track in info.subtitles}
    partial: tuple[SubtitleTrack, list[Segment], list[str]] | None = None
    for track in rank_subtitles(info, wanted):
        limit = TextLimit(info.duration_sec)
        segments = read_subtitles(path, track, limit, info.clock_start)
        role = "telemetry" if is_telemetry(segments) else track.role
        coverage = measure_coverage(segments, silences, info)
        is_named = wanted.subtitles is not None
        is_enough = coverage >= _LEAST_COVERAGE or not info.has_audio
        is_chosen = bool(segments) and (is_named or (role == "full" and is_enough))
        found = track.model_copy(update={"role": role, "coverage": round(coverage, 3), "selected": is_chosen})
        tracks[track.index] = found
        if is_chosen:
            return SubtitleChoice([*tracks.values()], segments, track.language, is_partial=False, notes=limit.notes)
        if segments and role == "full" and partial is None:
            partial = found, segments, limit.notes
    if partial is None:
        return SubtitleChoice([*tracks.values()], [], None, is_partial=False, notes=[])
    track, segments, notes = partial
    return SubtitleChoice([*tracks.values()], segments, track.language, is_partial=True, notes=notes)


def rank_subtitles(info: MediaInfo, wanted: TrackPreferences) -> list[SubtitleTrack]:
    """Return the tracks that may be a transcript, best first; raises PermanentError `no_such_track`."""
    if wanted.subtitles == NO_TRACK:
        return []
    spoken = next((track.language for track in info.audio_tracks if track.selected), None)
    if wanted.subtitles is not None:
        candidates = named_tracks(info.subtitles, wanted.subtitles, "subtitle")
    else:
        candidates = [
            track
            for track in info.subtitles
            if track.role == "full"
            and (
                None in (track.language, spoken)
                or is_same_language(track.language, spoken)
                or is_same_language(track.language, wanted.language)
            )
        ]
    return sorted(
        candidates,
        key=lambda track: (
            track.role != "full",
            not is_same_language(track.language, wanted.language),
            not is_same_language(track.language, spoken),
            not track.default,
            not is_same_language(track.language, wanted.fallback_language),
            track.hearing_impaired,
            track.index,
        ),
    )


def is_telemetry(segments: Sequence[Segment]) -> bool:
    """Return True if nearly all subtitles are readings of a device: as many numbers as words, or more.

    Names of readings, such as `ISO:` and `GPS(`, are no words.
    """
    readings = sum(
        len(numbers) > 0 and len(numbers) >= len(_WORD.findall(segment.text))
        for segment in segments
        if (numbers := _NUMBER.findall(segment.text)) is not None
    )
    return bool(segments) and readings >= _TELEMETRY_SHARE * len(segments)


def measure_coverage(segments: Sequence[Segment], silences: Sequence[TimeSpan], info: MediaInfo) -> float:
    """Return the share of the time with sound in which a subtitle is shown, at most 1."""
    covered = end = 0.0
    for segment in segments:
        start = max(segment.start, end)
        end = max(end, min(segment.end, info.duration_sec))
        covered += max(0.0, end - start)
    audible = info.duration_sec - sum(silence.end - silence.start for silence in silences)
    return min(1.0, covered / max(audible, 0.1))
