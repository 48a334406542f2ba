"""Speech recognition on this machine with a faster-whisper model. Nothing is downloaded."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from shared.ai.catalogue import find_model
from shared.ai.provider import AudioClip, Transcription
from shared.ai.speech import normalize_segments
from shared.ai.usage import Meter
from shared.errors import PermanentError
from shared.languages import language_tag
from shared.models.video import Segment, Word
from shared.progress import Tick
from shared.settings import Settings

if TYPE_CHECKING:
    from faster_whisper import WhisperModel
    from faster_whisper.transcribe import Segment as Spoken

MODEL_FILES = ("config.json", "model.bin", "tokenizer.json")
"""Required files; faster-whisper would download a missing `tokenizer.json`."""
THREADS = max(1, min(4, (os.cpu_count() or 1) // 2))
"""There is one worker per core, and a part of the audio takes one. More threads than half the cores cost a fifth to a
third more processor time when all workers transcribe (docs/decisions/local-models.md)."""
MIN_ENGLISH_CERTAINTY = 0.6
"""Mean probability of words from which a model that knows only English counts as having understood. Measured: English
sentences of 12 voices have 0.79 to 0.96, other languages 0.17 to 0.54 (docs/decisions/local-models.md)."""
MIN_JUDGED_WORDS = 3
"""Fewer words are too few to judge: single words are uncertain in English too."""
_load_lock = threading.Lock()


@dataclass(frozen=True)
class SpeechModel:
    """A faster-whisper model in a folder.

    Attributes:
        name: Its name in results and costs.
        languages: BCP-47 primary tags, as far as they are known. Empty: any language, or unknown.
    """

    folder: Path
    name: str
    languages: list[str]


def speech_model(settings: Settings) -> SpeechModel | None:
    """Return the speech model that is configured, or the best one that is installed; None if there is none."""
    if settings.whisper_model_dir:
        folder = Path(settings.whisper_model_dir)
        return SpeechModel(folder, folder.name, [])
    installed = find_model("speech", settings, settings.speech_model)
    if installed is None or find_spec("faster_whisper") is None:
        return None
    return SpeechModel(installed.folder, installed.model.title, installed.model.languages)


def transcribe_clip(speech: SpeechModel | None, clip: AudioClip, meter: Meter, tick: Tick) -> Transcription:
    """Transcribe audio, with the times of words.

    The Silero model that comes with faster-whisper first removes stretches without a voice, because Whisper invents
    words for music and noise. Whisper does not receive its previous text, which can cause loops.

    Raises:
        PermanentError: `provider_cannot` without a model, or if a model that knows only English does not understand
            the speech; `speech_model_missing` if the folder, a file in it or the package is missing;
            `speech_model_invalid` if the model cannot be loaded.
    """
    if speech is None:
        raise PermanentError(
            "provider_cannot",
            "No speech model is installed and no AI key is configured."
            " Run `clipwise models install speech`, or configure an AI provider.",
        )
    check_model_folder(speech.folder)
    tick(0, "Loading the speech model")
    with _load_lock:
        model = load_model(speech.folder)
    spoken, info = model.transcribe(
        str(clip.path), word_timestamps=True, vad_filter=True, condition_on_previous_text=False
    )
    lines, probabilities = [], []
    for spoken_segment in spoken:
        done = min(1.0, spoken_segment.end / clip.duration_sec) if clip.duration_sec else 1.0
        tick(done, f"Transcribed {done * clip.duration_sec:.0f} of {clip.duration_sec:.0f} seconds of audio")
        probabilities += [float(word.probability) for word in spoken_segment.words or []]
        lines.append(to_segment(spoken_segment))
    if not model.model.is_multilingual:
        check_english(probabilities)
    segments = normalize_segments(lines, clip.duration_sec)
    meter.count_local_audio("offline", speech.name, clip.duration_sec)
    return Transcription(
        segments, language_tag(info.language) if segments else None, meter.total("offline", speech.name)
    )


def check_english(probabilities: list[float]) -> None:
    """Raise PermanentError `provider_cannot` if a model that knows only English guessed most of the words."""
    if len(probabilities) >= MIN_JUDGED_WORDS and sum(probabilities) / len(probabilities) < MIN_ENGLISH_CERTAINTY:
        raise PermanentError(
            "provider_cannot",
            "The installed speech model knows only English and did not understand this speech."
            " For other languages, run `clipwise models install speech`, or configure an AI provider.",
        )


def check_model_folder(folder: Path) -> None:
    """Raise PermanentError `speech_model_missing` if the folder, a file in it or the package is missing."""
    if not folder.is_dir():
        raise missing_model_error(
            "WHISPER_MODEL_DIR does not exist. Set it to a folder that contains a faster-whisper model, or unset it."
        )
    absent = [name for name in MODEL_FILES if not (folder / name).is_file()]
    if absent:
        raise missing_model_error(
            f"WHISPER_MODEL_DIR lacks {' and '.join(absent)}. Put a complete faster-whisper model into it, or unset it."
        )
    if find_spec("faster_whisper") is None:
        raise missing_model_error(
            "WHISPER_MODEL_DIR is set, but the package faster-whisper is not installed. "
            "Install clipwise[embedded], or unset it."
        )


def missing_model_error(message: str) -> PermanentError:
    return PermanentError("speech_model_missing", message)


@lru_cache(maxsize=1)
def load_model(folder: Path) -> WhisperModel:
    """Load a model, and cache it for the next audio: a large one takes gigabytes of memory and seconds to load."""
    from faster_whisper import WhisperModel

    try:
        return WhisperModel(str(folder), compute_type="int8", cpu_threads=THREADS, local_files_only=True)
    except MemoryError:
        raise
    # CTranslate2 raises RuntimeError for any defect of a file, tokenizers a plain Exception.
    except Exception as error:
        raise PermanentError(
            "speech_model_invalid",
            "The speech model cannot be loaded. Put a faster-whisper model into WHISPER_MODEL_DIR, or install it again"
            " with `clipwise models install`.",
        ) from error


def to_segment(spoken: Spoken) -> Segment:
    """Convert a segment of faster-whisper, whose numbers are NumPy's."""
    words = [Word(start=float(word.start), end=float(word.end), text=word.word) for word in spoken.words or []]
    return Segment(start=float(spoken.start), end=float(spoken.end), text=spoken.text, words=words)
