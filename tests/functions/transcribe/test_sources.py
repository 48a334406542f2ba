"""Where a transcript's words come from, and what the job says when there are none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from functions.transcribe.main import MAX_SHOWN_CHARACTERS, record_partial_transcript
from infra.stand_ins import openai_server
from infra.stand_ins.openai_server import (
    OpenAIServer,
    text_transcription_reply,
    transcription_reply,
    whisper_segment,
)
from shared.models.job import Job, Part, StageStatus, Usage
from shared.models.video import Segment, Transcript
from shared.pipeline.job_storage import CAPTIONS, MEDIA, load_transcript, media_name, store_json
from shared.pipeline.jobs import change_job
from shared.pipeline.lifecycle import plan_job
from tests.api_site import Site
from tests.media_samples import ffmpeg, small_video, written
from tests.sounds import talking_video

SCRIPT = b"1\n00:00:00,500 --> 00:00:02,000\nFrom the file.\n"
CAPTION = Transcript(source="captions", language="de", segments=[Segment(start=0, end=1, text="Vom Portal.")])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("videos")


@pytest.fixture
def openai(site: Site) -> Iterator[OpenAIServer]:
    with OpenAIServer() as service:
        site.configure(
            OPENAI_API_KEY=openai_server.KEY,
            OPENAI_BASE_URL=service.base_url,
            OPENAI_TRANSCRIBE_MODEL="whisper-1",
            SPEECH_MODEL="off",
        )
        yield service


def submit(site: Site, video: Path) -> str:
    answer = site.send(video.read_bytes(), kind="transcript", name=video.name)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def look(site: Site, id: str) -> dict[str, Any]:
    job: dict[str, Any] = site.client.get(f"/v1/jobs/{id}").json()
    assert job["status"] == "done", job["error"]
    return job


def listened(openai: OpenAIServer) -> int:
    """How often the service was given something to listen to."""
    return sum(asked.path.endswith("/audio/transcriptions") for asked in openai.requests)


def transcript(site: Site, id: str) -> Transcript:
    return load_transcript(site.place.place.objects, id)


def with_captions(site: Site, id: str) -> None:
    """As `download` leaves them."""
    store_json(site.place.place.objects, id, CAPTIONS, CAPTION.to_json())

    def put(job: Job) -> bool:
        job.video.captions = CAPTIONS
        return True

    change_job(site.place.place.documents, id, put)


def test_subtitles_of_the_file_come_first(site: Site, folder: Path, openai: OpenAIServer) -> None:
    """Words that the file brings are taken as they are: nobody is paid for listening to it."""
    video = ffmpeg(
        folder / "subtitled.mkv",
        *("-i", talking_video(folder / "talk.mp4"), "-i", written(folder / "words.srt", SCRIPT), "-c", "copy"),
    )
    id = submit(site, video)
    with_captions(site, id)
    site.work()
    found = transcript(site, id)
    assert found.source == "subtitles"
    assert found.segments
    assert (look(site, id)["video"]["transcriptSource"], listened(openai)) == ("subtitles", 0)


def test_captions_of_the_page_come_second(site: Site, folder: Path, openai: OpenAIServer) -> None:
    """Words that the video's page has are taken before anyone listens."""
    id = submit(site, talking_video(folder / "talk.mp4"))
    with_captions(site, id)
    site.work()
    assert transcript(site, id) == CAPTION
    shown = look(site, id)["video"]
    assert (shown["transcriptSource"], shown["transcriptLanguage"]) == ("captions", "de")
    assert (shown["transcript"], listened(openai)) == ("Vom Portal.", 0)


def test_else_somebody_listens(site: Site, folder: Path, openai: OpenAIServer) -> None:
    """Without them the sound is listened to; who did, and for how much, stands in the job."""
    openai.queue_replies(transcription_reply(whisper_segment(0.5, 1.5, "Hello there."), duration=4))
    id = submit(site, talking_video(folder / "talk.mp4"))
    site.work()
    found = transcript(site, id)
    assert (found.source, found.language, found.provider, found.model) == ("speech", "en", "openai", "whisper-1")
    assert [segment.text for segment in found.segments] == ["Hello there."]
    job = look(site, id)
    assert (job["video"]["transcript"], job["resultEmpty"]) == ("Hello there.", None)
    assert job["usage"]["audioSeconds"] == pytest.approx(4, abs=0.5)
    assert job["usage"]["costUsd"] > 0


def test_a_text_without_times_is_laid_over_the_sound(site: Site, folder: Path, openai: OpenAIServer) -> None:
    """With the default model, which returns no times, each sentence has estimated ones that begin where sound does."""
    site.configure(OPENAI_TRANSCRIBE_MODEL="")
    openai.queue_replies(text_transcription_reply("Hello there. Stir the soup.", "en", 4))
    id = submit(site, talking_video(folder / "talk.mp4"))
    site.work()
    found = transcript(site, id)
    assert found.model == "gpt-transcribe"
    assert [segment.text for segment in found.segments] == ["Hello there.", "Stir the soup."]
    assert all(segment.estimated for segment in found.segments)
    assert found.segments[0].end <= found.segments[1].start
    assert any("estimated" in note for note in look(site, id)["usage"]["notes"])


def test_a_retired_model_fails_no_job(site: Site, folder: Path, openai: OpenAIServer) -> None:
    """From the end of Whisper on, a job without another speech model is done, and says which setting to change."""
    openai.queue_replies(openai_server.error_reply(404, "invalid_request_error", "model_not_found"))
    id = submit(site, talking_video(folder / "talk.mp4"))
    site.work()
    (note,) = transcript(site, id).notes
    assert "OpenAI no longer has the model whisper-1. Set OPENAI_TRANSCRIBE_MODEL" in note
    assert look(site, id)["resultEmpty"]["code"] == "not_transcribed"


def test_silence_is_not_listened_to(site: Site, folder: Path, openai: OpenAIServer) -> None:
    """A sound track without any sound costs nothing, gives no invented words, and says so."""
    silent = small_video(folder / "silent.mp4", 3)
    video = ffmpeg(
        folder / "mute.mp4",
        "-i",
        silent,
        "-f",
        "lavfi",
        "-i",
        "anullsrc=r=44100:cl=stereo",
        "-c:v",
        "copy",
        "-shortest",
    )
    id = submit(site, video)
    site.work()
    assert transcript(site, id).segments == []
    assert "silent" in transcript(site, id).notes[0]
    assert (look(site, id)["video"]["transcript"], listened(openai)) == (None, 0)


def test_a_video_without_sound_says_so(site: Site, folder: Path) -> None:
    """There is a result, and it tells why it has no words."""
    id = submit(site, small_video(folder / "pictures.mp4", 3))
    site.work()
    assert transcript(site, id).notes == ["The video has no audio."]
    assert look(site, id)["resultEmpty"]["code"] == "no_audio"
    assert look(site, id)["video"]["transcriptSource"] is None


def test_without_anyone_to_listen_the_job_says_so(site: Site, folder: Path) -> None:
    """With no key and no speech model the job is done all the same, and tells what is missing."""
    id = submit(site, talking_video(folder / "talk.mp4"))
    site.work()
    (note,) = transcript(site, id).notes
    assert "clipwise models install speech" in note
    job = look(site, id)
    assert (job["status"], job["result"]["text"]) == ("done", "")
    assert job["resultEmpty"] == {
        "code": "not_transcribed",
        "message": "The transcript is empty. The audio was not transcribed: no speech model or AI key is configured for"
        " its language.",
        "advice": "Run `clipwise models install speech`, set an AI key or add subtitles; then submit it again.",
    }


def test_the_parts_of_the_sound_go_when_they_were_heard(site: Site, folder: Path, openai: OpenAIServer) -> None:
    """What was cut for listening does not stay beside the whole sound."""
    openai.queue_replies(transcription_reply(whisper_segment(0.5, 1.5, "Hello."), duration=4))
    id = submit(site, talking_video(folder / "talk.mp4"))
    site.work()
    kept = {info.name for info in site.place.place.objects.list(MEDIA, media_name(id, "audio"))}
    assert kept == {media_name(id, "audio.flac")}
    assert look(site, id)["video"]["audio"]["parts"] == []


def part(number: int, text: str | None, cost: float = 0.1) -> Part:
    said = Transcript(segments=[Segment(start=0, end=1, text=text)]) if text is not None else None
    return Part(
        job_id="j",
        owner="a",
        stage="transcribe",
        number=number,
        status=StageStatus.DONE,
        usage=Usage(cost_usd=cost, audio_seconds=60),
        outcome=said and said.to_document(),
    )


def test_the_words_grow_part_by_part() -> None:
    """While parts are heard, in any order, the job shows what is there, where something is missing, and the cost."""
    job = plan_job(owner="a", kind="transcript", language="en")
    record_partial_transcript(job, [part(0, "one"), part(2, "three"), part(3, None)])
    assert job.video.transcript == "one\n…\nthree"
    assert (round(job.usage.cost_usd, 6), job.usage.audio_seconds) == (0.3, 180)
    record_partial_transcript(job, [part(0, "one"), part(1, "two"), part(2, "three")])
    assert job.video.transcript == "one\ntwo\nthree"
    record_partial_transcript(job, [part(0, "x" * 2 * MAX_SHOWN_CHARACTERS)])
    assert job.video.transcript is not None
    assert len(job.video.transcript) == MAX_SHOWN_CHARACTERS
