"""Speech recognition beside plain faster-whisper, by errors, speed and memory: `python -m benchmarks.recognition`.

Three kinds of English speech: the demo's narration (flite), sentences of recipes by three voices of espeak-ng, and
five sentences of an audiobook, read by a person (Debian's pocketsphinx-testdata, from LibriVox). Clipwise also gets
speech in other languages by espeak-ng, which a model that knows only English must not pass off as English. What is not
installed is skipped, and said. Both recognizers have the same model and a process of their own; seconds are of the
processor.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

import av

from benchmarks.sizes import size, skip
from benchmarks.usage import peak_memory_mb
from infra.demo.narration import NARRATION, edit_distance, narration_text, spoken_words
from shared.ai.offline.provider import OfflineProvider
from shared.ai.offline.speech import speech_model
from shared.ai.provider import AudioClip
from shared.errors import PermanentError
from shared.settings import settings

BOOK = Path("/usr/share/pocketsphinx/test/data/librivox")
VOICES = ("en-us", "en-gb", "en-us+f3")
RECIPES = (
    "Today we make tomato soup for four people, and it takes half an hour.",
    "Chop two onions and fry them in three tablespoons of olive oil.",
    "Add a kilo of ripe tomatoes, a teaspoon of sugar and half a teaspoon of salt.",
    "Pour in a litre of vegetable stock and let it simmer for twenty minutes.",
    "Whisk three eggs with a cup of flour and a glass of milk.",
    "Bake the bread in the oven at two hundred degrees until it is golden brown.",
)
FOREIGN = {
    "de": "Heute kochen wir eine Tomatensuppe für vier Personen. Zuerst zwei Zwiebeln schneiden und in Öl anbraten.",
    "ru": "Сегодня мы готовим томатный суп на четверых. Сначала нарежьте две луковицы и обжарьте их в масле.",
    "fr": "Aujourd'hui nous préparons une soupe de tomates. Coupez deux oignons et faites-les revenir dans l'huile.",
    "es": "Hoy preparamos una sopa de tomate. Primero corten dos cebollas y fríanlas en aceite de oliva.",
    "it": "Oggi prepariamo una zuppa di pomodoro. Prima tagliate due cipolle e fatele rosolare nell'olio.",
}
GOALS = {"audiobook": 0.10, "demo": 0.20}
"""Word error rates that are not to be exceeded."""
MIN_SPEED = 10
"""Seconds of audio per second of the processor."""
MAX_MEMORY_MB = 700


@dataclass(frozen=True)
class Sample:
    """A clip, with what is said in it; `text` is empty if that is not English."""

    kind: str
    path: Path
    text: str

    @property
    def seconds(self) -> float:
        with av.open(str(self.path)) as file:
            return float(file.duration or 0) / av.time_base


@dataclass
class Result:
    """What one recognizer did: errors and words by kind of speech, foreign clips with words, and its costs."""

    errors: dict[str, int] = field(default_factory=dict)
    words: dict[str, int] = field(default_factory=dict)
    foreign_words: int = 0
    english_seconds: float = 0
    english_cpu: float = 0
    foreign_cpu: float = 0
    memory_mb: float = 0


def collect(folder: Path) -> list[Sample]:
    samples = [Sample("demo", NARRATION, narration_text())]
    if BOOK.is_dir():
        lines = (BOOK / "transcription").read_text().splitlines()
        for text, name in (re.fullmatch(r"<s> (.*) </s> \((.*)\)", line).groups() for line in lines if line):
            # The transcript repeats a word that the reader does not.
            samples.append(Sample("audiobook", BOOK / f"{name}.wav", text.replace("more a amiable", "more amiable")))
    else:
        print("skipped: the audiobook; run `apt-get install pocketsphinx-testdata`", file=sys.stderr)
    if shutil.which("espeak-ng"):
        for voice in VOICES:
            samples += [Sample("espeak-ng", speak(voice, text, folder), text) for text in RECIPES]
        samples += [Sample("foreign", speak(language, text, folder), "") for language, text in FOREIGN.items()]
    else:
        print("skipped: synthetic voices and languages; run `apt-get install espeak-ng`", file=sys.stderr)
    return samples


def speak(voice: str, text: str, folder: Path) -> Path:
    path = folder / f"{voice}-{abs(hash(text))}.wav"
    subprocess.run(["espeak-ng", "-v", voice, "-s", "150", "-w", str(path), text], check=True)
    return path


def ours() -> Callable[[Sample], str]:
    provider = OfflineProvider(settings())

    def transcribe(sample: Sample) -> str:
        try:
            heard = provider.transcribe(AudioClip(sample.path, sample.seconds), lambda done, message: None)
        except PermanentError as error:
            if error.code != "provider_cannot":
                raise
            return ""
        return " ".join(segment.text for segment in heard.segments)

    return transcribe


def plain() -> Callable[[Sample], str]:
    """faster-whisper as its documentation begins, on the processor."""
    from faster_whisper import WhisperModel

    speech = speech_model(settings())
    assert speech
    model = WhisperModel(str(speech.folder), device="cpu", local_files_only=True)
    return lambda sample: " ".join(segment.text for segment in model.transcribe(str(sample.path))[0])


RECOGNIZERS = {"Clipwise": ours, "plain faster-whisper": plain}


def measure(name: str, samples: Sequence[Sample]) -> Result:
    transcribe = RECOGNIZERS[name]()
    transcribe(samples[0])
    result = Result()
    for sample in samples:
        begin = time.process_time()
        text = transcribe(sample)
        cpu = time.process_time() - begin
        if sample.kind == "foreign":
            result.foreign_words += bool(text.strip())
            result.foreign_cpu += cpu
            continue
        expected = list(spoken_words(sample.text))
        result.errors[sample.kind] = result.errors.get(sample.kind, 0) + edit_distance(
            expected, list(spoken_words(text))
        )
        result.words[sample.kind] = result.words.get(sample.kind, 0) + len(expected)
        result.english_seconds += sample.seconds
        result.english_cpu += cpu
    result.memory_mb = peak_memory_mb()
    return result


def main() -> int:
    speech = speech_model(settings())
    if speech is None:
        skip("no speech model is installed; run `pip install 'clipwise[embedded]'`")
    with tempfile.TemporaryDirectory() as folder:
        samples = collect(Path(folder))[: size(None, smoke=1)]
        english = [sample for sample in samples if sample.kind != "foreign"]
        print(f"{speech.name}; {len(english)} English clips, {sum(sample.seconds for sample in english):.0f} s")
        results = {}
        for name, clips in [("Clipwise", samples), ("plain faster-whisper", english)][: size(2, smoke=1)]:
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
                result = results[name] = pool.submit(measure, name, clips).result()
            rates = ", ".join(
                f"{kind} {result.errors[kind] / words:.1%} of {words} words" for kind, words in result.words.items()
            )
            print(
                f"{name}: word error rate {rates}; {result.english_seconds / result.english_cpu:.1f} s of audio per s"
                f" of processor; {result.memory_mb:.0f} MB",
                flush=True,
            )
    mine = results["Clipwise"]
    foreign = len(samples) - len(english)
    print(f"Clipwise: words for {mine.foreign_words} of {foreign} clips in other languages, {mine.foreign_cpu:.1f} s")
    goals = {
        f"word error rate of {kind} at most {goal:.0%}": mine.errors[kind] <= goal * mine.words[kind]
        for kind, goal in GOALS.items()
        if kind in mine.words
    }
    goals |= {
        f"at least {MIN_SPEED} s of audio per s of processor": mine.english_seconds >= MIN_SPEED * mine.english_cpu,
        f"at most {MAX_MEMORY_MB} MB": mine.memory_mb <= MAX_MEMORY_MB,
        "no words for speech in other languages": mine.foreign_words == 0 or not speech.languages,
    }
    for goal, is_met in goals.items():
        print(f"{'met' if is_met else 'MISSED'}: {goal}")
    return 0 if all(goals.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
