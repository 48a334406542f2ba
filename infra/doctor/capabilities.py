"""What this installation can and cannot do with a video, and how to change that. `up` and `doctor` report it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from infra.doctor.findings import Findings, good, note
from shared.ai.fallback import PROVIDERS, configured_service
from shared.ai.offline.sentence_model import sentence_model
from shared.ai.screen.cyrillic import can_read_cyrillic
from shared.ai.speech_recognizer import find_speech_recognizer
from shared.chat.search import CHAT_KIND
from shared.settings import HASHING, Settings


@dataclass(frozen=True)
class Capability:
    """Something that an installation may be able to do.

    Attributes:
        name: A verb and its object.
        means: What it is done with, or its limits; "" if this installation cannot do it.
        advice: How to add it, or to lift its limits; "" if there is nothing to add.
    """

    name: str
    means: str
    advice: str = ""


def capabilities(settings: Settings) -> Iterator[Capability]:
    """Yield all capabilities, without a request to any service."""
    keys = " or ".join(entry.key_settings[0].upper() for entry in PROVIDERS.values() if entry.key_settings)
    yield _speech_capability(settings, keys)
    viewer = configured_service("recipe", settings)
    yield Capability("understand pictures", viewer or "", "" if viewer else f"set {keys}")
    if viewer:
        yield Capability("read on-screen text", f"any script, {viewer}")
    elif can_read_cyrillic(settings):
        yield Capability("read on-screen text", "Latin and Cyrillic script")
    else:
        yield Capability(
            "read on-screen text", "Latin script only", "for Cyrillic, run `clipwise models install screen-cyrillic`"
        )
    yield _search(settings)
    writer = configured_service(CHAT_KIND, settings, "chat")
    yield Capability("answer questions", writer or "quotations only", "" if writer else f"for answers, set {keys}")


def capabilities_line(settings: Settings) -> str:
    """Return all capabilities and what would add to them, on one line."""
    found = list(capabilities(settings))
    can = [f"{item.name} ({'; '.join(filter(None, (item.means, item.advice)))})" for item in found if item.means]
    cannot = [f"{item.name} ({item.advice})" for item in found if not item.means]
    return f"Can {', '.join(can)}." + (f" Cannot {', '.join(cannot)}." if cannot else "")


def check_capabilities(settings: Settings) -> Findings:
    """Report each capability."""
    for capability in capabilities(settings):
        if not capability.means:
            yield note(capability.name, "not possible with this configuration", capability.advice)
        elif capability.advice:
            yield note(capability.name, capability.means, capability.advice)
        else:
            yield good(capability.name, capability.means)


def _search(settings: Settings) -> Capability:
    """Return how transcripts are searched."""
    name = "search transcripts"
    if service := configured_service(CHAT_KIND, settings, "embed"):
        return Capability(name, f"by meaning, {service}")
    if settings.offline_embed_model == HASHING:
        return Capability(name, "by words", "for meaning, unset OFFLINE_EMBED_MODEL")
    fault = sentence_model().fault()
    # It uses 70 MB until the first search starts it again.
    sentence_model().close()
    if fault:
        return Capability(name, "by words", f"not by meaning: {fault}")
    return Capability(name, f"by meaning, {settings.offline_embed_model}")


def _speech_capability(settings: Settings, keys: str) -> Capability:
    name = "recognize speech"
    recognizer = find_speech_recognizer(settings)
    if recognizer is None:
        return Capability(name, "", f"run `clipwise models install speech` or set {keys}")
    if recognizer.languages == ["en"]:
        advice = "for other languages, run `clipwise models install speech`"
        return Capability(name, f"English only, {recognizer.name}", advice)
    return Capability(name, recognizer.name)
