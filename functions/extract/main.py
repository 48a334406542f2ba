"""Stage `extract`: extracts everything that later stages need from the video, in one pass.

Triggered by: an object finalized in `uploads`. Reads: `uploads/{job}/source`.
Writes: `media/{job}/` thumbnail.jpg, frames/, samples.zip, audio.flac, audio/, extract.json. Triggers: the kind's
next stage.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import functions_framework
from cloudevents.http import CloudEvent

from shared.analyses.kinds import Kind, kind_named
from shared.errors import NotFound, PermanentError
from shared.models.events import object_of
from shared.models.job import AUDIO_TRACK, LOCATION, SUBTITLE_TRACK, Job
from shared.models.media import MediaInfo
from shared.models.video import AudioTrack, Extraction, TimeSpan
from shared.pipeline.contract import run_stage
from shared.pipeline.job_storage import EXTRACTION, UPLOADS, job_of_source, source_name, store_folder
from shared.pipeline.sample_archive import pack_samples
from shared.pipeline.stage_run import StageRun
from shared.platform.video_limits import job_settings
from shared.progress import tick_as
from shared.settings import settings
from shared.wiring import EXTRACT, TRANSCRIBE

if TYPE_CHECKING:
    from shared.media.tracks import TrackPreferences


@functions_framework.cloud_event
def extract(event: CloudEvent) -> None:
    from shared.media.audio.ffmpeg_program import log_ffmpeg

    log_ffmpeg()
    run_stage(event, EXTRACT, job_of_source(object_of(event).name), extract_video)


def extract_video(run: StageRun) -> None:
    from shared.media.animated_webp import convert_animated_webp, describe_animation
    from shared.media.file_tags import read_location
    from shared.media.probe import check_limits, probe

    kind = kind_named(run.job.kind)
    source = fetch_source(run)
    run.tick(0.05, "Probing the file")
    film = convert_animated_webp(source, run.workspace / "film")
    info = probe(film, track_preferences(run.job))
    if film != source:
        info = describe_animation(info, source)
    check_limits(info, job_settings(run.job, settings()), kind.needs_video)
    if run.job.options.get(LOCATION) is True:
        info.tags.location = read_location(film)
    run.add_result(lambda job: record_info(job, info))

    out = run.workspace / "media"
    out.mkdir()
    extraction = extract_media(run, film, info, kind, out)
    pack_samples(out, extraction.samples)
    (out / EXTRACTION).write_text(json.dumps(extraction.to_json(), ensure_ascii=False), encoding="utf-8")
    store_folder(run.place.objects, run.job.id, out, tick_as(run.tick, 0.85, 0.98, "Storing key frames and audio"))
    run.add_result(lambda job: record_extraction(job, extraction))


def fetch_source(run: StageRun) -> Path:
    """Return the path of the video file; raises PermanentError `source_gone`."""
    source = run.workspace / "source"
    try:
        run.place.objects.download(UPLOADS, source_name(run.job.id), source)
    except NotFound:
        raise PermanentError("source_gone", "The video is no longer stored. Submit it again.") from None
    return source


def extract_media(run: StageRun, source: Path, info: MediaInfo, kind: Kind, out: Path) -> Extraction:
    """Extract frames, subtitles and audio; write their files into `out`, under the names in the extraction."""
    from shared.media.audio.parts import split_audio
    from shared.media.subtitle_choice import choose_subtitles
    from shared.media.video.extraction import extract_frames

    tick = tick_as(run.tick, 0.1, 0.7, "Detecting shots and key frames")
    frame_set = extract_frames(source, info, out, samples=kind.reads_text, tick=tick)
    audio, silences = extract_audio_track(source, info, out, tick_as(run.tick, 0.7, 0.79, "Extracting audio"))
    run.tick(0.79, "Extracting subtitles")
    subtitles = choose_subtitles(source, info, track_preferences(run.job), silences)
    info.subtitles = subtitles.tracks
    info.warnings += [*frame_set.notes, *subtitles.notes]
    if audio and needs_speech(run.job) and (subtitles.is_partial or not subtitles.segments):
        tick = tick_as(run.tick, 0.8, 0.85, "Dividing the audio")
        audio.parts = split_audio(out / audio.name, silences, audio.duration_sec, out, tick)
    return Extraction(
        info=info,
        thumbnail=frame_set.thumbnail,
        shots=frame_set.shots,
        frames=frame_set.frames,
        samples=frame_set.samples,
        audio=audio,
        silences=silences,
        transcript=subtitles.segments,
        transcript_language=subtitles.language,
        transcript_is_partial=subtitles.is_partial,
        transcript_notes=subtitles.notes,
    )


def track_preferences(job: Job) -> TrackPreferences:
    from shared.media.tracks import TrackPreferences

    return TrackPreferences(
        audio=job.options.get(AUDIO_TRACK),
        subtitles=job.options.get(SUBTITLE_TRACK),
        language=job.requested_language,
        fallback_language=job.language,
    )


def extract_audio_track(
    source: Path, info: MediaInfo, out: Path, tick: Callable[[float], None]
) -> tuple[AudioTrack | None, list[TimeSpan]]:
    """Write the audio as FLAC; return its track, None if there is none, and its silences."""
    from shared.media.audio.extraction import extract_audio

    return extract_audio(source, out / "audio.flac", info, tick) or (None, [])


def needs_speech(job: Job) -> bool:
    """Return True if speech is the only source left for the job's transcript: its page has no captions."""
    return TRANSCRIBE in job.stages and not job.video.captions


def record_info(job: Job, info: MediaInfo) -> None:
    job.video.info = info


def record_extraction(job: Job, extraction: Extraction) -> None:
    job.video.info = extraction.info
    job.video.thumbnail = extraction.thumbnail
    job.video.shots = extraction.shots
    job.video.frames = extraction.frames
    job.video.audio = extraction.audio
    job.video.transcript_source = "subtitles" if extraction.has_transcript else None
    if TRANSCRIBE in job.stages:
        job.stages[TRANSCRIBE].parts = len(extraction.audio.parts) if extraction.audio else 0
