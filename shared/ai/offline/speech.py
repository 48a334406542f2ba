"""Speech recognition on this machine with a faster-whisper model in a folder. Nothing is downloaded."""

from __future__ import annotations

import threading
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from shared.ai.provider import AudioClip, Transcription
from shared.ai.speech import normalize_segments
from shared.ai.usage import Meter
from shared.errors import PermanentError
from shared.languages import language_tag
from shared.models.video import Segment, Word
from shared.progress import Tick

if TYPE_CHECKING:
    from faster_whisper import WhisperModel
    from faster_whisper.transcribe import Segment as Spoken

MODEL_FILES = ("config.json", "model.bin", "tokenizer.json")
"""Required files; faster-whisper would download a missing `tokenizer.json`."""
_load_lock = threading.Lock()


def transcribe_clip(model_dir: str, clip: AudioClip, meter: Meter, tick: Tick) -> Transcription:
    """Transcribe audio, with the times of words.

    The Silero model that comes with faster-whisper first removes stretches without a voice, because Whisper invents
    words for music and noise. Whisper does not receive its previous text, which can cause loops.

    Raises:
        PermanentError: `provider_cannot` without a folder; `speech_model_missing` if the folder, a file in it or the
            package is missing; `speech_model_invalid` if the model cannot be loaded.
    """
    if not model_dir:
        raise PermanentError(
            "provider_cannot",
            "No speech model or AI key is configured. Set WHISPER_MODEL_DIR, or configure an AI provider.",
        )
    folder = Path(model_dir)
    check_model_folder(folder)
    tick(0, "Loading the speech model")
    with _load_lock:
        model = load_model(folder)
    spoken, info = model.transcribe(
        str(clip.path), word_timestamps=True, vad_filter=True, condition_on_previous_text=False
    )
    lines = []
    for spoken_segment in spoken:
        tick(min(1.0, spoken_segment.end / clip.duration_sec) if clip.duration_sec else 1.0, "Transcribing the audio")
        lines.append(to_segment(spoken_segment))
    segments = normalize_segments(lines, clip.duration_sec)
    meter.count_local_audio("offline", folder.name, clip.duration_sec)
    return Transcription(
        segments, language_tag(info.language) if segments else None, meter.total("offline", folder.name)
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
            "Install clipwise[whisper], or unset it."
        )


def missing_model_error(message: str) -> PermanentError:
    return PermanentError("speech_model_missing", message)


@lru_cache(maxsize=1)
def load_model(folder: Path) -> WhisperModel:
    """Load a model, and cache it for the next audio: a large one takes gigabytes of memory and seconds to load."""
    from faster_whisper import WhisperModel

    try:
        return WhisperModel(str(folder), local_files_only=True)
    except MemoryError:
        raise
    # CTranslate2 raises RuntimeError for any defect of a file, tokenizers a plain Exception.
    except Exception as error:
        raise PermanentError(
            "speech_model_invalid",
            "The speech model in WHISPER_MODEL_DIR cannot be loaded. Put a faster-whisper model into that folder.",
        ) from error


def to_segment(spoken: Spoken) -> Segment:
    """Convert a segment of faster-whisper, whose numbers are NumPy's."""
    words = [Word(start=float(word.start), end=float(word.end), text=word.word) for word in spoken.words or []]
    return Segment(start=float(spoken.start), end=float(spoken.end), text=spoken.text, words=words)
