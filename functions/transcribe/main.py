"""Stage `transcribe`: creates one transcript from subtitles, captions or audio.

Triggered by: topic `audio-extracted`, once for the job and once for each part of its audio. Reads: `media/{job}/`
extract.json, captions.json, the parts of the audio. Writes: `media/{job}/transcript.json`, the transcript so far in the
job, the owner's month in `spending`. Triggers: its own parts, then `analyze` or the next stage of the kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import functions_framework
from cloudevents.http import CloudEvent

from shared.error_codes.jobs import ProviderCode
from shared.errors import PermanentError
from shared.models.job import Job, Part, Usage
from shared.models.video import Extraction, Segment, TimeSpan, Transcript
from shared.pipeline.divided_stage import DividedStage
from shared.pipeline.division import PartRun, run_divided_stage
from shared.pipeline.job_storage import (
    CAPTIONS,
    EXTRACTION,
    MEDIA,
    TRANSCRIPT,
    load_json,
    media_name,
    store_json,
    subtitle_transcript,
)
from shared.pipeline.stage_run import StageRun
from shared.settings import settings
from shared.wiring import TRANSCRIBE

if TYPE_CHECKING:
    from shared.ai.provider import AudioClip, Provider
    from shared.ai.usage import Meter
    from shared.progress import Tick

MAX_SHOWN_CHARACTERS = 20_000
AUDIO_PARTS_PREFIX = "audio/"
MISSING = "…"
"""Placeholder in the transcript so far for a part that is not done while later ones are."""


@functions_framework.cloud_event
def transcribe(event: CloudEvent) -> None:
    run_divided_stage(
        event,
        DividedStage(
            TRANSCRIBE,
            work=transcribe_part,
            update_job=record_partial_transcript,
            join=join_transcript,
            alone=transcribe_alone,
        ),
    )


def transcribe_part(run: PartRun) -> None:
    """Transcribe one of several parts of the audio."""
    meter = meter_of(run, run.claimed_part.usage)

    def record_usage(part: Part) -> None:
        """Record the usage of failed attempts too."""
        part.usage = meter.usage

    run.add_result(record_usage)
    transcript = transcribe_audio(run, run.number, load_extraction(run), meter)

    def record_outcome(part: Part) -> None:
        part.outcome = transcript.to_document()

    run.add_result(record_outcome)


def transcribe_alone(run: StageRun) -> None:
    """Create the transcript of a job whose audio has one part, or none that needs to be transcribed."""
    extraction = load_extraction(run)
    if not run.job.stages[run.stage].parts:
        store_transcript(run, extraction, [])
        return
    meter = meter_of(run, run.job.usage)

    def record_usage(job: Job) -> None:
        """Record the usage of failed attempts too."""
        job.usage = meter.usage

    run.add_result(record_usage)
    store_transcript(run, extraction, [transcribe_audio(run, 0, extraction, meter)])


def meter_of(run: StageRun | PartRun, usage: Usage) -> Meter:
    from shared.ai.usage import meter_for

    return meter_for(run.place.documents, run.job.owner, settings().monthly_budget_usd, usage)


def load_extraction(run: StageRun | PartRun) -> Extraction:
    return Extraction.read(load_json(run.place.objects, run.job.id, EXTRACTION))


def transcribe_audio(run: StageRun | PartRun, number: int, extraction: Extraction, meter: Meter) -> Transcript:
    """Transcribe one part of the audio with the provider that is configured for the job's kind."""
    from shared.ai.fallback import provider_for
    from shared.ai.provider import TRANSCRIPTION, AudioClip
    from shared.analyses.kinds import kind_named

    assert extraction.audio is not None  # noqa: S101  # without audio there are no parts
    # The job's own list is empty once an attempt has stored the transcript, even if its end was not recorded.
    part = extraction.audio.parts[number]
    path = run.workspace / "part.flac"
    run.place.objects.download(MEDIA, media_name(run.job.id, part.name), path)
    provider = provider_for(kind_named(run.job.kind), settings(), meter, TRANSCRIPTION)
    clip = AudioClip(path, part.end - part.start, silences_within(extraction.silences, part))
    return transcribe_clip(provider, clip, run.tick)


def silences_within(silences: Sequence[TimeSpan], part: TimeSpan) -> list[TimeSpan]:
    """Return the silences of a part, in seconds from its start."""
    return [
        TimeSpan(start=max(silence.start, part.start) - part.start, end=min(silence.end, part.end) - part.start)
        for silence in silences
        if silence.start < part.end and silence.end > part.start
    ]


def transcribe_clip(provider: Provider, clip: AudioClip, tick: Tick) -> Transcript:
    """Return the transcript of a clip; one with a note instead of words if no provider can transcribe."""
    try:
        transcription = provider.transcribe(clip, tick)
    except PermanentError as error:
        if error.code not in (ProviderCode.PROVIDER_CANNOT, ProviderCode.PROVIDER_MODEL_MISSING):
            raise
        return Transcript(gap="not_transcribed", notes=[f"The audio was not transcribed: {error.message}"])
    transcript = Transcript(
        source="speech",
        language=transcription.language,
        segments=transcription.segments,
        provider=transcription.usage.provider,
        model=transcription.usage.model,
    )
    return cut_transcript(transcript, clip.duration_sec)


def cut_transcript(transcript: Transcript, duration_sec: float) -> Transcript:
    """Return the transcript up to the limit for a video of this duration; a note states if it was cut."""
    from shared.models.video import TextLimit

    limit = TextLimit(duration_sec)
    segments = limit.cut(transcript.segments)
    return transcript.model_copy(update={"segments": segments, "notes": [*transcript.notes, *limit.notes]})


def record_partial_transcript(job: Job, parts: list[Part]) -> None:
    """Update the job with the transcript so far and its cost."""
    transcripts = {part.number: Transcript.read(part.outcome) for part in parts if part.outcome}
    texts = [
        segments_text(transcripts[number].segments) if number in transcripts else MISSING
        for number in range(max(transcripts, default=-1) + 1)
    ]
    job.video.transcript = truncate_text("\n".join(filter(None, texts)))
    job.usage = Usage.total(part.usage for part in parts)


def join_transcript(run: StageRun, parts: list[Part]) -> None:
    """Store the transcript of a job whose parts are transcribed."""
    store_transcript(run, load_extraction(run), [Transcript.read(part.outcome or {}) for part in parts])


def store_transcript(run: StageRun, extraction: Extraction, parts: Sequence[Transcript]) -> None:
    """Store the transcript from the best available source: the file's subtitles, its page's captions, or speech."""
    if extraction.has_transcript:
        transcript = subtitle_transcript(extraction)
    elif run.job.video.captions:
        captions = Transcript.read(load_json(run.place.objects, run.job.id, CAPTIONS))
        transcript = cut_transcript(captions, extraction.info.duration_sec)
    else:
        transcript = join_speech(extraction, parts)
        if not transcript.segments and extraction.transcript:
            note = "The subtitles in the file cover only a part of the audio, of which no speech was transcribed."
            transcript = subtitle_transcript(extraction)
            transcript.notes.append(note)
    store_json(run.place.objects, run.job.id, TRANSCRIPT, transcript.to_json())
    # The parts are no longer needed; the file of the whole audio stays.
    names = [part.name for part in run.job.video.audio.parts] if run.job.video.audio else []
    files = [media_name(run.job.id, name) for name in names if name.startswith(AUDIO_PARTS_PREFIX)]
    run.place.objects.delete_many(MEDIA, files)
    run.add_result(lambda job: record_transcript(job, transcript))


def join_speech(extraction: Extraction, transcripts: Sequence[Transcript]) -> Transcript:
    """Join the transcripts of the parts; without words, add a note why there are none."""
    from shared.media.audio.transcript_merge import join_parts
    from shared.media.speakers import SEVERAL_PARTS_NOTE, label_speakers

    if extraction.audio is None:
        return Transcript(gap="no_audio", notes=["The video has no audio."])
    if not transcripts:
        return Transcript(gap="silent", notes=["The audio of the video is silent."])
    notes = list(dict.fromkeys(note for transcript in transcripts for note in transcript.notes))
    part_segments = label_speakers([transcript.segments for transcript in transcripts])
    if sum(any(segment.speaker for segment in segments) for segments in part_segments) > 1:
        notes.append(SEVERAL_PARTS_NOTE)
    segments = join_parts(
        extraction.audio.parts,
        part_segments,
        extraction.silences,
        extraction.info.duration_sec,
    )
    if not segments:
        is_complete = all(transcript.gap != "not_transcribed" for transcript in transcripts)
        return Transcript(
            gap="no_speech" if is_complete else "not_transcribed",
            notes=notes or ["No speech was detected in the video."],
        )
    longest = max(transcripts, key=lambda transcript: len(segments_text(transcript.segments)))
    return Transcript(
        source="speech",
        language=longest.language,
        segments=segments,
        provider=longest.provider,
        model=longest.model,
        notes=notes,
    )


def record_transcript(job: Job, transcript: Transcript) -> None:
    """Update the job with the whole transcript, and remove its audio parts."""
    if job.video.audio:
        job.video.audio.parts = []
    job.video.transcript_source = transcript.source
    job.video.transcript_language = transcript.language
    job.video.transcript = truncate_text(segments_text(transcript.segments))


def segments_text(segments: list[Segment]) -> str:
    return "\n".join(segment.text for segment in segments)


def truncate_text(text: str) -> str | None:
    """Return at most MAX_SHOWN_CHARACTERS of the text; None for an empty one."""
    if len(text) <= MAX_SHOWN_CHARACTERS:
        return text or None
    return f"{text[: MAX_SHOWN_CHARACTERS - 1]}…"
