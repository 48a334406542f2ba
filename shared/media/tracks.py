"""Which of a file's audio and video tracks a person would hear and see, and which subtitles are a transcript of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, TypeVar

from shared.errors import PermanentError
from shared.languages import is_same_language
from shared.models.media import AudioRole, MediaTrack, SoundTrack, SubtitleRole

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.stream import Stream
    from av.video.stream import VideoStream

    from shared.media.timeline import Timeline

Track = TypeVar("Track", bound=MediaTrack)
_COMMENTARY = re.compile(r"comment|komment|коммент", re.IGNORECASE)
_DESCRIPTIONS = re.compile(
    r"descri(?:ption|ptive|bed)|audiodes[ck]ri|\bA[\s-]?D\b|audiodescription|тифло|description audio", re.IGNORECASE
)
_FORCED = re.compile(r"\bforced\b|\bsigns?\b|forcé|erzwungen|форсир|надписи", re.IGNORECASE)
_OTHER_SOUND = re.compile(r"karaoke|instrumental|isolated score|music only|music and effects", re.IGNORECASE)
_OTHER_TEXT = re.compile(r"lyrics|karaoke|songs|chapters|trivia", re.IGNORECASE)
_TELEMETRY = re.compile(r"telemetry|gps|\bdji\b|gopro met|sensor", re.IGNORECASE)
_CONTENT_RANK = {None: 3, "sound": 3, "steady": 2, "silent": 1, "unreadable": 0}
_MOST_TITLE = 200
_FEW_FRAMES = 2
_JOINT_SEC = 0.5


@dataclass(frozen=True)
class TrackPreferences:
    """Which tracks are wanted.

    Attributes:
        audio, subtitles: A stream index or a language; None to choose automatically. `subtitles` may be `none`.
        language: The language that the request names, if any.
        fallback_language: The language of the result: it decides where the file does not.
    """

    audio: int | str | None = None
    subtitles: int | str | None = None
    language: str | None = None
    fallback_language: str | None = None


def track_facts(stream: Stream) -> dict[str, object]:
    """Return what the file declares of a stream, as fields of `MediaTrack`."""
    from av.stream import Disposition

    tags = {name.lower(): value for name, value in stream.metadata.items()}
    language = tags.get("language", "")
    title = tags.get("title", "").strip()
    return {
        "index": stream.index,
        "codec": stream.codec_context.codec.canonical_name if stream.codec_context else "unknown",
        "language": None if language in ("", "und") else language,
        "title": title[:_MOST_TITLE] or None,
        "default": bool(stream.disposition & Disposition.default),
    }


def _names(stream: Stream) -> str:
    """Return what the file calls a stream: its title, and in MP4 the name of its handler."""
    return " ".join(value for name, value in stream.metadata.items() if name.lower() in ("title", "handler_name"))


def audio_role(stream: Stream) -> AudioRole:
    from av.stream import Disposition

    flags, title = stream.disposition, _names(stream)
    if flags & Disposition.comment or _COMMENTARY.search(title):
        return "commentary"
    if flags & (Disposition.visual_impaired | Disposition.descriptions) or _DESCRIPTIONS.search(title):
        return "descriptions"
    other = Disposition.karaoke | Disposition.lyrics | Disposition.clean_effects | Disposition.non_diegetic
    return "other" if flags & other or _OTHER_SOUND.search(title) else "main"


def subtitle_role(stream: Stream) -> SubtitleRole:
    from av.stream import Disposition

    flags, title = stream.disposition, _names(stream)
    if flags & Disposition.forced or _FORCED.search(title):
        return "forced"
    if flags & Disposition.comment or _COMMENTARY.search(title):
        return "commentary"
    if _TELEMETRY.search(title):
        return "telemetry"
    other = Disposition.karaoke | Disposition.lyrics | Disposition.metadata | Disposition.descriptions
    return "other" if flags & other or _OTHER_TEXT.search(title) else "full"


def audio_tracks(container: InputContainer) -> list[SoundTrack]:
    """List the audio streams, including those that cannot be decoded."""
    tracks = []
    for stream in container.streams.audio:
        role = audio_role(stream)
        channels = (stream.codec_context.channels if stream.codec_context else 0) or None
        content = None if stream.codec_context else "unreadable"
        tracks.append(
            SoundTrack.model_validate({**track_facts(stream), "role": role, "channels": channels, "content": content})
        )
    return tracks


def rank_audio(tracks: Sequence[SoundTrack], wanted: TrackPreferences) -> list[SoundTrack]:
    """Return the tracks that may be used, best first.

    A track with sound comes first, then one that is neither a commentary nor for blind people, one in the language that
    the request names, the file's default, one in the language of the result, and the first.

    Raises:
        PermanentError: `no_such_track` when the file has no track that `wanted.audio` names.
    """
    candidates = tracks if wanted.audio is None else named_tracks(tracks, wanted.audio, "audio")
    return sorted(
        candidates,
        key=lambda track: (
            -_CONTENT_RANK[track.content],
            track.role != "main",
            not is_same_language(track.language, wanted.language),
            not track.default,
            not is_same_language(track.language, wanted.fallback_language),
            track.index,
        ),
    )


def named_tracks(tracks: Sequence[Track], name: int | str, kind: str) -> list[Track]:
    """Return the tracks that an option names by stream index or language; raises PermanentError `no_such_track`."""
    named = [
        track
        for track in tracks
        if name == track.index or (isinstance(name, str) and is_same_language(track.language, name))
    ]
    if named:
        return named
    has = ", ".join(f"{track.index} ({track.language or 'no language'})" for track in tracks) or "none"
    raise PermanentError(
        "no_such_track",
        f"The file has no {kind} track “{name}”. Choose one of its {kind} tracks, or leave the option out: {has}.",
    )


def follow_tracks(ranked: Sequence[SoundTrack], timeline: Timeline) -> list[SoundTrack]:
    """Return the best track and those that go on where it ends, as in joined recordings with renumbered streams."""
    chain = [*ranked[:1]]
    for track in sorted(ranked[1:], key=lambda track: timeline.begin(track.index)):
        end = timeline.ends.get(chain[-1].index, inf)
        if end - _JOINT_SEC <= timeline.begin(track.index) < inf:
            chain.append(track)
    return chain


def selection_notes(ranked: Sequence[SoundTrack], tracks: Sequence[SoundTrack], wanted: TrackPreferences) -> list[str]:
    """Return a note if a track was passed over because it has no sound or cannot be decoded."""
    usual = rank_audio([track.model_copy(update={"content": None}) for track in tracks], wanted)[0]
    passed = next(track for track in tracks if track.index == usual.index)
    if passed.index == ranked[0].index or passed.content == ranked[0].content:
        return []
    reason = {"silent": "is silent", "steady": "has only a steady noise"}.get(passed.content or "", "cannot be decoded")
    return [f"other sound: audio track {passed.index} {reason}, so track {ranked[0].index} was used"]


def video_streams(container: InputContainer) -> list[VideoStream]:
    """Return the video streams except cover art and preview images."""
    from av.stream import Disposition

    still = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image
    return [s for s in container.streams.video if s.codec_context is not None and not s.disposition & still]


def choose_video(streams: Sequence[VideoStream], frames: dict[int, int]) -> VideoStream | None:
    """Return the stream that a player would show; a still, of one or two frames, only if there is nothing else.

    `frames` has the number of frames of each stream, by index.
    """
    from av.stream import Disposition

    return max(
        streams,
        key=lambda stream: (
            frames.get(stream.index, 0) > _FEW_FRAMES,
            frames.get(stream.index, 0) > 0,
            bool(stream.disposition & Disposition.default),
            stream.width * stream.height,
            -stream.index,
        ),
        default=None,
    )
