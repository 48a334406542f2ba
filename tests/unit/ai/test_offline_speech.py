"""Listening on this machine, with a real model that is made here."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from infra.demo.narration import NARRATION, narration_text, word_error_rate
from shared.ai.catalogue import read_catalogue
from shared.ai.fallback import provider_for
from shared.ai.offline.provider import OfflineProvider
from shared.ai.offline.speech import check_english, speech_model
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


def provider_with(folder: Path) -> OfflineProvider:
    return OfflineProvider(read_settings({"WHISPER_MODEL_DIR": str(folder)}))


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> AudioClip:
    """A second of silence, four of voice, a second of silence."""
    import numpy as np

    path = tmp_path_factory.mktemp("sounds") / "spoken.flac"
    return AudioClip(write_flac(path, np.concatenate([silence(1), voice(4), silence(1)])), 6)


def test_words_are_heard_with_their_times(folder: Path, spoken: AudioClip) -> None:
    """Words come with times counted from the start of the sound, silence before them included, and with their cost."""
    messages: list[str] = []
    transcription = provider_with(folder).transcribe(spoken, lambda _, what: messages.append(what))
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
    loading, progress = messages
    assert loading == "Loading the speech model"
    assert progress in ("Transcribed 2 of 6 seconds of audio", "Transcribed 3 of 6 seconds of audio")


def test_silence_gives_no_words(folder: Path, tmp_path: Path) -> None:
    """A model that would hear its words in anything hears none in silence, and claims no language."""
    transcription = provider_with(folder).transcribe(AudioClip(write_flac(tmp_path / "s.flac", silence(3)), 3), no_tick)
    assert (transcription.segments, transcription.language) == ([], None)
    assert transcription.usage.audio_seconds == 3


def test_cancelling_stops_the_listening(folder: Path, spoken: AudioClip) -> None:
    """A job that is cancelled is left at the next segment."""

    def tick(_: float, what: str) -> None:
        if what.startswith("Transcribed"):
            raise Cancelled("job")

    with pytest.raises(Cancelled):
        provider_with(folder).transcribe(spoken, tick)


def test_configuration_names_the_folder(folder: Path, spoken: AudioClip) -> None:
    """Without any key, a folder with a model is enough for speech."""
    settings = read_settings({"WHISPER_MODEL_DIR": str(folder)})
    transcription = provider_for(kind_named("recipe"), settings, Meter()).transcribe(spoken, no_tick)
    assert [one.text for one in transcription.segments] == ["Guten Morgen"]


def test_without_a_folder_it_says_that_it_cannot(spoken: AudioClip) -> None:
    """Nobody is led to believe that there was nothing to hear."""
    with pytest.raises(PermanentError) as caught:
        OfflineProvider(read_settings({"SPEECH_MODEL": "off"})).transcribe(spoken, no_tick)
    assert caught.value.code == "provider_cannot"
    assert "clipwise models install speech" in caught.value.message


@pytest.mark.parametrize("lost", ["", "tokenizer.json", "model.bin"])
def test_a_missing_model_is_told_and_never_fetched(folder: Path, tmp_path: Path, spoken: AudioClip, lost: str) -> None:
    """A folder that is not there, or lacks a file, names its variable and what to do; nothing is downloaded."""
    copy = tmp_path / "model"
    if lost:
        shutil.copytree(folder, copy)
        (copy / lost).unlink()
    with pytest.raises(PermanentError) as caught:
        provider_with(copy).transcribe(spoken, no_tick)
    assert caught.value.code == "speech_model_missing"
    assert "WHISPER_MODEL_DIR" in caught.value.message
    assert lost in caught.value.message
    assert str(tmp_path) not in caught.value.message


def test_a_missing_package_is_told(folder: Path, spoken: AudioClip, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has a model but not the package learns its name."""
    monkeypatch.setattr("shared.ai.offline.speech.find_spec", lambda name: importlib.util.find_spec("no_such_" + name))
    with pytest.raises(PermanentError, match="faster-whisper is not installed") as caught:
        provider_with(folder).transcribe(spoken, no_tick)
    assert caught.value.code == "speech_model_missing"


@pytest.mark.parametrize("broken", ["model.bin", "tokenizer.json", "config.json"])
def test_a_broken_model_is_told(folder: Path, tmp_path: Path, spoken: AudioClip, broken: str) -> None:
    """A file of the model that is damaged fails the job with a sentence, not with a stack."""
    copy = tmp_path / "model"
    shutil.copytree(folder, copy)
    (copy / broken).write_bytes(b"damaged")
    with pytest.raises(PermanentError) as caught:
        provider_with(copy).transcribe(spoken, no_tick)
    assert caught.value.code == "speech_model_invalid"


@pytest.fixture(scope="module")
def listener() -> OfflineProvider:
    """The provider with the real model that the installation brings."""
    return OfflineProvider(read_settings({}))


def test_english_is_understood_as_installed(listener: OfflineProvider) -> None:
    """What pip brings transcribes English with the times of words, and names the model; no setting is needed."""
    clip = AudioClip(NARRATION, 19.6)
    transcription = listener.transcribe(clip, no_tick)
    text = " ".join(segment.text for segment in transcription.segments)
    assert word_error_rate(narration_text(), text) <= 0.15
    assert (transcription.language, transcription.usage.model) == ("en", "Whisper tiny.en")
    words = [word for segment in transcription.segments for word in segment.words]
    assert [word.start for word in words] == sorted(word.start for word in words)
    # The oven is the fourth shot, which begins at 8.6 seconds.
    assert next(word.start for word in words if "oven" in word.text) == pytest.approx(9.3, abs=0.6)


def test_another_language_is_not_passed_off_as_english() -> None:
    """A model that knows only English guesses words in German speech; the job says so instead of showing them."""
    check_english([0.9, 0.8, 0.7])
    check_english([0.3, 0.2])
    with pytest.raises(PermanentError, match="knows only English") as caught:
        check_english([0.42, 0.43, 0.5, 0.3])
    assert caught.value.code == "provider_cannot"
    assert "clipwise models install speech" in caught.value.message


def test_the_best_installed_model_is_used(folder: Path, tmp_path: Path) -> None:
    """A model that was installed by choice comes before the one that the package brings; a name or `off` decides."""
    environ = {"MODELS_DIR": str(tmp_path)}
    assert name_of(environ) == "Whisper tiny.en"
    base = read_catalogue()["speech"]
    (tmp_path / "speech").mkdir()
    for name, file in base.files.items():
        with (tmp_path / "speech" / name).open("wb") as sparse:
            sparse.truncate(file.size)
    assert name_of(environ) == "Whisper base"
    assert name_of(environ | {"SPEECH_MODEL": "speech-english"}) == "Whisper tiny.en"
    assert name_of(environ | {"SPEECH_MODEL": "off"}) is None
    assert name_of(environ | {"WHISPER_MODEL_DIR": str(folder)}) == folder.name
    (tmp_path / "speech" / "config.json").unlink()
    assert name_of(environ) == "Whisper tiny.en"


def name_of(environ: dict[str, str]) -> str | None:
    model = speech_model(read_settings(environ))
    return model.name if model else None


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
