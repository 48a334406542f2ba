"""A small cooking video as providers get it, and a model's good answer about it."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from shared.analyses.evidence import Evidence
from shared.models.media import MediaInfo
from shared.models.video import Frame, Segment

DURATION = 30.0
FONT = Path(__file__).parents[1] / "infra" / "demo" / "fonts" / "DejaVuSans-Bold.ttf"

ANSWER: dict[str, Any] = {
    "title": "Tomato soup",
    "description": None,
    "ingredients": [
        {
            "name": "tomatoes", "amount": 800, "amountMax": None, "unit": "g", "measures": [], "note": "ripe",
            "group": None,
            "seen": {"source": "screen", "time": 4.2, "text": "800 g tomatoes", "confidence": 0.9},
        },
        {
            "name": "salt", "amount": None, "amountMax": None, "unit": None, "measures": [], "note": None,
            "group": None,
            "seen": {"source": "caption", "time": 3.0, "text": "salt to taste", "confidence": 0.7},
        },
    ],
    "steps": [
        {
            "number": 7, "text": "Simmer the tomatoes.", "minutes": 20, "minutesMax": None, "temperatureC": None,
            "seen": {"source": "subtitle", "time": 999.0, "text": "simmer for 20 minutes", "confidence": 0.8},
        }
    ],
    "prepMinutes": None,
    "cookMinutes": 20,
    "totalMinutes": None,
    "servings": 4,
    "yield": None,
    "difficulty": "easy",
    "cuisine": None,
    "tags": ["soup"],
    "equipment": ["pot"],
    "nutrition": None,
    "author": None,
    "bestFrameTime": None,
    "titleSeen": {"source": "vision", "time": -5.0, "text": "", "confidence": 0.5},
}  # fmt: skip


def answer(**changes: Any) -> dict[str, Any]:
    return copy.deepcopy(ANSWER) | changes


def invalid_answer() -> dict[str, Any]:
    """JSON that misses the schema: an ingredient without a name, a servings that is a list."""
    wrong = answer(servings=[4])
    del wrong["ingredients"][0]["name"]
    return wrong


def evidence(folder: Path, *, source: bytes | None = None, **changes: Any) -> Evidence:
    """Two key frames, subtitles, a caption; `source` makes the video itself available."""
    frames = []
    for number, time in enumerate((3.5, 20.0), start=1):
        path = folder / f"{number:02}.jpg"
        Image.new("RGB", (64, 96), (200, 40 * number, 30)).save(path, quality=80)
        frames.append((Frame(name=f"frames/{number:02}.jpg", time=time, width=64, height=96), path))
    video = folder / "source"
    if source is not None:
        video.write_bytes(source)
    given: dict[str, Any] = {
        "info": MediaInfo(
            container="mov,mp4,m4a,3gp,3g2,mj2",
            size_bytes=len(source or b"x"),
            duration_sec=DURATION,
            has_video=True,
            has_audio=True,
        ),
        "frames": frames,
        "samples": [],
        "transcript": [Segment(start=2, end=5, text="simmer for 20 minutes")],
        "transcript_source": "subtitle",
        "caption": "My soup. Salt to taste!",
        "author": "@soupcook",
        "url": "https://example.org/soup",
        "thumbnail": Frame(name="thumbnail.jpg", time=3, width=320, height=480),
        "source": (lambda: video) if source is not None else None,
    }
    return Evidence(**(given | changes))


def no_tick(_: float, __: str) -> None:
    """Nobody watches."""


def samples_showing(text: str, folder: Path) -> list[tuple[Frame, Path]]:
    """Three pictures, half a second apart, with large white letters on a dark ground."""
    font = ImageFont.truetype(FONT, 48)
    shown = []
    for number in range(3):
        picture = Image.new("RGB", (576, 1024), (40, 30, 30 + 10 * number))
        ImageDraw.Draw(picture).text((40, 200), text, font=font, fill="white")
        path = folder / f"sample-{number}.jpg"
        picture.save(path, quality=90)
        shown.append((Frame(name=f"samples/{number:03}.jpg", time=number / 2, width=576, height=1024), path))
    return shown
