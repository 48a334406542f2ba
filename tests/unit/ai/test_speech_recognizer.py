"""What is said to transcribe speech, on each place."""

from __future__ import annotations

import pytest

from shared.ai.speech_recognizer import SpeechRecognizer, find_speech_recognizer
from shared.settings import read_settings

ENGLISH = SpeechRecognizer("Whisper tiny.en", ["en"])
CLOUD = {"CLIPWISE_PLACE": "gcp"}


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, ENGLISH),
        ({"SPEECH_MODEL": "off"}, None),
        ({"AI_PROVIDER": "offline,openai", "OPENAI_API_KEY": "x"}, ENGLISH),
        ({"AI_PROVIDER": "offline,openai", "OPENAI_API_KEY": "x", "SPEECH_MODEL": "off"}, SpeechRecognizer("openai")),
        ({"AI_PROVIDER": "openai,offline"}, ENGLISH),
        (CLOUD, None),
        (CLOUD | {"GEMINI_API_KEY": "x"}, SpeechRecognizer("gemini")),
        (CLOUD | {"PACKAGED_MODELS": "meaning,speech-english"}, ENGLISH),
        (CLOUD | {"PACKAGED_MODELS": "speech-english", "SPEECH_MODEL": "off"}, None),
        (CLOUD | {"PACKAGED_MODELS": "meaning"}, None),
        (CLOUD | {"WHISPER_MODEL_DIR": "/models/medium"}, SpeechRecognizer("medium")),
    ],
)
def test_the_first_that_can_transcribe_is_named(environ: dict[str, str], expected: SpeechRecognizer | None) -> None:
    """Console, `up` and `doctor` promise speech exactly where a job gets it, in the cloud too."""
    assert find_speech_recognizer(read_settings(environ)) == expected
