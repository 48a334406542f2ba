"""Apify as it answers any link to TikTok, Instagram or YouTube with one post: the demo's video."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from infra.demo.recipe import RECIPE
from infra.demo.script import SCRIPT
from infra.stand_ins.apify_posts import actor_items
from infra.stand_ins.apify_server import ApifyServer

VIDEO = "video.mp4"
TITLE = f"{RECIPE.title} in {RECIPE.total_minutes:g} minutes (made up: this is the demo's video, whatever the link)"
CAPTION = f"{TITLE} 🍝 #pasta #dinner"


def demo_post_items(server: ApifyServer, actor: str, run_input: dict[str, Any]) -> list[Any]:
    """The one post, told as the actor tells it. Its video is rendered when it is asked for the first time."""
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
