"""The demo's video: what is in the file, and that it can be read."""

from __future__ import annotations

import hashlib
import itertools
from pathlib import Path

import av
import numpy as np
import pytest

from infra.demo import video
from infra.demo.narration import NARRATION, read_narration, script_starts, word_error_rate
from infra.demo.recipe import RECIPE, ingredient_line, step_line
from infra.demo.scenes import storyboard
from infra.demo.video import RATE


def test_a_short_upright_video_with_sound_and_subtitles(cooking_video: Path) -> None:
    """A viewer gets an upright H.264 video of 16 to 20 seconds with sound and an English subtitle track."""
    with av.open(str(cooking_video)) as file:
        picture, audio, subtitles = file.streams.video[0], file.streams.audio[0], file.streams.subtitles[0]
        assert 16 <= file.duration / 1_000_000 <= 20
        assert (picture.width, picture.height, picture.codec_context.name) == (720, 1280, "h264")
        assert 24 <= picture.average_rate <= 30
        assert audio.codec_context.name == "aac"
        assert abs(audio.duration * audio.time_base - picture.duration * picture.time_base) < 0.1
        assert (subtitles.codec_context.name, subtitles.metadata["language"]) == ("mov_text", "eng")


def test_the_subtitles_say_every_step_while_it_is_shown(cooking_video: Path) -> None:
    """Whoever reads the subtitle track finds each step's words at the time of its card."""
    with av.open(str(cooking_video)) as file:
        track = file.streams.subtitles[0]
        said = {
            bytes(packet)[2:].decode(): float(packet.pts * track.time_base)
            for packet in file.demux(track)
            if packet.size > 2
        }
    shots = storyboard()
    start = 0.0
    for shot in shots:
        assert start <= said[shot.narration] < start + shot.seconds
        start += shot.seconds
    assert {step.text for step in RECIPE.steps} <= set(said)


def test_every_line_can_be_read_from_the_encoded_pictures(cooking_video: Path) -> None:
    """Text recognition finds the title, every ingredient and every step in the video as a phone would send it."""
    from rapidocr import RapidOCR

    read = RapidOCR(params={"Global.log_level": "error"})
    shots = storyboard()
    middles = [sum(shot.seconds for shot in shots[:number]) + shot.seconds / 2 for number, shot in enumerate(shots)]
    lines: list[str] = []
    with av.open(str(cooking_video)) as file:
        for middle in middles:
            frame = next(itertools.dropwhile(lambda frame, at=middle: frame.time < at, file.decode(video=0)))
            lines += read(frame.reformat(576, 1024, "bgr24").to_ndarray(), use_cls=False).txts
            file.seek(0)
    words = " ".join(lines)
    for line in [RECIPE.title, "Serves 4", "Ready in 40 minutes", *map(ingredient_line, RECIPE.ingredients)]:
        assert line in lines
    for line in map(step_line, RECIPE.steps):
        assert line in words


def test_two_renders_show_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A render can be kept and used again, because another would show the same frames and tell the same progress."""
    monkeypatch.setattr(video, "storyboard", lambda: storyboard()[:2])
    seen = []
    for name in ("one.mp4", "two.mp4"):
        ticks: list[float] = []
        video.render_video(tmp_path / name, ticks.append)
        assert ticks == sorted(ticks)
        assert ticks[-1] == 1
        with av.open(str(tmp_path / name)) as file:
            seen.append([hashlib.sha256(frame.to_ndarray().tobytes()).digest() for frame in file.decode(video=0)])
    assert seen[0] == seen[1]
    assert len(set(seen[0])) > len(seen[0]) / 2  # there is motion


def test_ingredients_stay_long_enough_to_be_read() -> None:
    """Each card of ingredients is on the screen for at least 2.5 seconds."""
    cards = [shot for shot in storyboard() if "ingredients" in shot.narration or "pantry" in shot.narration]
    assert len(cards) == 2
    assert all(shot.seconds >= 2.5 for shot in cards)


def test_the_narration_can_be_heard_in_its_shots(cooking_video: Path) -> None:
    """Each shot is spoken while it is shown, and the recording that makes it so is small."""
    assert NARRATION.stat().st_size <= 100_000
    samples = read_narration(RATE)
    starts = script_starts()
    assert samples.size / RATE == pytest.approx(starts[-1], abs=0.1)
    for start, end in itertools.pairwise(starts):
        shot = np.abs(samples[round(start * RATE) : round(end * RATE)])
        assert shot.max() > 0.1
        assert np.flatnonzero(shot > 0.02)[0] < 0.4 * RATE


def test_without_subtitles_the_words_are_in_the_sound_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo's own video has no subtitle track, so that its words must be heard."""
    monkeypatch.setattr(video, "storyboard", lambda: storyboard()[:1])
    video.render_video(tmp_path / "spoken.mp4", lambda fraction: None, has_subtitles=False)
    with av.open(str(tmp_path / "spoken.mp4")) as file:
        assert (len(file.streams.audio), len(file.streams.subtitles)) == (1, 0)


@pytest.mark.parametrize(
    ("transcript", "rate"),
    [
        ("Baked feta pasta for 4!", 0),
        ("baked, feta pasta four", 1 / 5),
        ("fake feta and pasta for four", 2 / 5),
        ("", 1),
    ],
)
def test_the_word_error_rate_counts_words_as_listeners_do(transcript: str, rate: float) -> None:
    """Case, punctuation and digits cost nothing; each wrong, missing or added word counts once."""
    assert word_error_rate("Baked Feta Pasta for four.", transcript) == pytest.approx(rate)
