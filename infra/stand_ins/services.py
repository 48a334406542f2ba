"""All stand-ins for `--fake-ai`, and an environment in which only they are used."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from infra.demo.recipe import RECIPE, SCRIPT
from infra.stand_ins import apify_server, gemini_server, openai_server
from infra.stand_ins.apify_server import ApifyServer, actor_items
from infra.stand_ins.auto_replies import AutoReplyGemini, AutoReplyOpenAI
from infra.stand_ins.server import StatelessServer

MODEL = "made-up"
"""Name of every model, so that a job's usage shows who made its result, and that it cost nothing."""
HIDDEN_PREFIXES = ("OPENAI_", "GEMINI_", "GOOGLE_GENAI_", "GOOGLE_GEMINI_", "GOOGLE_API_KEY", "APIFY_", "SOURCES")
"""Prefixes of variables for the real services (keys, addresses, models), which are unset meanwhile."""
VIDEO = "video.mp4"
TITLE = f"{RECIPE.title} in {RECIPE.total_minutes:g} minutes (made up: this is the demo's video, whatever the link)"
CAPTION = f"{TITLE} 🍝 #pasta #dinner"


def demo_post_items(server: ApifyServer, actor: str, run_input: dict[str, Any]) -> list[Any]:
    """Return the one post in the actor's form. Its video is rendered at the first request."""
    if VIDEO not in server.files:
        server.store_file(VIDEO, "video/mp4", render_demo_video())
    replacements = {"text": CAPTION, "caption": CAPTION, "title": TITLE}
    items = actor_items(server, actor, run_input, sum(line.seconds for line in SCRIPT))
    return [{name: replacements.get(name, value) for name, value in item.items()} for item in items]


def render_demo_video() -> bytes:
    from infra.demo.video import render_video

    with tempfile.TemporaryDirectory(prefix="clipwise-") as folder:
        path = Path(folder) / VIDEO
        render_video(path, lambda _: None)
        return path.read_bytes()


class OpenAIStandIn(StatelessServer, AutoReplyOpenAI):
    """The stand-in for OpenAI."""


class GeminiStandIn(StatelessServer, AutoReplyGemini):
    """The stand-in for Gemini."""


class ApifyStandIn(StatelessServer, ApifyServer):
    """The stand-in for Apify."""


@contextmanager
def stand_in_services(environ: MutableMapping[str, str]) -> Iterator[None]:
    """Serve OpenAI, Gemini and Apify on loopback, and point `environ` to them, while the context lasts.

    AI_PROVIDER and its variants by kind (AI_PROVIDER_REEL etc.) still choose the provider.
    """
    before = dict(environ)
    with OpenAIStandIn() as openai, GeminiStandIn(processing=0) as gemini, ApifyStandIn(demo_post_items) as apify:
        for name in before:
            if name.startswith(HIDDEN_PREFIXES):
                del environ[name]
        environ.update(
            {
                "OPENAI_API_KEY": openai_server.KEY,
                "OPENAI_BASE_URL": openai.base_url,
                "GEMINI_API_KEY": gemini_server.KEY,
                "GOOGLE_GEMINI_BASE_URL": gemini.url,
                "APIFY_TOKEN": apify_server.TOKEN,
                "APIFY_BASE_URL": apify.url,
                # If Apify fails, no other source requests a page from the internet.
                "SOURCES": "apify",
                **dict.fromkeys(("OPENAI_MODEL", "OPENAI_TRANSCRIBE_MODEL", "OPENAI_EMBED_MODEL"), MODEL),
                **dict.fromkeys(("GEMINI_MODEL", "GEMINI_EMBED_MODEL"), MODEL),
            }
        )
        try:
            yield
        finally:
            environ.clear()
            environ.update(before)
