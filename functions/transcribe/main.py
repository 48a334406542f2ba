"""Stage `transcribe`: creates one transcript from subtitles, captions or audio.

Triggered by: topic `audio-extracted`, once for the job and once for each part of its audio. Reads: `media/{job}/`
extract.json, captions.json, the parts of the audio. Writes: `media/{job}/transcript.json`, the transcript so far in the
job, the owner's month in `spending`. Triggers: its own parts, then `analyze` or the next stage of the kind.
"""

from __future__ import annotations

import functions_framework
from cloudevents.http import CloudEvent

from shared.error_codes.providers import ProviderCode
from shared.models.job import Job, Part, Usage
from shared.models.transcript import Transcript
from shared.models.video import Extraction, Segment
from shared.pipeline.division import Division, PartRun, perform_divided
from shared.pipeline.media import load_json, store_json, subtitles_of
from shared.pipeline.paths import CAPTIONS, EXTRACTION, MEDIA, TRANSCRIPT, media_name
from shared.pipeline.run import StageRun
from shared.settings import settings

MAX_SHOWN_CHARACTERS = 20_000
AUDIO_PARTS_PREFIX = "audio/"
MISSING = "…"
"""Placeholder in the transcript so far for a part that is not done while later ones are."""


@functions_framework.cloud_event
def transcribe(event: CloudEvent) -> None:
    perform_divided(
        event, Division("transcribe", work=transcribe_part, show=record_partial_transcript, join=join_transcript)
    )


def transcribe_part(run: PartRun) -> None:
    """Transcribe one part of the audio with the provider that is configured for the job's kind."""
    from shared.ai.budget import meter_for
    from shared.ai.provider import AudioClip
    from shared.ai.providers import provider_for
    from shared.analyses.kinds import kind_named
    from shared.errors import PermanentError

    assert run.job.video.audio is not None  # noqa: S101  # without sound there are no parts
    place, part = run.platform, run.job.video.audio.parts[run.number]
    path = run.workspace / "part.flac"
    place.objects.download(MEDIA, media_name(run.job.id, part.name), path)
    meter = meter_for(place.documents, run.job.owner, settings().monthly_budget_usd, run.claimed.usage)

    def record_usage(stored: Part) -> None:
        """Record the usage of failed attempts too."""
        stored.usage = meter.usage

    run.leave(record_usage)
    provider = provider_for(kind_named(run.job.kind), settings(), meter)
    try:
        transcription = provider.transcribe(AudioClip(path, part.end - part.start), run.tick)
    except PermanentError as error:
        if error.code != ProviderCode.PROVIDER_CANNOT:
            raise
        outcome = Transcript(notes=[f"The audio was not transcribed: {error.message}"])
    else:
        outcome = Transcript(
            source="speech",
            language=transcription.language,
            segments=transcription.segments,
            provider=transcription.usage.provider,
            model=transcription.usage.model,
        )

    def record_outcome(stored: Part) -> None:
        stored.outcome = outcome.to_document()

    run.leave(record_outcome)


def record_partial_transcript(job: Job, parts: list[Part]) -> None:
    """Show the transcript so far and its cost."""
    transcripts = {part.number: Transcript.read(part.outcome) for part in parts if part.outcome}
    texts = [
        segments_text(transcripts[number].segments) if number in transcripts else MISSING
        for number in range(max(transcripts, default=-1) + 1)
    ]
    job.video.transcript = truncate_text("\n".join(filter(None, texts)))
    job.usage = Usage.total(part.usage for part in parts)


def join_transcript(run: StageRun, parts: list[Part]) -> None:
    """Store the transcript from the best available source: the file's subtitles, its page's captions, or speech."""
    extraction = Extraction.read(load_json(run.platform.objects, run.job.id, EXTRACTION))
    if extraction.transcript:
        transcript = subtitles_of(extraction)
    elif run.job.video.captions:
        transcript = Transcript.read(load_json(run.platform.objects, run.job.id, CAPTIONS))
    else:
        transcript = join_speech(extraction, parts)
    store_json(run.platform.objects, run.job.id, TRANSCRIPT, transcript.to_json())
    # All parts are transcribed; the whole audio file stays.
    run.platform.objects.delete_prefix(MEDIA, media_name(run.job.id, AUDIO_PARTS_PREFIX))
    run.leave(lambda job: record_transcript(job, transcript))


def join_speech(extraction: Extraction, parts: list[Part]) -> Transcript:
    """Join the transcripts of the parts; without words, a note says why there are none."""
    from shared.media.video.joining import join_parts

    if extraction.audio is None:
        return Transcript(notes=["The video has no audio."])
    if not parts:
        return Transcript(notes=["The audio of the video is silent."])
    transcripts = [Transcript.read(part.outcome or {}) for part in parts]
    notes = list(dict.fromkeys(note for transcript in transcripts for note in transcript.notes))
    segments = join_parts(
        extraction.audio.parts,
        [transcript.segments for transcript in transcripts],
        extraction.silences,
        extraction.info.duration_sec,
    )
    if not segments:
        return Transcript(notes=notes or ["No speech was detected in the video."])
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
    if job.video.audio:
        job.video.audio.parts = []
    job.video.transcript_source = transcript.source
    job.video.transcript_language = transcript.language
    job.video.transcript = truncate_text(segments_text(transcript.segments))


def segments_text(segments: list[Segment]) -> str:
    return "\n".join(segment.text for segment in segments)


def truncate_text(text: str) -> str | None:
    if len(text) <= MAX_SHOWN_CHARACTERS:
        return text or None
    return f"{text[: MAX_SHOWN_CHARACTERS - 1]}…"
