"""The sound of a video, as speech recognition wants it."""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from shared.errors import Cancelled, PermanentError, TransientError
from shared.media.audio import extraction as audio
from shared.media.audio.extraction import extract_audio
from shared.media.probe import probe
from shared.models.video import AudioTrack, TimeSpan
from tests import media_samples
from tests.ffmpeg_programs import ffmpeg_programs
from tests.programs import python_program
from tests.sound_samples import SOUND_RATE, sound

PROGRAMS = {"pyav": None, **ffmpeg_programs()}


@pytest.fixture(params=PROGRAMS)
def decoder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The test runs with each ffmpeg program as the machine's own, and once without any."""
    put_on_path(PROGRAMS[request.param], tmp_path / "path", monkeypatch)
    return str(request.param)


def put_on_path(program: str | None, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir()
    if program:
        (folder / "ffmpeg").symlink_to(program)
    monkeypatch.setenv("PATH", str(folder))


@pytest.fixture
def own_ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes a Python script the machine's own ffmpeg."""

    def install(script: str) -> None:
        program = python_program(tmp_path / "script", script)
        put_on_path(str(program), tmp_path / "path", monkeypatch)

    return install


def samples_of(path: Path) -> np.ndarray:
    """Mono samples from −1 to 1."""
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray()[0] for frame in container.decode(audio=0)]
    return np.concatenate(frames) / np.iinfo(frames[0].dtype).max


def extract(path: Path, out: Path) -> tuple[AudioTrack, list[TimeSpan]]:
    taken = extract_audio(path, out / "audio.flac", probe(path))
    assert taken is not None
    return taken


@pytest.mark.usefixtures("decoder")
def test_the_tone_of_a_video_comes_out_as_mono_16_khz(tmp_path: Path, spoken: Path) -> None:
    """What is heard in the video is heard in the track: 440 Hz for two seconds."""
    track, _ = extract(spoken, tmp_path)
    assert (track.name, track.sample_rate) == ("audio.flac", 16_000)
    assert track.duration_sec == pytest.approx(2, abs=0.05)
    info = probe(tmp_path / "audio.flac")
    assert (info.audio_codec, info.sample_rate, info.channels) == ("flac", 16_000, 1)
    samples = samples_of(tmp_path / "audio.flac")
    loudest = np.abs(np.fft.rfft(samples[:16_000])).argmax()
    assert loudest == pytest.approx(440, abs=2)


@pytest.mark.usefixtures("decoder")
def test_a_silent_film_has_no_track(tmp_path: Path, silent: Path) -> None:
    """A video without sound gives none, and leaves no file."""
    assert extract_audio(silent, tmp_path / "audio.flac", probe(silent)) is None
    assert not (tmp_path / "audio.flac").exists()


@pytest.mark.usefixtures("decoder")
def test_sound_that_starts_late_keeps_its_time(tmp_path: Path, silent: Path) -> None:
    """A word said at 1.2 s is found at 1.2 s, although the file's sound only starts at 1 s."""
    tone = ("-itsoffset", "1", "-f", "lavfi", "-i", "sine=frequency=440:duration=1")
    late = media_samples.ffmpeg(
        tmp_path / "late.mkv", "-i", silent, *tone, "-map", "0:v", "-map", "1:a", "-c:v", "copy", "-c:a", "flac"
    )
    extract_audio(late, tmp_path / "audio.flac", probe(late))
    samples = np.abs(samples_of(tmp_path / "audio.flac"))
    assert samples[: int(0.9 * 16_000)].max() < 0.01
    assert samples[int(1.1 * 16_000) : int(1.9 * 16_000)].max() > 0.05


@pytest.mark.usefixtures("decoder")
def test_a_song_with_a_cover_gives_its_sound(tmp_path: Path) -> None:
    """Cover art does not get into the way."""
    song = media_samples.with_cover(tmp_path / "song.mp3")
    track, _ = extract(song, tmp_path)
    assert track.duration_sec == pytest.approx(2, abs=0.1)


@pytest.mark.usefixtures("decoder")
def test_of_a_truncated_file_the_sound_that_is_there_comes_out(tmp_path: Path, spoken: Path) -> None:
    """Half an upload gives half the sound, not an error."""
    whole = media_samples.index_first(tmp_path / "whole.mp4", spoken)
    half = media_samples.truncated(tmp_path / "half.mp4", whole)
    track, _ = extract(half, tmp_path)
    assert 0.5 < track.duration_sec < 1.7


@pytest.mark.usefixtures("decoder")
def test_loudness_is_measured_by_the_standard(tmp_path: Path) -> None:
    """A sine of 1 kHz on both channels at −23 dBFS has −23 LUFS and hardly any range (EBU Tech 3341, case 1)."""
    tone = ("-f", "lavfi", "-i", "sine=frequency=1000:duration=20:sample_rate=48000")
    sine = media_samples.ffmpeg(tmp_path / "sine.wav", *tone, "-af", "volume=8*0.0708,pan=stereo|c0=c0|c1=c0")
    track, _ = extract(sine, tmp_path)
    assert track.loudness is not None
    assert track.loudness.integrated_lufs == pytest.approx(-23, abs=0.2)
    assert track.loudness.true_peak_dbfs == pytest.approx(-23, abs=0.2)
    assert track.loudness.range_lu < 1
    assert np.abs(samples_of(tmp_path / "audio.flac")).max() == pytest.approx(0.0708, rel=0.02)


@pytest.mark.usefixtures("decoder")
def test_loud_channels_do_not_clip_when_they_are_mixed(tmp_path: Path) -> None:
    """Six channels at full scale come out whole, and their loudness is that of six channels."""
    tone = ("-f", "lavfi", "-i", "sine=frequency=1000:duration=5:sample_rate=48000")
    mix = "volume=7.9,pan=5.1|" + "|".join(f"c{n}=c0" for n in range(6))
    loud = media_samples.ffmpeg(tmp_path / "loud.wav", *tone, "-af", mix)
    track, _ = extract(loud, tmp_path)
    samples = samples_of(tmp_path / "audio.flac")
    assert np.abs(samples).max() < 1
    spectrum = np.abs(np.fft.rfft(samples[8_000:24_000] * np.hanning(16_000)))
    assert spectrum[2_900:3_100].max() < 0.001 * spectrum.max()  # the third harmonic is what clipping makes
    assert track.loudness is not None
    assert track.loudness.integrated_lufs == pytest.approx(10 * np.log10(0.49 * (3 + 2 * 1.41)), abs=0.3)


@pytest.mark.usefixtures("decoder")
def test_of_silence_no_loudness_is_claimed(tmp_path: Path) -> None:
    """A sound track without any sound is one silence, and has no loudness."""
    mute = sound(tmp_path / "mute.wav", np.zeros(3 * SOUND_RATE))
    track, silences = extract(mute, tmp_path)
    assert track.loudness is None
    assert silences == [TimeSpan(start=0, end=3)]


@pytest.mark.usefixtures("decoder")
def test_progress_is_told_and_can_end_the_work(tmp_path: Path) -> None:
    """A cancelled job does not wait for the end of a long recording."""
    long = sound(tmp_path / "long.wav", np.zeros(40 * SOUND_RATE))
    progress: list[float] = []
    extract_audio(long, tmp_path / "audio.flac", probe(long), progress.append)
    assert progress == sorted(progress)
    assert progress[-1] == pytest.approx(1, abs=0.01)

    def cancel(done: float) -> None:
        raise Cancelled("job")

    with pytest.raises(Cancelled):
        extract_audio(long, tmp_path / "audio.flac", probe(long), cancel)


def test_a_file_that_is_complained_of_without_end_needs_no_memory(
    tmp_path: Path, spoken: Path, own_ffmpeg: Callable[[str], None]
) -> None:
    """What ffmpeg says of a damaged file is never held as a whole: 40 MB of it pass, in lines and without any."""
    own_ffmpeg(
        "import sys\nfor n in range(20):\n sys.stderr.write('Error while decoding\\n' * 50_000 + 'x' * 1_000_000)\n"
    )
    info = probe(spoken)
    tracemalloc.start()
    extract_audio(spoken, tmp_path / "audio.flac", info)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3_000_000


def test_an_ffmpeg_that_is_killed_is_no_fault_of_the_file(
    tmp_path: Path, spoken: Path, own_ffmpeg: Callable[[str], None]
) -> None:
    """When the machine runs out of memory, half a sound track does not pass for a whole one: it is tried again."""
    own_ffmpeg("import os\nos.kill(os.getpid(), 9)\n")
    with pytest.raises(TransientError) as stopped:
        extract_audio(spoken, tmp_path / "audio.flac", probe(spoken))
    assert stopped.value.code == "audio_stopped"


def test_an_ffmpeg_that_lacks_an_option_is_replaced(
    tmp_path: Path, spoken: Path, own_ffmpeg: Callable[[str], None], caplog: pytest.LogCaptureFixture
) -> None:
    """An ffmpeg that is too old or built without a filter does not fail the job, and the log says what it lacks."""
    own_ffmpeg("import sys\nsys.exit(\"No such filter: 'ebur128'\")\n")
    track, _ = extract(spoken, tmp_path)
    assert track.duration_sec == pytest.approx(2, abs=0.05)
    assert track.loudness is not None
    assert "No such filter: 'ebur128'" in caplog.text


def test_a_bug_in_the_decoder_is_not_blamed_on_the_file(
    tmp_path: Path, spoken: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A programming error in the decoder's own process ends the job as one; the file is not called unreadable."""
    put_on_path(None, tmp_path / "path", monkeypatch)
    broken = [sys.executable, "-c", "raise TypeError('open() got an unexpected keyword')"]
    monkeypatch.setattr(audio, "decoder_command", lambda *arguments: broken)
    with pytest.raises(TypeError, match=r"TypeError: open\(\) got an unexpected keyword"):
        extract_audio(spoken, tmp_path / "audio.flac", probe(spoken))


def test_sound_that_changes_its_channels_in_the_middle_comes_out_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A recording that goes from mono to stereo keeps both halves, each at its time."""
    put_on_path(None, tmp_path / "path", monkeypatch)
    form = ("-c:a", "aac", "-ar", "48000", "-muxdelay", "0")
    halves = []
    for number, channels in enumerate("12"):
        tone = ("-f", "lavfi", "-i", f"sine=frequency={440 * (number + 1)}:duration=2")
        offset = ("-output_ts_offset", str(2 * number))
        halves.append(media_samples.ffmpeg(tmp_path / f"{number}.ts", *tone, *form, "-ac", channels, *offset))
    joined = media_samples.written(tmp_path / "joined.ts", b"".join(half.read_bytes() for half in halves))
    track, _ = extract(joined, tmp_path)
    assert track.duration_sec == pytest.approx(4, abs=0.1)
    samples = samples_of(tmp_path / "audio.flac")
    for second, frequency in ((0.5, 440), (2.5, 880)):
        start = int(second * 16_000)
        assert np.abs(np.fft.rfft(samples[start : start + 16_000])).argmax() == pytest.approx(frequency, abs=2)


@pytest.mark.usefixtures("decoder")
@pytest.mark.parametrize("kind", ["hls", "ffconcat"])
def test_playlists_are_refused_by_every_decoder(tmp_path: Path, spoken: Path, kind: str) -> None:
    """Even if a playlist got as far as this, what it names would not be opened."""
    info = probe(spoken)
    script = media_samples.playlist(tmp_path / "list.mp4", kind, str(spoken))  # type: ignore[arg-type]
    with pytest.raises(PermanentError) as refused:
        extract_audio(script, tmp_path / "audio.flac", info)
    assert refused.value.code == "audio_unreadable"


def test_an_ffmpeg_that_hangs_is_stopped(
    tmp_path: Path, spoken: Path, own_ffmpeg: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that makes the program spin does not hold the stage for ever; it is tried again."""
    own_ffmpeg("import time\ntime.sleep(600)\n")
    monkeypatch.setattr(audio, "_LEAST_TIMEOUT_SEC", -1.5)
    with pytest.raises(TransientError) as stopped:
        extract_audio(spoken, tmp_path / "audio.flac", probe(spoken))
    assert stopped.value.code == "audio_timeout"
