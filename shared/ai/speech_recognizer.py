"""What transcribes speech on this installation: an AI service, or a local model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from shared.ai.catalogue import read_catalogue
from shared.ai.fallback import PROVIDERS, provider_order
from shared.errors import PermanentError
from shared.settings import Settings

OFFLINE = "offline"


@dataclass(frozen=True)
class SpeechRecognizer:
    """What transcribes speech.

    Attributes:
        name: The provider's name, or the model's if it runs here.
        languages: The only languages it knows, as BCP-47 primary tags. Empty: any language, or unknown.
    """

    name: str
    languages: Sequence[str] = ()


def find_speech_recognizer(settings: Settings) -> SpeechRecognizer | None:
    """Return the first of the provider order that can transcribe, without a request to it; None if none can."""
    for name in provider_order("transcript", settings, "transcribe"):
        if name == OFFLINE:
            recognizer = _find_local_recognizer(settings)
        else:
            recognizer = SpeechRecognizer(name) if PROVIDERS[name].is_configured(settings, "transcribe") else None
        if recognizer:
            return recognizer
    return None


def _find_local_recognizer(settings: Settings) -> SpeechRecognizer | None:
    if settings.clipwise_place == "gcp":
        # The model is in the package of another function.
        if settings.whisper_model_dir:
            return SpeechRecognizer(Path(settings.whisper_model_dir).name)
        packaged = settings.packaged_models.split(",")
        speech = (model for model in read_catalogue().values() if model.task == "speech" and model.name in packaged)
        usable = (model for model in speech if settings.speech_model in ("auto", model.name))
        return next((SpeechRecognizer(model.title, model.languages) for model in usable), None)
    # Only here: packages of functions that never transcribe lack the module.
    from shared.ai.offline.speech import check_model_folder, speech_model

    model = speech_model(settings)
    try:
        if model:
            check_model_folder(model.folder)
    except PermanentError:
        return None
    return SpeechRecognizer(model.name, model.languages) if model else None
