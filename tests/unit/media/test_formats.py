"""Every format that people may send for its words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from shared.media.audio import parts as audio_parts
from shared.media.audio.extraction import extract_audio
from shared.media.audio.parts import split_audio
from shared.media.file_type import HEAD_BYTES, require_media_type
from shared.media.probe import probe
from shared.models.video import TimeSpan
from tests import media_samples
from tests.sound_samples import sound, speech

TALK = [(1.0, 2.0), (3.0, 4.0)]
SILENCES = [(0, 1), (2, 3), (4, 5.5)]
AUDIO = ["flac", "m4a", "mp3", "mpga", "oga", "ogg", "wav", "webm"]
VIDEO = {
    "mp4": ["libx264", "aac"],
    "mov": ["libx264", "aac"],
    "webm": ["libvpx", "libopus"],
    "mpeg": ["mpeg1video", "mp2"],
}


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("talk")
    return sound(folder / "talk.wav", speech(TALK, 5.5))


@pytest.fixture(params=[*AUDIO, *(f"video {name}" for name in VIDEO)])
def upload(request: pytest.FixtureRequest, talk: Path, tmp_path: Path) -> Path:
    kind = str(request.param)
    if not kind.startswith("video "):
        options = {"mpga": ("-f", "mp3"), "oga": ("-c:a", "libvorbis"), "ogg": ("-c:a", "libopus")}.get(kind, ())
        return media_samples.ffmpeg(tmp_path / f"sent.{kind}", "-i", talk, *options)
    suffix = kind.removeprefix("video ")
    picture = ("-f", "lavfi", "-i", "testsrc=size=160x120:rate=25:duration=5.5")
    codecs = ("-c:v", VIDEO[suffix][0], "-c:a", VIDEO[suffix][1], "-pix_fmt", "yuv420p")
    return media_samples.ffmpeg(tmp_path / f"sent.{suffix}", *picture, "-i", talk, *codecs)


def are_near(actual: Sequence[TimeSpan], expected: Sequence[tuple[float, float]]) -> bool:
    return [(span.start, span.end) for span in actual] == [pytest.approx(row, abs=0.13) for row in expected]


def test_what_is_said_is_found_where_it_is_said(upload: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The format is taken, its length known, its pauses at their times, and its parts begin where they say."""
    monkeypatch.setattr(audio_parts, "MAX_PART_SEC", 2.3)
    with upload.open("rb") as file:
        require_media_type(file.read(HEAD_BYTES), upload.name)
    info = probe(upload)
    assert info.duration_sec == pytest.approx(5.5, abs=0.1)
    out = tmp_path / "media"
    out.mkdir()
    extraction = extract_audio(upload, out / "audio.flac", info)
    assert extraction is not None
    track, silences = extraction
    assert track.duration_sec == pytest.approx(5.5, abs=0.1)
    assert track.loudness is not None
    assert are_near(silences, SILENCES)
    parts = split_audio(out / track.name, silences, track.duration_sec, out, lambda done: None)
    assert are_near(parts, [(0.5, 2.5), (2.5, 4.5)])
    for part, (start, end) in zip(parts, TALK, strict=True):
        length = part.end - part.start
        again = extract_audio(out / part.name, tmp_path / "again.flac", probe(out / part.name))
        assert again is not None
        assert are_near(again[1], [(0, start - part.start), (end - part.start, length)])
