"""Tries a tiny request of each task against what is configured: `clipwise doctor --ai`. The requests are not free."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from infra.doctor.findings import DoctorFinding, Findings, good, note, problem
from shared.ai.fallback import PROVIDERS, provider_order
from shared.ai.openai.endpoint import ACTIVITIES, endpoint_for
from shared.ai.provider import AudioClip, Provider, Task, Turn
from shared.ai.usage import Meter
from shared.analyses.evidence import Evidence
from shared.analyses.kinds import Kind
from shared.chat.search import CHAT_KIND
from shared.error_codes.jobs import ProviderCode
from shared.errors import ClipwiseError
from shared.models import Model
from shared.models.video import Frame, MediaInfo
from shared.settings import Settings

SOUND_SEC, RATE = 1.0, 16_000
SIDE = 64
KINDS: dict[Task, str] = {"analyze": "recipe", "transcribe": "transcript", "embed": CHAT_KIND, "chat": CHAT_KIND}
"""The kind whose providers are tried; `AI_PROVIDER_…` may set others for other kinds."""


class Color(Model):
    """The answer of the analysis."""

    color: str


KIND = Kind("check", "check", (), Color, "Name the color of the picture in one word.")


@dataclass(frozen=True)
class Material:
    """What the tasks need, in a temporary folder."""

    evidence: Evidence
    clip: AudioClip


def check_ai(settings: Settings) -> Findings:
    """Try each task with each provider of its order."""
    with tempfile.TemporaryDirectory(prefix="clipwise-") as folder:
        material = make_material(Path(folder))
        for task in get_args(Task):
            for name in provider_order(KINDS[task], settings, task):
                entry = PROVIDERS[name]
                if entry.key_settings and not entry.is_configured(settings, task):
                    continue
                yield try_task(task, name, settings, material)


def try_task(task: Task, name: str, settings: Settings, material: Material) -> DoctorFinding:
    subject = f"{ACTIVITIES[task]}, {describe_service(task, name, settings)}"
    meter = Meter()
    started = time.monotonic()
    try:
        outcome = TRIALS[task](PROVIDERS[name].create(settings, meter), material)
    except ClipwiseError as error:
        if error.code == ProviderCode.PROVIDER_CANNOT:
            return note(subject, "not offered", error.message.rstrip("."))
        return problem(subject, f"does not work ({error.code})", error.message.rstrip("."))
    seconds = time.monotonic() - started
    remarks = [outcome, f"{seconds:.1f} s", f"${meter.usage.cost_usd:.6f}" if meter.usage.cost_usd else "free"]
    said = f"works: {', '.join(filter(None, remarks))}"
    return note(subject, said, " ".join(meter.usage.notes)) if meter.usage.notes else good(subject, said)


def describe_service(task: Task, name: str, settings: Settings) -> str:
    """Return the provider, with its model and address for OpenAI and compatible servers."""
    if name == "openai":
        endpoint = endpoint_for(task, settings)
        return f"{name}: {endpoint.model} at {endpoint.base_url}"
    if name == "gemini":
        return f"{name}: {settings.gemini_embed_model if task == 'embed' else settings.gemini_model}"
    return name


def _try_analysis(provider: Provider, material: Material) -> str:
    result = provider.analyze(KIND, material.evidence, "en", _ignore_tick)
    pictures = "picture sent" if result.usage.frames else "text only"
    return f"{pictures}, answered {str(result.result.model_dump()['color'])[:20]!r}"


def _try_speech(provider: Provider, material: Material) -> str:
    segments = provider.transcribe(material.clip, _ignore_tick).segments
    return f"{len(segments)} segments in {SOUND_SEC:g} s of silence"


def _try_embedding(provider: Provider, material: Material) -> str:
    return f"{provider.embed(['tomato soup'], 'query', _ignore_tick).dimensions} numbers"


def _try_chat(provider: Provider, material: Material) -> str:
    return f"answered {''.join(provider.chat('Answer in one word.', [Turn('user', 'Say yes.')], _ignore_tick))[:20]!r}"


TRIALS: dict[Task, Callable[[Provider, Material], str]] = {
    "analyze": _try_analysis,
    "transcribe": _try_speech,
    "embed": _try_embedding,
    "chat": _try_chat,
}


def make_material(folder: Path) -> Material:
    """Make a green picture and a second of silence."""
    import cv2
    import numpy as np

    picture = folder / "green.jpg"
    cv2.imwrite(str(picture), np.full((SIDE, SIDE, 3), (0, 200, 0), np.uint8))
    frame = Frame(name="frames/00.jpg", time=0, width=SIDE, height=SIDE)
    info = MediaInfo(
        container="mov,mp4", size_bytes=1, duration_sec=SOUND_SEC, has_video=True, has_audio=False, width=SIDE
    )
    clip = AudioClip(_write_silence(folder / "silence.flac"), SOUND_SEC)
    return Material(Evidence(info, [(frame, picture)], [], caption="A picture."), clip)


def _write_silence(path: Path) -> Path:
    import av
    import numpy as np

    with av.open(str(path), "w", format="flac") as out:
        stream = out.add_stream("flac", rate=RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, round(SOUND_SEC * RATE)), np.int16), "s16", "mono")
        frame.sample_rate = RATE
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            out.mux(packet)
    return path


def _ignore_tick(fraction: float, message: str) -> None:
    """Nobody waits for the progress of a tiny request."""
