"""A small talking video as providers get it, and a model's good answers about it."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from shared.analyses.evidence import Evidence
from shared.models.video import AudioTrack, Loudness, Segment, Shot, TimeSpan
from tests.recipe_samples import DURATION
from tests.recipe_samples import evidence as kitchen_evidence

SHOTS = [Shot(start=0, end=4), Shot(start=4, end=12), Shot(start=12, end=14), Shot(start=14, end=DURATION)]
SAID = [
    Segment(start=1.5, end=4.5, text="Stop watering your plants every day."),
    Segment(start=4.5, end=9.5, text="Roots need air, and wet soil has none."),
    Segment(start=15, end=19, text="Put your finger into the soil first."),
    Segment(start=19, end=25, text="If it is dry two fingers deep, water the plants until it runs out below."),
]
TRANSCRIPTION = "\n".join(segment.text for segment in SAID)

REEL: dict[str, Any] = {
    "original": {"transcription": None, "translation": "Gieße deine Pflanzen nicht jeden Tag."},
    "keys": [
        {"title": f"Schlüssel {number}", "description": f"Bei {number} s geschieht etwas."} for number in range(1, 6)
    ],
    "script": [
        {"start": 4, "end": 12, "visual": "Nahaufnahme der Erde", "text": "Wurzeln brauchen Luft.", "note": "Ruhig"},
        {"start": -3, "end": 4.2, "visual": "Gesicht", "text": "Hör auf zu gießen!", "note": "Schneller Schnitt"},
        {"start": 12, "end": 999, "visual": "Finger in der Erde", "text": "Erst fühlen.", "note": ""},
    ],
    "recommendations": [{"category": "Hook", "text": "Zeige zuerst die welke Pflanze."}],
}
SUMMARY: dict[str, Any] = {
    "title": "Richtig gießen",
    "summary": "Zu viel Wasser nimmt den Wurzeln die Luft. Erst fühlen, dann gießen.",
    "keyPoints": [
        {"text": "Nicht jeden Tag gießen.", "start": 2.0},
        {"text": "Zwei Finger tief fühlen.", "start": 999.0},
        {"text": "Geduld haben.", "start": None},
    ],
    "chapters": [
        {"title": "Wie gießen", "start": 15.0},
        {"title": "Warum nicht täglich", "start": 0.7},
        {"title": "Nach dem Ende", "start": 400.0},
    ],
}


def reel(**changes: Any) -> dict[str, Any]:
    return copy.deepcopy(REEL) | changes


def summary(**changes: Any) -> dict[str, Any]:
    return copy.deepcopy(SUMMARY) | changes


def evidence(folder: Path, **changes: Any) -> Evidence:
    """Shots, sound, English speech; no text on the screen."""
    given: dict[str, Any] = {
        "transcript": SAID,
        "transcript_language": "en",
        "transcript_source": "speech",
        "shots": SHOTS,
        "audio": AudioTrack(
            name="audio.flac",
            duration_sec=DURATION,
            loudness=Loudness(integrated_lufs=-20.5, range_lu=6, true_peak_dbfs=-0.4),
        ),
        "silences": [TimeSpan(start=10, end=13), TimeSpan(start=25, end=28)],
    }
    return kitchen_evidence(folder, **(given | changes))
