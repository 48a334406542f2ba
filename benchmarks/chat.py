"""How well and how fast questions find their answers: `python -m benchmarks.chat [--segments N] [--emulators N]`.

Recall: the share of the questions in `chat_questions.yaml` whose answer stands in one of the first three excerpts, for
each provider that has a key; offline, by words and by meaning. Thresholds and weights were chosen with these questions;
those of `chat_questions_held_out.yaml` were only ever asked. `as recognized`: the talks in segments that end anywhere.
Quotes, for answers without AI: the share whose first quoted sentence, first quote, or any quote has the answer.
Latency: whole answers among N segments of 500 videos (default 100 000) in the embedded place, and with `--emulators`
searches on Google's Firestore emulator.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from benchmarks.sizes import size
from benchmarks.usage import peak_memory_mb
from infra.runtimes.emulated.emulators import run_emulators
from shared.ai.fallback import FallbackProvider, provider_order
from shared.ai.offline.provider import OfflineProvider
from shared.ai.offline.sentence_model import DIMENSIONS, MODEL, TYPICAL
from shared.ai.usage import Meter
from shared.ai.vectors import pack_vectors
from shared.chat.answer import (
    MAX_PASSAGES,
    MIN_COVERAGE_ANSWERED,
    MIN_COVERAGE_QUOTED,
    AnswerDone,
    AnswerStream,
    Question,
)
from shared.chat.excerpts import Excerpt, merge_passages
from shared.chat.passages import passage_id
from shared.chat.quotes import LineKey, line_key, quote_excerpts, similarities_by_line
from shared.chat.search import CHAT_KIND, QueryEmbedding, embed_question, nearest_line, query_terms, search
from shared.models.video import Segment
from shared.pipeline.job_storage import JOBS, SEGMENTS
from shared.platform.embedded.place import EmbeddedPlace, open_embedded_place
from shared.platform.ports import Documents, Place, Vector
from shared.settings import HASHING, Settings, settings
from tests.contract.emulated import connect
from tests.transcript_samples import recognized, segments, told

QUESTIONS = Path(__file__).with_name("chat_questions.yaml")
HELD_OUT = Path(__file__).with_name("chat_questions_held_out.yaml")
REFUSED = ("nowhere", "everyday")
"""Sorts of questions that no talk answers."""
FIRST = 3
VIDEOS = 500
OWNER = "ann"
VOCABULARY = 20_000
WORDS = 60
"""Of each segment."""
TIMES = size(9, smoke=1)
BATCH = size(1000, smoke=60)
KEYS = {"openai": ("OPENAI_API_KEY", "OPENAI_BASE_URL"), "gemini": ("GEMINI_API_KEY", "GOOGLE_GENAI_USE_VERTEXAI")}
VARIANTS = {
    "offline, by words": {"AI_PROVIDER_CHAT": "offline", "OFFLINE_EMBED_MODEL": HASHING},
    "offline, by meaning": {"AI_PROVIDER_CHAT": "offline"},
    "openai": {"AI_PROVIDER_CHAT": "openai"},
    "gemini": {"AI_PROVIDER_CHAT": "gemini"},
}

LATENCY_VARIANT = size("offline, by meaning", smoke="offline, by words")

Transcribe = Callable[[Sequence[str]], list[Segment]]


@contextmanager
def environment(values: dict[str, str]) -> Iterator[None]:
    before = os.environ.copy()
    os.environ.update(values)
    settings.cache_clear()
    yield
    os.environ.clear()
    os.environ.update(before)
    settings.cache_clear()


def no_tick(done: float, what: str) -> None:
    """Nobody looks."""


@contextmanager
def embedded_place() -> Iterator[EmbeddedPlace]:
    with tempfile.TemporaryDirectory() as folder:
        place = open_embedded_place(Settings(clipwise_data=Path(folder)))
        yield place
        place.database.close()


def read_table(path: Path) -> dict[str, Any]:
    table: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return table


def recall(variant: str, documents: Documents, paths: Sequence[Path], transcribe: Transcribe = segments) -> None:
    """Ask the questions of the last of the files among the talks of all of them."""
    talks = {id: talk for path in paths for id, talk in read_table(path)["talks"].items()}
    speaker = FallbackProvider(provider_order(CHAT_KIND, settings()), settings(), Meter())
    for id, talk in talks.items():
        lines = talk["lines"].splitlines()
        told(documents, OWNER, id, lines, lambda texts: speaker.embed(texts, "document", no_tick), None, transcribe)
    covered = MIN_COVERAGE_QUOTED if variant.startswith("offline") else MIN_COVERAGE_ANSWERED
    ids = list(talks)
    found: dict[str, list[bool]] = defaultdict(list)
    anyway: dict[str, list[bool]] = defaultdict(list)
    quoted: dict[str, list[tuple[bool, bool, bool]]] = defaultdict(list)
    for question in read_table(paths[-1])["questions"][: size(None, smoke=1)]:
        ask, sort, says = question["ask"], question["sort"], question.get("says")
        meanings, _ = embed_question(ask, Meter(), no_tick)
        hits = search(documents, OWNER, ids, ask, meanings, covered, MAX_PASSAGES)
        excerpts = merge_passages(hit.passage for hit in hits)
        if not says:
            found[sort].append(not excerpts)
            continue
        found[sort].append(any(says in one.text for one in excerpts[:FIRST]))
        loose = [replace(one, min_similarity=-1) for one in meanings]
        loosely = merge_passages(hit.passage for hit in search(documents, OWNER, ids, ask, loose, 0, MAX_PASSAGES))
        anyway[sort].append(any(says in one.text for one in loosely[:FIRST]))
        near = similarities_by_line(hits)
        quotes = quote_excerpts(ask, excerpts, near)
        sentence = False
        if quotes:
            source = next(one for one in excerpts if set_of(quotes[0]) <= set_of(one))
            known = [near.get(line_key(source.video_id, line), 0.0) for line in source.lines]
            sentence = says in source.lines[nearest_line(source.lines, query_terms(ask), known)].text
        quoted[sort].append(
            (sentence, any(says in one.text for one in quotes[:1]), any(says in one.text for one in quotes))
        )
    told_of = [answer for sort, answers in found.items() if sort not in REFUSED for answer in answers]
    print(f"{variant}: recall@{FIRST} of {len(told_of)} questions {share(told_of)}")
    for sort, answers in found.items():
        if sort in REFUSED:
            print(f"  {sort}: rightly nothing found {share(answers)} of {len(answers)}")
        else:
            more = f", without thresholds {share(anyway[sort])}"
            print(f"  {sort}: found {share(answers)} of {len(answers)}{more}; {quote_shares(quoted[sort])}")
    print(f"  all quotes: {quote_shares([row for rows in quoted.values() for row in rows])}")


def ask_all(variant: str) -> None:
    """Ask all questions, of both files and of talks in two forms."""
    forms: list[tuple[str, Sequence[Path], Transcribe]] = [
        ("", [QUESTIONS], segments),
        (", held out", [QUESTIONS, HELD_OUT], segments),
        (", held out, as recognized", [QUESTIONS, HELD_OUT], recognized),
    ]
    for form, paths, transcribe in forms[: size(3, smoke=1)]:
        with embedded_place() as place:
            recall(variant + form, place.place.documents, paths, transcribe)


def write_typical() -> None:
    """Write the mean vector of all lines of the talks with which thresholds are chosen."""
    talks = read_table(QUESTIONS)["talks"].values()
    lines = sorted({line for talk in talks for line in talk["lines"].splitlines()})
    vectors = OfflineProvider(settings()).embed(lines, "document", no_tick).vectors
    mean = [round(statistics.fmean(column), 4) for column in zip(*vectors, strict=True)]
    TYPICAL.write_text(json.dumps(mean) + "\n", encoding="utf-8")


def set_of(excerpt: Excerpt) -> set[LineKey]:
    return {line_key(excerpt.video_id, line) for line in excerpt.lines}


def quote_shares(rows: list[tuple[bool, bool, bool]]) -> str:
    sentence, first, any_quote = (share(list(column)) for column in zip(*rows, strict=True))
    return f"answer in the first sentence {sentence}, the first quote {first}, any quote {any_quote}"


def share(answers: list[bool]) -> str:
    return f"{sum(answers) / len(answers):.2f}"


def fill(documents: Documents, count: int, batch: Callable[[], Any]) -> None:
    """Segments of random words, frequent and rare, and random vectors."""
    import numpy as np

    dice = np.random.default_rng(1)
    words = [f"word{number}" for number in range(VOCABULARY)]
    for start in range(0, count, BATCH):
        vectors = dice.standard_normal((BATCH, DIMENSIONS))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        spoken = (VOCABULARY * dice.random((BATCH, WORDS)) ** 3).astype(int).tolist()
        with batch():
            for number in range(start, min(start + BATCH, count)):
                vector = vectors[number - start].tolist()
                said = [words[word] for word in spoken[number - start]]
                video, place = f"video{number * VIDEOS // count}", number
                lines = [
                    {"start": 1.0 * at, "end": 1.0 * at + 5, "text": " ".join(said[at : at + 10])} for at in range(8)
                ]
                data = {"owner": OWNER, "videoId": video, "jobId": video, "number": place, "start": 0.0, "end": 40.0}
                data |= {"text": " ".join(said * 2), "lines": lines, "language": "en", "words": said, "model": MODEL}
                # 384 bytes become 512 letters without padding, which can be repeated.
                data["lineVectors"] = pack_vectors([vector]) * len(lines)
                data["embedding"] = Vector(tuple(vector))
                documents.put(SEGMENTS, passage_id(video, place), data)


def latency(documents: Documents, where: str, count: int) -> None:
    """Searches alone, with a vector that is there already."""
    chance = random.Random(3)
    meaning = QueryEmbedding(MODEL, Vector(tuple(chance.gauss(0, 1) for _ in range(DIMENSIONS))), -1)
    measure(where, count, lambda ids: search(documents, OWNER, ids, made_up(chance), [meaning], 0, MAX_PASSAGES))


def answers(place: Place, count: int) -> None:
    """Questions from their text to the last word of the answer."""
    for number in range(VIDEOS):
        place.documents.put(
            JOBS, f"video{number}", {"id": f"video{number}", "owner": OWNER, "video": {"title": "A film"}}
        )
    chance = random.Random(3)

    def answer(ids: list[str]) -> None:
        question = Question(made_up(chance), OWNER, ids, is_stored=False)
        assert any(isinstance(event, AnswerDone) for event in AnswerStream(place, question).events(no_tick))

    start = time.perf_counter()
    answer(["video0"])
    print(f"embedded, {count} segments: the first answer of a process takes {time.perf_counter() - start:.1f} s")
    measure("embedded, whole answers", count, answer)


def made_up(chance: random.Random) -> str:
    return f"word{chance.randrange(100)} word{chance.randrange(5000)} word{chance.randrange(VOCABULARY)}"


def measure(where: str, count: int, ask: Callable[[list[str]], object]) -> None:
    for videos in size((1, 30, VIDEOS), smoke=(VIDEOS,)):
        ids = [f"video{number}" for number in range(videos)]
        taken, used = [], []
        for _ in range(TIMES):
            start, cpu = time.perf_counter(), time.process_time()
            ask(ids)
            taken.append(1000 * (time.perf_counter() - start))
            used.append(1000 * (time.process_time() - cpu))
        times = f"{statistics.median(taken):.0f} ms, at best {min(taken):.0f}, at most {max(taken):.0f}"
        print(f"{where}, {count} segments, {videos} videos: {times}; processor time {statistics.median(used):.0f} ms")
    print(f"  peak memory {peak_memory_mb():.0f} MB")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("--segments", type=int, default=size(100_000, smoke=120))
    arguments.add_argument("--emulators", type=int, default=0)
    arguments.add_argument("--typical", action="store_true", help="only compute the typical vector anew")
    chosen = arguments.parse_args()
    if chosen.typical:
        write_typical()
        return
    for variant, environ in list(VARIANTS.items())[: size(None, smoke=1)]:
        if variant in KEYS and not any(os.environ.get(key) for key in KEYS[variant]):
            print(f"{variant}: not measured, for there is no key ({' or '.join(KEYS[variant])})")
            continue
        with environment(environ):
            ask_all(variant)
    if chosen.segments:
        with environment(VARIANTS[LATENCY_VARIANT]), embedded_place() as place:
            fill(place.place.documents, chosen.segments, place.database.transaction)
            latency(place.place.documents, "embedded, searches", chosen.segments)
            answers(place.place, chosen.segments)
    if chosen.emulators:
        from contextlib import nullcontext

        with tempfile.TemporaryDirectory() as folder, run_emulators(Path(folder), obtain=False) as hosts:
            documents = connect(hosts).documents
            fill(documents, chosen.emulators, nullcontext)
            latency(documents, "Firestore emulator", chosen.emulators)


if __name__ == "__main__":
    main()
