"""Listening on this machine, with a real model that is made here."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from shared.ai.fallback import provider_for
from shared.ai.offline.provider import OfflineProvider
from shared.ai.provider import AudioClip, Turn
from shared.ai.usage import Meter
from shared.analyses.kinds import kind_named
from shared.errors import Cancelled, PermanentError
from shared.settings import read_settings
from tests.recipe_samples import no_tick
from tests.unit.ai.tiny_whisper import make_tiny_whisper
from tests.unit.ai.voices import silence, voice, write_flac


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_whisper(tmp_path_factory.mktemp("models") / "faster-whisper-tiniest")


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> AudioClip:
    """A second of silence, four of voice, a second of silence."""
    import numpy as np

    path = tmp_path_factory.mktemp("sounds") / "spoken.flac"
    return AudioClip(write_flac(path, np.concatenate([silence(1), voice(4), silence(1)])), 6)


def test_words_are_heard_with_their_times(folder: Path, spoken: AudioClip) -> None:
    """Words come with times counted from the start of the sound, silence before them included, and with their cost."""
    messages: list[str] = []
    transcription = OfflineProvider(str(folder)).transcribe(spoken, lambda _, what: messages.append(what))
    (segment,) = transcription.segments
    assert segment.text == "Guten Morgen"
    assert [word.text for word in segment.words] == ["Guten", "Morgen"]
    assert 0.4 < segment.start < 1.2
    first, second = segment.words
    assert segment.start == first.start < first.end <= second.start < second.end == segment.end
    assert transcription.language == "de"
    usage = transcription.usage
    assert (usage.provider, usage.model, usage.audio_seconds, usage.cost_usd) == ("offline", folder.name, 6, 0)
    assert usage.notes == []
    assert messages == ["Loading the speech model", "Transcribing the audio"]


def test_silence_gives_no_words(folder: Path, tmp_path: Path) -> None:
    """A model that would hear its words in anything hears none in silence, and claims no language."""
    transcription = OfflineProvider(str(folder)).transcribe(
        AudioClip(write_flac(tmp_path / "s.flac", silence(3)), 3), no_tick
    )
    assert (transcription.segments, transcription.language) == ([], None)
    assert transcription.usage.audio_seconds == 3


def test_cancelling_stops_the_listening(folder: Path, spoken: AudioClip) -> None:
    """A job that is cancelled is left at the next segment."""

    def tick(_: float, what: str) -> None:
        if what == "Transcribing the audio":
            raise Cancelled("job")

    with pytest.raises(Cancelled):
        OfflineProvider(str(folder)).transcribe(spoken, tick)


def test_configuration_names_the_folder(folder: Path, spoken: AudioClip) -> None:
    """Without any key, a folder with a model is enough for speech."""
    settings = read_settings({"WHISPER_MODEL_DIR": str(folder)})
    transcription = provider_for(kind_named("recipe"), settings, Meter()).transcribe(spoken, no_tick)
    assert [one.text for one in transcription.segments] == ["Guten Morgen"]


def test_without_a_folder_it_says_that_it_cannot(spoken: AudioClip) -> None:
    """Nobody is led to believe that there was nothing to hear."""
    with pytest.raises(PermanentError) as caught:
        OfflineProvider().transcribe(spoken, no_tick)
    assert caught.value.code == "provider_cannot"
    assert "WHISPER_MODEL_DIR" in caught.value.message


@pytest.mark.parametrize("lost", ["", "tokenizer.json", "model.bin"])
def test_a_missing_model_is_told_and_never_fetched(folder: Path, tmp_path: Path, spoken: AudioClip, lost: str) -> None:
    """A folder that is not there, or lacks a file, names its variable and what to do; nothing is downloaded."""
    copy = tmp_path / "model"
    if lost:
        shutil.copytree(folder, copy)
        (copy / lost).unlink()
    with pytest.raises(PermanentError) as caught:
        OfflineProvider(str(copy)).transcribe(spoken, no_tick)
    assert caught.value.code == "speech_model_missing"
    assert "WHISPER_MODEL_DIR" in caught.value.message
    assert lost in caught.value.message
    assert str(tmp_path) not in caught.value.message


def test_a_missing_package_is_told(folder: Path, spoken: AudioClip, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has a model but not the package learns its name."""
    monkeypatch.setattr("shared.ai.offline.speech.find_spec", lambda name: importlib.util.find_spec("no_such_" + name))
    with pytest.raises(PermanentError, match="faster-whisper is not installed") as caught:
        OfflineProvider(str(folder)).transcribe(spoken, no_tick)
    assert caught.value.code == "speech_model_missing"


@pytest.mark.parametrize("broken", ["model.bin", "tokenizer.json", "config.json"])
def test_a_broken_model_is_told(folder: Path, tmp_path: Path, spoken: AudioClip, broken: str) -> None:
    """A file of the model that is damaged fails the job with a sentence, not with a stack."""
    copy = tmp_path / "model"
    shutil.copytree(folder, copy)
    (copy / broken).write_bytes(b"damaged")
    with pytest.raises(PermanentError) as caught:
        OfflineProvider(str(copy)).transcribe(spoken, no_tick)
    assert caught.value.code == "speech_model_invalid"


def test_what_needs_an_ai_says_so() -> None:
    """A conversation is not made up."""
    with pytest.raises(PermanentError) as caught:
        OfflineProvider().chat("Be brief.", [Turn("user", "What is cooked?")], no_tick)
    assert caught.value.code == "provider_cannot"


def test_the_speech_model_is_not_loaded_before_it_is_needed() -> None:
    """Whoever does not listen does not pay for what listens."""
    script = (
        "import sys, shared.ai.offline.speech, shared.ai.fallback\n"
        "assert not {'faster_whisper', 'ctranslate2', 'numpy', 'av'} & set(sys.modules), 'loaded'"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
