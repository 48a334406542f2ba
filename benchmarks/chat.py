"""How well and how fast questions find their passages: `python -m benchmarks.chat [--segments N] [--emulators N]`.

Recall: the share of the questions in `chat_questions.yaml` whose answer stands in one of the first three excerpts, for
each provider that has a key, offline for all. Latency: searches among N segments of 500 videos (default 100 000) in the
embedded place, and with `--emulators` on Google's Firestore emulator.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from infra.runtimes.emulated.emulators import run_emulators
from shared.ai.fallback import FallbackProvider, provider_order
from shared.ai.usage import Meter
from shared.ai.vectors import DIMENSIONS
from shared.chat.answer import MAX_PASSAGES, MIN_COVERAGE_ANSWERED, MIN_COVERAGE_QUOTED
from shared.chat.excerpts import merge_passages
from shared.chat.passages import passage_id
from shared.chat.search import CHAT_KIND, QueryEmbedding, embed_question, search
from shared.pipeline.job_storage import SEGMENTS
from shared.platform.embedded.place import EmbeddedPlace, open_embedded_place
from shared.platform.ports import Documents, Vector
from shared.settings import Settings, settings
from tests.contract.emulated import connect
from tests.transcript_samples import told

QUESTIONS = Path(__file__).with_name("chat_questions.yaml")
FIRST = 3
VIDEOS = 500
OWNER = "ann"
VOCABULARY = 20_000
TIMES = 9
KEYS = {"openai": ("OPENAI_API_KEY", "OPENAI_BASE_URL"), "gemini": ("GEMINI_API_KEY", "GOOGLE_GENAI_USE_VERTEXAI")}


@contextmanager
def asked_of(provider: str) -> Iterator[None]:
    os.environ["AI_PROVIDER_CHAT"] = provider
    settings.cache_clear()
    yield
    del os.environ["AI_PROVIDER_CHAT"]
    settings.cache_clear()


def no_tick(done: float, what: str) -> None:
    """Nobody looks."""


@contextmanager
def embedded_place() -> Iterator[EmbeddedPlace]:
    with tempfile.TemporaryDirectory() as folder:
        place = open_embedded_place(Settings(clipwise_data=Path(folder)))
        yield place
        place.database.close()


def recall(provider: str, documents: Documents) -> None:
    table: dict[str, Any] = yaml.safe_load(QUESTIONS.read_text(encoding="utf-8"))
    speaker = FallbackProvider(provider_order(CHAT_KIND, settings()), settings(), Meter())
    for id, talk in table["talks"].items():
        told(documents, OWNER, id, talk["lines"].splitlines(), lambda texts: speaker.embed(texts, "document", no_tick))
    covered = MIN_COVERAGE_QUOTED if provider == "offline" else MIN_COVERAGE_ANSWERED
    found: dict[str, list[bool]] = defaultdict(list)
    anyway: dict[str, list[bool]] = defaultdict(list)
    similar: dict[str, list[float]] = defaultdict(list)
    for question in table["questions"]:
        sort, says = question["sort"], question.get("says")
        meanings, _ = embed_question(question["ask"], Meter(), no_tick)
        ids = list(table["talks"])

        def answered(
            meanings: list[QueryEmbedding], least: float, question: Any = question, ids: list[str] = ids
        ) -> bool:
            hits = search(documents, OWNER, ids, question["ask"], meanings, least, MAX_PASSAGES)
            first = merge_passages(hit.passage for hit in hits)[:FIRST]
            return any(question["says"] in one.text for one in first) if "says" in question else not first

        found[sort].append(answered(meanings, covered))
        if says:
            anyway[sort].append(answered([replace(one, min_similarity=-1) for one in meanings], 0))
        near = documents.nearest(SEGMENTS, "embedding", meanings[0].vector, 100, [("model", "==", meanings[0].model)])
        similar[sort] += [1 - far for document, far in near if not says or says in document.data["text"]][:1]
    told_of = [answer for sort, answers in found.items() if sort != "nowhere" for answer in answers]
    print(f"{provider}: recall@{FIRST} of {len(told_of)} questions {share(told_of)}")
    for sort, answers in found.items():
        what = "rightly found nowhere" if sort == "nowhere" else f"{sort}: found"
        more = f", without thresholds {share(anyway[sort])}" if anyway[sort] else ""
        low, middle, high = (f"{value:.2f}" for value in statistics.quantiles(similar[sort], n=4))
        print(f"  {what} {share(answers)} of {len(answers)}{more}; similarity, quartiles: {low} {middle} {high}")


def share(answers: list[bool]) -> str:
    return f"{sum(answers) / len(answers):.2f}"


def fill(documents: Documents, count: int, batch: Callable[[], Any]) -> None:
    """Segments of random words, frequent and rare, and random vectors."""
    import numpy as np

    dice, chance = np.random.default_rng(1), random.Random(2)
    words = [f"word{number}" for number in range(VOCABULARY)]
    for start in range(0, count, 1000):
        vectors = dice.standard_normal((1000, DIMENSIONS))
        with batch():
            for number in range(start, min(start + 1000, count)):
                said = [words[int(VOCABULARY * chance.random() ** 3)] for _ in range(60)]
                video, place = f"video{number * VIDEOS // count}", number
                lines = [
                    {"start": 1.0 * at, "end": 1.0 * at + 5, "text": " ".join(said[at : at + 10])} for at in range(8)
                ]
                data = {"owner": OWNER, "videoId": video, "jobId": video, "number": place, "start": 0.0, "end": 40.0}
                data |= {"text": " ".join(said * 2), "lines": lines, "language": "en", "words": said, "model": "m"}
                data["embedding"] = Vector(tuple(vectors[number - start]))
                documents.put(SEGMENTS, passage_id(video, place), data)


def latency(documents: Documents, where: str, count: int) -> None:
    chance = random.Random(3)
    meaning = QueryEmbedding("m", Vector(tuple(chance.gauss(0, 1) for _ in range(DIMENSIONS))), -1)
    for videos in (1, 30, VIDEOS):
        ids = [f"video{number}" for number in range(videos)]
        taken = []
        for _ in range(TIMES):
            question = f"word{chance.randrange(100)} word{chance.randrange(5000)} word{chance.randrange(VOCABULARY)}"
            start = time.perf_counter()
            search(documents, OWNER, ids, question, [meaning], 0, MAX_PASSAGES)
            taken.append(time.perf_counter() - start)
        middle, worst = statistics.median(taken), max(taken)
        print(
            f"{where}, {count} segments: search in {videos} videos {middle * 1000:.0f} ms, at most {worst * 1000:.0f}"
        )
    print(f"  peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000:.0f} MB")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("--segments", type=int, default=100_000)
    arguments.add_argument("--emulators", type=int, default=0)
    chosen = arguments.parse_args()
    for provider in ("offline", *KEYS):
        if provider != "offline" and not any(os.environ.get(key) for key in KEYS[provider]):
            print(f"{provider}: not measured, for there is no key ({' or '.join(KEYS[provider])})")
            continue
        with asked_of(provider), embedded_place() as place:
            recall(provider, place.place.documents)
    if chosen.segments:
        with embedded_place() as place:
            fill(place.place.documents, chosen.segments, place.database.transaction)
            latency(place.place.documents, "embedded", chosen.segments)
    if chosen.emulators:
        from contextlib import nullcontext

        with tempfile.TemporaryDirectory() as folder, run_emulators(Path(folder), obtain=False) as hosts:
            documents = connect(hosts).documents
            fill(documents, chosen.emulators, nullcontext)
            latency(documents, "Firestore emulator", chosen.emulators)


if __name__ == "__main__":
    main()
