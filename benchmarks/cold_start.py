"""What each function's cold start costs, as medians of one run: `python -m benchmarks.cold_start [--models MODEL …]`.

Each function is packaged and gets an environment of its own requirements, as in the cloud. Timed is a whole process
that loads the function with functions-framework and ends, beside one that loads a function that does nothing. With
local models in the packages, only the functions that have one are measured, and also how long the first clip of speech
or the first question takes them, and the memory of the process and its child.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.goals import Goal, Row
from benchmarks.sizes import size
from infra.demo.narration import NARRATION
from infra.packaging.models import choose_models, models_for
from infra.packaging.package import build_package, install_requirements
from shared.ai.catalogue import CatalogueModel
from shared.wiring import wiring

ROUNDS = size(5, smoke=1)
API = "api"
RECORD = "cold-starts.md"
FUNCTIONS = size(tuple(wiring().functions), smoke=("notify",))
HEAVY = ("av", "cv2", "fastapi", "google.cloud.firestore", "httpcore2", "numpy", "onnxruntime", "openai", "rapidocr")
HELLO = """
import functions_framework

@functions_framework.cloud_event
def hello(event):
    pass
"""
LOAD = """
import sys
if {asgi}:
    from functions_framework.aio import create_asgi_app
    create_asgi_app({name!r}, "main.py", "http")
else:
    from functions_framework import create_app
    create_app({name!r}, "main.py", "cloudevent")
print(*({heavy!r} & sys.modules.keys()))
"""
FIRST_USE = """
import resource, time
from pathlib import Path
from shared.ai.offline.provider import OfflineProvider
from shared.ai.provider import AudioClip
from shared.settings import settings

start = time.perf_counter()
{use}
print(time.perf_counter() - start)
print(*(resource.getrusage(whose).ru_maxrss / 1000 for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))
"""
USES = {
    "speech": f"OfflineProvider(settings()).transcribe(AudioClip(Path({str(NARRATION)!r}), 20), lambda *_: None)",
    "meaning": """
from shared.ai.offline.sentence_model import sentence_model
OfflineProvider(settings()).embed(["How long does it rest?"], "query", lambda *_: None)
# Only then its memory is known.
sentence_model().close()
""",
}
"""What a function does with a model of a task, for the first time."""


@dataclass
class Start:
    """A function that is ready to be started; sizes in bytes."""

    name: str
    folder: Path
    python: Path
    zipped: int
    installed: int
    asgi: bool = False

    def load(self) -> tuple[float, str]:
        """Seconds that a process takes to load it, and the heavy modules that it has then."""
        start = time.perf_counter()
        loaded = self._run("")
        return time.perf_counter() - start, loaded

    def use(self, task: str) -> tuple[float, float, float]:
        """Seconds that the first use of a model takes, and peak memory in MB of the process and of its child."""
        *_, seconds, memory = self._run(FIRST_USE.format(use=USES[task])).splitlines()
        own, child = map(float, memory.split())
        return float(seconds), own, child

    def _run(self, then: str) -> str:
        script = LOAD.format(name=self.name, asgi=self.asgi, heavy=set(HEAVY)) + then
        done = subprocess.run([self.python, "-c", script], cwd=self.folder, capture_output=True, text=True, check=True)
        return done.stdout.strip()


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")


def starts(folder: Path, models: Sequence[CatalogueModel]) -> list[Start]:
    found = []
    for name in FUNCTIONS:
        made = build_package(name, folder / "packages", models)
        if models and not models_for(made.function, models):
            continue
        environment = folder / "environments" / made.function
        python = install_requirements(made.folder / "requirements.txt", environment)
        asgi = wiring().functions[made.function].trigger.http
        libraries = size(environment / "lib")
        found.append(Start(made.function, made.folder, python, made.size, libraries, asgi))
    hello = folder / "hello"
    hello.mkdir()
    (hello / "main.py").write_text(HELLO, encoding="utf-8")
    return [Start("hello", hello, found[-1].python, 0, 0), *found]


def load_in_turns(found: list[Start]) -> tuple[dict[str, str], dict[str, list[float]]]:
    """Return the heavy modules of each function, and the seconds that it takes to load in each round."""
    heavy = {start.name: start.load()[1] for start in found}  # and the bytecode is written
    taken: dict[str, list[float]] = {start.name: [] for start in found}
    for _ in range(ROUNDS):
        for start in found:
            taken[start.name].append(start.load()[0])
    return heavy, taken


def rows() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as name:
        _, taken = load_in_turns(starts(Path(name), []))
    hello = taken.pop("hello")
    ratios = {name: [one / other for one, other in zip(of, hello, strict=True)] for name, of in taken.items()}
    medians = {name: statistics.median(of) for name, of in ratios.items()}
    others = [name for name in medians if name != API]
    for work, names, limit in (
        ("of `api`", {API} & medians.keys(), 2.0),
        ("of the slowest other function", others, 1.3),
    ):
        if names:
            name = max(names, key=lambda name: medians[name])
            seconds = " / ".join(f"{1000 * statistics.median(of):.0f}" for of in (taken[name], hello))
            measured = f"`{name}`: {seconds} ms"
            yield Row(
                f"cold start {work}", "empty function", measured, medians[name], Goal("≤", limit), ratios[name], RECORD
            )


def print_starts(found: list[Start]) -> None:
    heavy, taken = load_in_turns(found)
    hello = statistics.median(taken["hello"])
    print("| function | package | its requirements | cold start | to a bare one | heavy modules loaded |")
    print("| --- | --: | --: | --: | --: | --- |")
    for start in found:
        median = statistics.median(taken[start.name])
        sizes = f"{start.zipped / 1e3:.0f} kB | {start.installed / 1e6:.0f} MB" if start.zipped else "– | –"
        times = f"{median * 1e3:.0f} ms | {median / hello:.2f}"
        print(f"| `{start.name}` | {sizes} | {times} | {heavy[start.name] or 'none'} |")


def print_first_uses(found: list[Start], models: Sequence[CatalogueModel]) -> None:
    print("| function | model | first use | memory | of its child | given |")
    print("| --- | --- | --: | --: | --: | --: |")
    for start in found[1:]:
        for model in models_for(start.name, models):
            if model.task not in USES:
                continue
            rows = [start.use(model.task) for _ in range(ROUNDS)]
            seconds, own, child = (statistics.median(column) for column in zip(*rows, strict=True))
            memory = f"{own:.0f} MB | {child:.0f} MB | {wiring().functions[start.name].models[model.name]} MB"
            print(f"| `{start.name}` | {model.title} | {seconds:.1f} s | {memory} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--models", nargs="*", default=[])
    models = choose_models(parser.parse_args().models)
    with tempfile.TemporaryDirectory() as name:
        found = starts(Path(name), models)
        print_starts(found)
        if models:
            print_first_uses(found, models)


if __name__ == "__main__":
    main()
