"""Functions whose packages contain a local model, in an environment of their own requirements."""

from __future__ import annotations

import subprocess
from pathlib import Path

from infra.demo.narration import NARRATION
from shared.ai.offline.sentence_model import MODEL
from tests.integration.installed import install_package

TRANSCRIBE = """
import sys
import main
from pathlib import Path
from shared.ai.offline.provider import OfflineProvider
from shared.ai.provider import AudioClip
from shared.settings import settings
heard = OfflineProvider(settings()).transcribe(AudioClip(Path(sys.argv[1]), 20), lambda *_: None)
print(heard.usage.model, *(segment.text for segment in heard.segments))
"""
EMBED = """
import main
from shared.ai.offline.provider import OfflineProvider
from shared.settings import settings
print(OfflineProvider(settings()).embed(["Boil the pasta"], "document", lambda *_: None).usage.model)
"""


def run(name: str, model: str, script: str, folder: Path, *arguments: str) -> str:
    """Return what a script prints beside the function, with nothing of this machine's in its environment."""
    installed = install_package(name, folder, [model])
    command = [installed.python, "-P", "-c", f"import sys; sys.path.insert(0, '')\n{script}", *arguments]
    environ = {"CLIPWISE_PLACE": "gcp", "HOME": str(folder)}
    return subprocess.run(
        command, cwd=installed.sources, env=environ, capture_output=True, text=True, check=True
    ).stdout


def test_transcribe_recognizes_speech_with_the_model_in_its_package(tmp_path: Path) -> None:
    """In the cloud, too, English speech becomes text without a key, once the model is packaged."""
    heard = run("transcribe", "speech-english", TRANSCRIBE, tmp_path, str(NARRATION))
    assert heard.startswith("Whisper tiny.en")
    assert "boil the penne" in heard


def test_persist_embeds_with_the_model_in_its_package(tmp_path: Path) -> None:
    """In the cloud, too, transcripts are found by meaning without a key, once the model is packaged."""
    assert run("persist", "meaning", EMBED, tmp_path).strip() == MODEL
