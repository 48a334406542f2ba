"""What each function's cold start costs, as medians of one run: `python -m benchmarks.cold_start [--models MODEL …]`.

Each function is packaged and gets an environment of its own requirements, compiled, as in the cloud. Measured is the
processor time of a process that loads the function with functions-framework, beside one that loads a function that does
nothing; and the same with a first request, for a job that does not exist, where the emulators are installed. With local
models in the packages, only the functions that have one are measured, and also how long the first clip of speech or
the first question takes them, and the memory of the process and its child.
"""

from __future__ import annotations

import argparse
import base64
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.goals import Goal, Row
from benchmarks.sizes import size
from benchmarks.usage import ended_children_seconds
from infra.demo.narration import NARRATION
from infra.packaging.models import choose_models, models_for
from infra.packaging.package import build_package, install_requirements
from infra.runtimes.emulated.emulators import EmulatorsUnavailable, run_emulators
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
import os, sys
if {asgi}:
    from functions_framework.aio import create_asgi_app
    app = create_asgi_app({name!r}, "main.py", "http")
else:
    from functions_framework import create_app
    app = create_app({name!r}, "main.py", "cloudevent")
loaded = {heavy!r} & sys.modules.keys()
"""
REQUEST_JOB = """
import asyncio
async def request():
    async def receive():
        return {"type": "http.request"}
    async def send(message):
        assert message.get("status", 404) == 404, message
    path = "/v1/jobs/" + "0" * 32
    scope = {"type": "http", "http_version": "1.1", "method": "GET", "scheme": "http", "query_string": b""}
    await app({**scope, "headers": [], "path": path, "raw_path": path.encode(), "client": None}, receive, send)
asyncio.run(request())
"""
SEND_EVENT = """
sent = app.test_client().post({path!r}, json={body!r}, headers={headers!r})
assert sent.status_code == 200, (sent.status_code, sent.text)
"""
JOB = base64.b64encode(b'{"jobId": "unknown"}').decode()
PUSH = {
    "path": "/projects/p/topics/t",
    "body": {"message": {"data": JOB, "messageId": "1", "publishTime": "2026-01-01T00:00:00Z"}, "subscription": "s"},
    "headers": {},
}
"""What Pub/Sub posts."""
FINALIZED = {
    "path": "/",
    "body": {"bucket": "clipwise-local-uploads", "name": "unknown/source"},
    "headers": {
        "ce-specversion": "1.0",
        "ce-id": "1",
        "ce-type": "google.cloud.storage.object.v1.finalized",
        "ce-source": "//storage.googleapis.com/projects/_/buckets/clipwise-local-uploads",
    },
}
"""What Eventarc posts for a stored object."""
# Without the time that Python takes to free everything: an instance does not end when it has started.
END = """
print(*loaded)
sys.stdout.flush()
os._exit(0)
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
    by_bucket: bool = False

    @property
    def first_request(self) -> str:
        """Python that sends a request to the loaded function `app`."""
        if self.asgi:
            return REQUEST_JOB
        return SEND_EVENT.format(**(FINALIZED if self.by_bucket else PUSH))

    def load(self, then: str = "", **environ: str) -> tuple[float, str]:
        """Processor seconds that it takes to load it and to run `then`, and the heavy modules that loading it loads."""
        start = ended_children_seconds()
        loaded = self._run(then + END, **environ)
        return ended_children_seconds() - start, loaded

    def use(self, task: str) -> tuple[float, float, float]:
        """Seconds that the first use of a model takes, and peak memory in MB of the process and of its child."""
        *_, seconds, memory = self._run(FIRST_USE.format(use=USES[task])).splitlines()
        own, child = map(float, memory.split())
        return float(seconds), own, child

    def _run(self, then: str, **environ: str) -> str:
        script = LOAD.format(name=self.name, asgi=self.asgi, heavy=set(HEAVY)) + then
        # The buildpack compiles everything, whatever this machine is set to.
        own = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        command = [self.python, "-c", script]
        done = subprocess.run(command, cwd=self.folder, env=own | environ, capture_output=True, text=True, check=True)
        return done.stdout.strip()


def folder_bytes(folder: Path) -> int:
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return sum(path.stat().st_size for path in files if path.suffix != ".pyc")


def starts(folder: Path, models: Sequence[CatalogueModel]) -> list[Start]:
    found = []
    for name in FUNCTIONS:
        made = build_package(name, folder / "packages", models)
        if models and not models_for(made.function, models):
            continue
        environment = folder / "environments" / made.function
        python = install_requirements(made.folder / "requirements.txt", environment)
        trigger = wiring().functions[made.function].trigger
        libraries = folder_bytes(environment)
        found.append(
            Start(made.function, made.folder, python, made.size, libraries, trigger.http, bool(trigger.bucket))
        )
    hello = folder / "hello"
    hello.mkdir()
    (hello / "main.py").write_text(HELLO, encoding="utf-8")
    return [Start("hello", hello, found[-1].python, 0, 0), *found]


def load_in_turns(found: list[Start]) -> tuple[dict[str, str], dict[str, list[float]]]:
    """Return the heavy modules of each function, and the seconds that it takes to load in each round."""
    heavy = {start.name: start.load()[1] for start in found}  # and the bytecode is written
    return heavy, in_turns(found, lambda start: start.load()[0])


def answer_in_turns(found: list[Start], folder: Path) -> dict[str, list[float]]:
    """Return the seconds that each function takes to load and to answer a first request; none without emulators."""
    try:
        with run_emulators(folder, obtain=False) as hosts:
            environ = hosts.environ() | {"AUTH_REQUIRED": "false"}
            return in_turns(found, lambda start: start.load(start.first_request, **environ)[0])
    except EmulatorsUnavailable as error:
        print(f"first requests are not measured: {error}", file=sys.stderr)
        return {}


def in_turns(found: list[Start], measure: Callable[[Start], float]) -> dict[str, list[float]]:
    rounds = [{start.name: measure(start) for start in found} for _ in range(ROUNDS)]
    return {start.name: [measured[start.name] for measured in rounds] for start in found}


def rows() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as name:
        found = starts(Path(name), [])
        _, loaded = load_in_turns(found)
        answered = answer_in_turns(found, Path(name) / "emulators")
    yield from start_rows("cold start", loaded)
    if answered:
        yield from start_rows("cold start with a first request", answered)


def start_rows(work: str, taken: dict[str, list[float]]) -> Iterator[Row]:
    hello = taken["hello"]
    ratios = {name: [one / other for one, other in zip(of, hello, strict=True)] for name, of in taken.items()}
    medians = {name: statistics.median(of) for name, of in ratios.items() if name != "hello"}
    for which, names, limit in (
        ("`api`", medians.keys() & {API}, 2.0),
        ("the slowest other function", medians.keys() - {API}, 1.3),
    ):
        if names:
            name = max(names, key=lambda name: medians[name])
            seconds = " / ".join(f"{1000 * statistics.median(of):.0f}" for of in (taken[name], hello))
            measured, goal = f"`{name}`: {seconds} ms", Goal("≤", limit)
            yield Row(f"{work} of {which}", "empty function", measured, medians[name], goal, ratios[name], RECORD)


def print_starts(found: list[Start], folder: Path) -> None:
    heavy, loaded = load_in_turns(found)
    answered = answer_in_turns(found, folder)
    print(
        "| function | package | its requirements | cold start | to a bare one | with a first request | to a bare one |"
    )
    print("| --- | --: | --: | --: | --: | --: | --: |")
    for start in found:
        sizes = f"{start.zipped / 1e3:.0f} kB | {start.installed / 1e6:.0f} MB" if start.zipped else "– | –"
        print(f"| `{start.name}` | {sizes} | {' | '.join(describe(of, start.name) for of in (loaded, answered))} |")
    print(f"heavy modules loaded: {', '.join(filter(None, heavy.values())) or 'none'}")


def describe(taken: dict[str, list[float]], name: str) -> str:
    if not taken:
        return "– | –"
    median, hello = (statistics.median(taken[each]) for each in (name, "hello"))
    return f"{median * 1e3:.0f} ms | {median / hello:.2f}"


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
        print_starts(found, Path(name) / "emulators")
        if models:
            print_first_uses(found, models)


if __name__ == "__main__":
    main()
