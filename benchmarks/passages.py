"""Questions over many passages beside faiss and sqlite-vec: `python -m benchmarks.passages [--passages 100000]`.

Every passage of 500 videos of one user is searched. Each contender has a process of its own, and they take turns
question by question. Clipwise is measured as a whole, up to the last word of an answer without a model for texts: the
search by vectors and by words among durable documents, filtered by owner, model and video. The rivals search vectors
only: a flat index of faiss, in memory, and a table of sqlite-vec in a file, both exact, unfiltered and of one thread.
All must find the same passages. The question's embedding is the same and not counted.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.chat import OWNER, VIDEOS, fill, made_up
from benchmarks.goals import Goal, Row
from benchmarks.sizes import size
from benchmarks.usage import peak_memory_mb
from shared.ai.offline.sentence_model import DIMENSIONS, MODEL
from shared.chat.answer import MAX_PASSAGES
from shared.chat.search import RANKING_DEPTH, QueryEmbedding, search
from shared.pipeline.job_storage import SEGMENTS
from shared.platform.embedded.place import EmbeddedPlace, open_embedded_place
from shared.platform.ports import Vector
from shared.settings import Settings

PASSAGES = size(100_000, smoke=120)
QUESTIONS = size(25, smoke=2)
OURS = "Clipwise"
ADVICE = "uv sync --group bench --extra embedded"
IDS = [f"video{number}" for number in range(VIDEOS)]
Search = Callable[[Sequence[float], str], list[int]]
"""Returns the numbers of the nearest passages, the nearest first."""


@dataclass(frozen=True)
class Opened:
    """What it took to be ready: seconds on the clock, and memory in MB beyond that of the imports."""

    seconds: float
    memory_mb: float


@dataclass(frozen=True)
class TimedQuery:
    seconds: float
    cpu_sec: float
    found: tuple[int, ...]


def open_clipwise(folder: Path) -> Search:
    place = open_embedded_place(Settings(clipwise_data=folder)).place

    def query(vector: Sequence[float], words: str) -> list[int]:
        embedding = QueryEmbedding(MODEL, Vector(tuple(vector)), -1)
        search(place.documents, OWNER, IDS, words, [embedding], 0, MAX_PASSAGES)
        return []

    return query


def open_vectors(folder: Path) -> Search:
    """Only Clipwise's search by vectors, whose passages can be compared with the rivals'."""
    place = open_embedded_place(Settings(clipwise_data=folder)).place

    def query(vector: Sequence[float], _: str) -> list[int]:
        filters = [("videoId", "in", IDS), ("model", "==", MODEL)]
        near = place.documents.nearest(SEGMENTS, "embedding", Vector(tuple(vector)), RANKING_DEPTH, filters)  # type: ignore[arg-type]
        return [document.data["number"] for document, _ in near]

    return query


def open_faiss(folder: Path) -> Search:
    import faiss

    faiss.omp_set_num_threads(1)
    index = faiss.IndexFlatIP(DIMENSIONS)
    index.add(np.load(folder / "vectors.npy"))

    def query(vector: Sequence[float], _: str) -> list[int]:
        _, numbers = index.search(np.array([vector], np.float32), RANKING_DEPTH)
        return [int(number) for number in numbers[0]]

    return query


def open_sqlite_vec(folder: Path) -> Search:
    connection = sqlite_vec_connection(folder / "vectors.db")

    def query(vector: Sequence[float], _: str) -> list[int]:
        sql = "SELECT rowid FROM passages WHERE embedding MATCH ? AND k = ? ORDER BY distance"
        rows = connection.execute(sql, (np.array(vector, np.float32).tobytes(), RANKING_DEPTH))
        return [int(number) for (number,) in rows]

    return query


def sqlite_vec_connection(path: Path) -> Any:
    import apsw
    import sqlite_vec

    connection = apsw.Connection(str(path))
    connection.enable_load_extension(True)
    connection.load_extension(sqlite_vec.loadable_path())
    return connection


CONTENDERS: dict[str, Callable[[Path], Search]] = {
    OURS: open_clipwise,
    "Clipwise, vectors only": open_vectors,
    "faiss flat": open_faiss,
    "sqlite-vec": open_sqlite_vec,
}
MODULES = {"faiss flat": "faiss", "sqlite-vec": "sqlite_vec"}
_search: Search | None = None
"""Of the contender whose process this is."""


def prepare(folder: Path, count: int) -> None:
    """Store the passages as Clipwise does, and their vectors for the rivals."""
    embedded = open_embedded_place(Settings(clipwise_data=folder))
    fill(embedded.place.documents, count, embedded.database.transaction)
    vectors = stored_vectors(embedded, count)
    np.save(folder / "vectors.npy", vectors)
    if find_spec("sqlite_vec"):
        connection = sqlite_vec_connection(folder / "vectors.db")
        connection.execute(
            f"CREATE VIRTUAL TABLE passages USING vec0(embedding float[{DIMENSIONS}] distance_metric=cosine)"
        )
        rows = ((number, vector.tobytes()) for number, vector in enumerate(vectors))
        with connection:
            connection.executemany("INSERT INTO passages (rowid, embedding) VALUES (?, ?)", rows)
        connection.close()
    embedded.database.close()


def stored_vectors(embedded: EmbeddedPlace, count: int) -> NDArray[np.float32]:
    """Return the stored directions by the number of their passage."""
    vectors = np.empty((count, DIMENSIONS), np.float32)
    rows = embedded.database.connection.execute(
        "SELECT json_extract(data, '$.number') AS number, direction FROM vectors"
        " JOIN documents ON documents.number = vectors.document"
    )
    for row in rows:
        vectors[row["number"]] = np.frombuffer(row["direction"], np.float32)
    return vectors


def open_contender(name: str, folder: Path, vector: Sequence[float], words: str) -> Opened:
    """Open a contender in this process and query it once."""
    global _search
    before, start = peak_memory_mb(), time.perf_counter()
    _search = CONTENDERS[name](folder)
    _search(vector, words)
    return Opened(time.perf_counter() - start, peak_memory_mb() - before)


def time_query(vector: Sequence[float], words: str) -> TimedQuery:
    assert _search
    start, cpu = time.perf_counter(), time.process_time()
    found = _search(vector, words)
    return TimedQuery(time.perf_counter() - start, time.process_time() - cpu, tuple(found))


def measure(count: int) -> tuple[dict[str, Opened], dict[str, list[TimedQuery]]]:
    """Ask every contender the same questions, by turns."""
    names = [name for name in CONTENDERS if name not in MODULES or find_spec(MODULES[name])]
    for name in sorted(CONTENDERS.keys() - set(names)):
        print(f"skipped: {name}; run `{ADVICE}`", file=sys.stderr)
    chance = random.Random(3)
    questions = [([chance.gauss(0, 1) for _ in range(DIMENSIONS)], made_up(chance)) for _ in range(QUESTIONS)]
    with tempfile.TemporaryDirectory() as name, ExitStack() as processes:
        folder = Path(name)
        prepare(folder, count)
        context = get_context("spawn")
        pools = {name: processes.enter_context(ProcessPoolExecutor(1, mp_context=context)) for name in names}
        opened = {
            name: pool.submit(open_contender, name, folder, *questions[0]).result() for name, pool in pools.items()
        }
        timings: dict[str, list[TimedQuery]] = {name: [] for name in names}
        for question in questions:
            for name, pool in pools.items():
                timings[name].append(pool.submit(time_query, *question).result())
    check_agreement(timings)
    return opened, timings


def check_agreement(timings: dict[str, list[TimedQuery]]) -> None:
    """Assert that all that search vectors find the same passages; the least near may be as near as another."""
    known = {name: of for name, of in timings.items() if name != OURS}
    for answers in zip(*known.values(), strict=True):
        sets = [set(answer.found) for answer in answers]
        assert len(set.intersection(*sets)) >= len(sets[0]) - 1, dict(zip(known, sets, strict=True))


def milliseconds(values: Sequence[float]) -> list[float]:
    return [1000 * value for value in values]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", type=int, default=PASSAGES)
    count = parser.parse_args().passages
    opened, timings = measure(count)
    print(f"{count} passages of {VIDEOS} videos, {DIMENSIONS} numbers each; {QUESTIONS} questions")
    print(f"{'':24}{'median ms':>10}{'most ms':>9}{'cpu ms':>8}{'first s':>9}{'MB':>6}")
    for name, answers in timings.items():
        walls = milliseconds([answer.seconds for answer in answers])
        cpu = statistics.median(milliseconds([answer.cpu_sec for answer in answers]))
        first = opened[name]
        print(
            f"{name:24}{statistics.median(walls):10.1f}{max(walls):9.1f}{cpu:8.1f}"
            f"{first.seconds:9.2f}{first.memory_mb:6.0f}"
        )


def rows() -> Iterator[Row]:
    opened, timings = measure(PASSAGES)
    walls = {name: milliseconds([answer.seconds for answer in answers]) for name, answers in timings.items()}
    medians = {name: statistics.median(of) for name, of in walls.items()}
    rivals = ", ".join(f"{name} {medians[name]:.0f} ms" for name in MODULES if name in medians)
    first = opened[OURS]
    yield Row(
        f"questions over {PASSAGES:,} passages in {VIDEOS} videos",
        ", ".join(name for name in MODULES if name in medians),
        f"{medians[OURS]:.0f} ms, the first {first.seconds:.1f} s, {first.memory_mb:.0f} MB; {rivals or 'no rival'}",
        medians[OURS],
        Goal("≤", 100, "ms"),
        walls[OURS],
    )


if __name__ == "__main__":
    main()
