"""Tracks of a file that requests name, and what the job says of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.stand_ins.openai_server import OpenAIServer, transcription_reply, whisper_segment
from shared.models.video import Transcript
from tests.api_site import Site
from tests.functions.transcribe.test_sources import listened, openai, transcript
from tests.media_samples import ffmpeg, small_video, written

__all__ = ["openai"]
CUE = b"1\n00:00:00,200 --> 00:00:01,800\nWir backen Brot.\n"
MOMENT = b"1\n00:00:00,200 --> 00:00:00,400\nBonjour.\n"


@pytest.fixture(scope="module")
def dubbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """English by default, and German, with German subtitles."""
    folder = tmp_path_factory.mktemp("dubbed")
    script = written(folder / "words.srt", CUE)
    tones = [part for pitch in (440, 880) for part in ("-f", "lavfi", "-i", f"sine={pitch}:duration=2")]
    maps = [part for number in range(4) for part in ("-map", str(number))]
    languages = [
        "-metadata:s:a:0",
        "language=eng",
        "-metadata:s:a:1",
        "language=deu",
        "-metadata:s:s:0",
        "language=deu",
    ]
    marks = ["-disposition:a:0", "default", "-disposition:a:1", "0", "-disposition:s:0", "default"]
    picture = small_video(folder / "silent.mp4")
    return ffmpeg(folder / "dubbed.mkv", "-i", picture, *tones, "-i", script, *maps, *languages, *marks, "-c:v", "copy")


def send(site: Site, video: Path, **fields: str) -> httpx.Response:
    form = {"kind": "transcript", **fields}
    return site.client.post("/v1/jobs", files={"file": (video.name, video.read_bytes())}, data=form)


def submit(site: Site, video: Path, **fields: str) -> dict[str, Any]:
    answer = send(site, video, **fields)
    assert answer.status_code == 202, answer.text
    site.work()
    job: dict[str, Any] = site.client.get(f"/v1/jobs/{answer.json()['id']}").json()
    return job


def selected(job: dict[str, Any], kind: str) -> list[str]:
    return [track["language"] for track in job["video"]["info"][kind] if track["selected"]]


@pytest.mark.parametrize(
    ("fields", "audio", "subtitles"),
    [
        ({}, ["eng"], []),
        ({"language": "de"}, ["deu"], ["deu"]),
        ({"options": '{"audio_track": "de", "subtitle_track": "none"}'}, ["deu"], []),
        ({"options": '{"audio_track": 2}'}, ["deu"], ["deu"]),
        ({"options": '{"subtitle_track": 3}'}, ["eng"], ["deu"]),
    ],
)
def test_the_job_says_which_tracks_were_used(
    site: Site, openai: OpenAIServer, dubbed: Path, fields: dict[str, str], audio: list[str], subtitles: list[str]
) -> None:
    """By default the film is heard as in a player; a language or an option changes that, and the job shows it."""
    openai.queue_replies(transcription_reply(whisper_segment(0, 1, "Hello."), duration=2))
    job = submit(site, dubbed, **fields)
    assert job["status"] == "done", job["error"]
    assert (selected(job, "audioTracks"), selected(job, "subtitles")) == (audio, subtitles)
    assert listened(openai) == (0 if subtitles else 1)
    assert job["video"]["transcriptSource"] == ("subtitles" if subtitles else "speech")


def test_a_track_that_the_file_lacks_ends_the_job_with_the_choice(site: Site, dubbed: Path) -> None:
    """Someone who asks for a track that is not there learns which there are."""
    job = submit(site, dubbed, options='{"audio_track": "pl"}')
    assert (job["status"], job["error"]["code"]) == ("failed", "no_such_track")
    assert "1 (eng), 2 (deu)" in job["error"]["message"]


@pytest.mark.parametrize(
    "options", ['{"audio_track": -1}', '{"audio_track": "none"}', '{"subtitle_track": true}', '{"audio_track": 1.5}']
)
def test_options_that_can_name_no_track_are_refused(site: Site, dubbed: Path, options: str) -> None:
    """A mistake in the option is answered at once, with what it allows."""
    answer = send(site, dubbed, options=options)
    assert answer.status_code == 422
    assert "the index of a track or its language" in answer.text


def test_subtitles_of_a_moment_stand_in_where_nothing_is_heard(
    site: Site, openai: OpenAIServer, dubbed: Path, tmp_path: Path
) -> None:
    """A short track does not stop listening; if nobody speaks, its words are still there, with a note."""
    script = written(tmp_path / "moment.srt", MOMENT)
    maps = ("-map", "0:v", "-map", "0:a:0", "-map", "1")
    video = ffmpeg(tmp_path / "moment.mkv", "-i", dubbed, "-i", script, *maps, "-c", "copy")
    openai.queue_replies(transcription_reply(whisper_segment(0, 2, "Good day."), duration=2))
    spoken = submit(site, video)
    assert (spoken["video"]["transcript"], spoken["video"]["transcriptSource"]) == ("Good day.", "speech")
    openai.queue_replies(transcription_reply(duration=2))
    silent = submit(site, video)
    assert (silent["video"]["transcript"], silent["video"]["transcriptSource"]) == ("Bonjour.", "subtitles")
    found: Transcript = transcript(site, silent["id"])
    assert any("only a part of the audio" in note for note in found.notes)


def test_another_track_of_a_stored_video_is_extracted(site: Site, openai: OpenAIServer, dubbed: Path) -> None:
    """The dubbed version of a stored video can be transcribed without another upload."""
    openai.queue_replies(transcription_reply(whisper_segment(0, 1, "Hello."), duration=2))
    first = submit(site, dubbed, keep_source="true")
    openai.queue_replies(transcription_reply(whisper_segment(0, 1, "Hallo."), duration=2))
    options = {"audio_track": "de", "subtitle_track": "none"}
    body = {"kind": "transcript", "options": options}
    answer = site.client.post(f"/v1/videos/{first['id']}/analyses", json=body)
    assert answer.status_code == 202, answer.text
    site.work()
    job = site.client.get(f"/v1/jobs/{answer.json()['id']}").json()
    assert (job["video"]["transcript"], selected(job, "audioTracks")) == ("Hallo.", ["deu"])
