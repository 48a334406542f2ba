"""Which tracks of a file are heard, seen and read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from shared.errors import PermanentError
from shared.media.audio.extraction import extract_audio
from shared.media.probe import probe
from shared.media.subtitle_choice import SubtitleChoice, choose_subtitles, is_telemetry
from shared.media.tracks import TrackPreferences
from shared.models.video import Segment
from tests.media_samples import Shot, film, small_video, video
from tests.media_samples import ffmpeg as render
from tests.sound_samples import sound, speech

MUTE, HUM = "anullsrc=r=48000", "sine=frequency=50:sample_rate=48000"


@pytest.fixture(scope="module")
def voice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("voice")
    return sound(folder / "voice.wav", speech([(0.2, 0.9), (1.1, 1.8)], 2))


def with_tracks(path: Path, picture: Path, tracks: Sequence[Path | str], *options: str) -> Path:
    """The video with audio tracks: files, or sources of libavfilter."""
    inputs = [part for track in tracks for part in (("-f", "lavfi") if isinstance(track, str) else ()) + ("-i", track)]
    maps = [part for number in range(1, len(tracks) + 1) for part in ("-map", f"{number}:a")]
    return render(
        path, "-i", picture, *inputs, "-map", "0:v", *maps, "-t", "2", "-c:v", "copy", "-c:a", "aac", *options
    )


def flags(*rows: tuple[str, str]) -> list[str]:
    """Disposition and language of each audio track."""
    return [
        part
        for number, (flag, language) in enumerate(rows)
        for part in (f"-disposition:a:{number}", flag, f"-metadata:s:a:{number}", f"language={language}")
    ]


def chosen_audio(path: Path, wanted: TrackPreferences | None = None) -> list[int]:
    return probe(path, wanted).selected_audio


@pytest.mark.parametrize("first", [MUTE, HUM])
def test_a_track_without_a_voice_gives_way_to_one_with_sound(
    tmp_path: Path, silent: Path, voice: Path, first: str
) -> None:
    """A recording whose first track is silent or only hums is transcribed from its microphone, and the job says so."""
    path = with_tracks(tmp_path / "screen.mp4", silent, [first, voice])
    info = probe(path)
    assert info.selected_audio == [2]
    assert [track.content for track in info.audio_tracks] == ["silent" if first == MUTE else "steady", "sound"]
    assert any(warning.startswith("other sound: audio track 1") for warning in info.warnings)
    extraction = extract_audio(path, tmp_path / "audio.flac", info)
    assert extraction is not None
    assert extraction[0].loudness is not None


def test_the_default_track_is_heard_as_in_a_player(tmp_path: Path, silent: Path, voice: Path) -> None:
    """The track that the file marks as default is used, wherever it stands."""
    marks = flags(("0", "deu"), ("default", "fra"), ("0", "eng"))
    path = with_tracks(tmp_path / "dubbed.mkv", silent, [voice] * 3, *marks)
    assert chosen_audio(path, TrackPreferences(fallback_language="en")) == [2]
    assert [track.language for track in probe(path).audio_tracks] == ["deu", "fra", "eng"]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (TrackPreferences(language="de"), 1),
        (TrackPreferences(language="de-AT", fallback_language="en"), 1),
        (TrackPreferences(language="pl"), 2),
        (TrackPreferences(audio=3), 3),
        (TrackPreferences(audio="en", language="de"), 3),
    ],
)
def test_a_language_or_track_can_be_requested(
    tmp_path: Path, silent: Path, voice: Path, wanted: TrackPreferences, expected: int
) -> None:
    """A dubbed film is heard in the language of the request, or in exactly the track that it names."""
    marks = flags(("0", "ger"), ("default", "fra"), ("0", "eng"))
    path = with_tracks(tmp_path / "dubbed.mkv", silent, [voice] * 3, *marks)
    assert chosen_audio(path, wanted) == [expected]


def test_a_track_that_is_missing_is_named_with_those_that_exist(tmp_path: Path, silent: Path, voice: Path) -> None:
    """Someone who asks for Polish learns which languages there are."""
    path = with_tracks(tmp_path / "dubbed.mkv", silent, [voice] * 2, *flags(("default", "deu"), ("0", "eng")))
    for name in ("pl", 7):
        with pytest.raises(PermanentError, match=r"1 \(deu\), 2 \(eng\)") as refused:
            probe(path, TrackPreferences(audio=name))
        assert refused.value.code == "no_such_track"


@pytest.mark.parametrize(
    ("flag", "title"),
    [("comment", ""), ("visual_impaired", ""), ("0", "Director's Commentary"), ("0", "Audiodeskription")],
)
def test_commentaries_and_descriptions_do_not_replace_the_film(
    tmp_path: Path, silent: Path, voice: Path, flag: str, title: str
) -> None:
    """A commentary is not taken for the film's sound, even if it comes first and in the requested language."""
    marks = [*flags((flag, "eng"), ("0", "deu")), "-metadata:s:a:0", f"title={title}"]
    path = with_tracks(tmp_path / "film.mkv", silent, [voice] * 2, *marks)
    assert chosen_audio(path, TrackPreferences(language="en")) == [2]


def test_a_track_that_cannot_be_decoded_falls_to_the_next(tmp_path: Path, silent: Path, voice: Path) -> None:
    """If nobody can decode the first track, the second is used, and the job says so."""
    path = with_tracks(tmp_path / "film.mkv", silent, [voice] * 2)
    path.write_bytes(path.read_bytes().replace(b"A_AAC", b"A_XXX", 1))
    info = probe(path)
    assert info.selected_audio == [2]
    assert info.audio_tracks[0].content == "unreadable"
    assert any("audio track 1 cannot be decoded" in warning for warning in info.warnings)


def test_a_still_never_replaces_the_film(tmp_path: Path, silent: Path) -> None:
    """A motion photo's large still, or a cover that is not marked as one, does not stand for the short film."""
    still = video(tmp_path / "still.mp4", film([Shot(1)], (1080, 1920)))
    path = render(tmp_path / "both.mp4", "-i", still, "-i", silent, "-map", "0:v", "-map", "1:v", "-c", "copy")
    info = probe(path)
    assert (info.video_track, info.width, info.fps) == (1, 216, 30)


CUES = [(0.1, 0.9, "We are going to bake bread."), (1.0, 1.9, "It takes two cups of flour.")]


def subtitled(
    path: Path, picture: Path, tracks: Sequence[tuple[Sequence[tuple[float, float, str]], str, str, str]]
) -> Path:
    """The video with subtitle tracks, each of cues, disposition, language and title."""
    inputs, options = [], []
    for number, (cues, flag, language, title) in enumerate(tracks):
        script = path.with_suffix(f".{number}.srt")
        script.write_text(
            "".join(f"{n}\n{_stamp(a)} --> {_stamp(b)}\n{text}\n\n" for n, (a, b, text) in enumerate(cues))
        )
        inputs += ["-i", script]
        options += ["-map", f"{number + 1}", f"-disposition:s:{number}", flag]
        options += [f"-metadata:s:s:{number}", f"language={language}", f"-metadata:s:s:{number}", f"title={title}"]
    return render(path, "-i", picture, *inputs, "-map", "0:v", "-map", "0:a?", *options, "-c", "copy", "-c:s", "srt")


def _stamp(seconds: float) -> str:
    return f"00:00:{int(seconds):02},{round(seconds % 1 * 1000):03}"


def choose(path: Path, wanted: TrackPreferences | None = None) -> SubtitleChoice:
    wanted = wanted or TrackPreferences(fallback_language="en")
    return choose_subtitles(path, probe(path, wanted), wanted, [])


@pytest.fixture(scope="module")
def english(tmp_path_factory: pytest.TempPathFactory, voice: Path) -> Path:
    """A film in English."""
    folder = tmp_path_factory.mktemp("english")
    return with_tracks(folder / "film.mkv", small_video(folder / "silent.mp4"), [voice], *flags(("default", "eng")))


SIGN = [(0.2, 1.8, "[SIGN: BAKERY]")]


@pytest.mark.parametrize(
    ("flag", "language", "title"),
    [
        ("forced", "eng", ""),
        ("0", "eng", "Signs & Songs"),
        ("comment", "eng", ""),
        ("0", "eng", "Director's Commentary"),
        ("default", "deu", ""),
        ("0", "eng", "Telemetry"),
    ],
)
def test_what_is_no_transcript_is_passed_over(
    tmp_path: Path, english: Path, flag: str, language: str, title: str
) -> None:
    """Signs, commentaries, telemetry and translations never pass for what is said; the full track behind them does."""
    alone = choose(subtitled(tmp_path / "alone.mkv", english, [(SIGN, flag, language, title)]))
    assert (alone.segments, alone.is_partial) == ([], False)
    rows = [(SIGN, flag, language, title), (CUES, "0", "eng", "")]
    both = choose(subtitled(tmp_path / "both.mkv", english, rows))
    assert [segment.text for segment in both.segments] == [text for _, _, text in CUES]
    assert [track.selected for track in both.tracks] == [False, True]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (TrackPreferences(), "eng"),
        (TrackPreferences(language="de"), "deu"),
        (TrackPreferences(subtitles="fr"), "fra"),
        (TrackPreferences(subtitles=2), "deu"),
        (TrackPreferences(subtitles="none"), None),
    ],
)
def test_subtitles_in_the_language_of_the_sound_or_of_the_request_are_read(
    tmp_path: Path, english: Path, wanted: TrackPreferences, expected: str | None
) -> None:
    """Of subtitles in many languages those of the film's own or of the requested language count, or none on request."""
    rows = [(CUES, "default", "deu", ""), (CUES, "0", "fra", ""), (CUES, "0", "eng", "")]
    assert choose(subtitled(tmp_path / "film.mkv", english, rows), wanted).language == expected


def test_subtitles_of_a_moment_do_not_stop_listening(tmp_path: Path, english: Path) -> None:
    """A track with one short line is kept, but the film is listened to."""
    choice = choose(subtitled(tmp_path / "film.mkv", english, [([(0.2, 0.5, "Bonjour.")], "0", "und", "")]))
    assert choice.is_partial
    assert not choice.tracks[0].selected
    assert choice.tracks[0].coverage == pytest.approx(0.15, abs=0.02)


READINGS = {
    "GPS(0.0000,0.0000,19) BAROMETER:91.2 ISO:100 Shutter:60": True,
    "HOME(149.0251,-20.2532) 2014.09.11 13:32:11": True,
    "FrameCnt: 7, DiffTime: 33ms\n2023-05-01 12:00:00.231\n[iso: 100] [shutter: 1/500.0] [latitude: 51.1]": True,
    "F/2.8, SS 320, ISO 100, EV 0, GPS (7.1, 51.2, 20), D 10.2m, H 5.1m": True,
    "N 51.12345 E 7.12345 45 km/h 2023/01/01 12:00:01": True,
    "1½ TL Salz, 200 г муки": False,
    "In 2023 we sold 500 of them.": False,
    "We are going to bake bread.": False,
}


@pytest.mark.parametrize("text", READINGS)
def test_telemetry_is_told_from_speech(text: str) -> None:
    """A drone's or dash camera's readings are no words, and a recipe with amounts is no telemetry."""
    rows = [Segment(start=second, end=second + 1, text=text) for second in range(5)]
    assert is_telemetry(rows) is READINGS[text]
