"""What each function's cold start costs, as medians of one run: `python -m benchmarks.cold_start`.

Each function is packaged and gets an environment of its own requirements, as in the cloud. Timed is a whole process
that loads the function with functions-framework and ends, beside one that loads a function that does nothing.
"""

from __future__ import annotations

import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from infra.packaging.package import install_requirements, package_all
from shared.wiring import wiring

ROUNDS = 5
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
        script = LOAD.format(name=self.name, asgi=self.asgi, heavy=set(HEAVY))
        start = time.perf_counter()
        told = subprocess.run([self.python, "-c", script], cwd=self.folder, capture_output=True, text=True, check=True)
        return time.perf_counter() - start, told.stdout.strip()


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")


def starts(folder: Path) -> list[Start]:
    found = []
    for made in package_all(folder / "packages"):
        environment = folder / "environments" / made.function
        python = install_requirements(made.folder / "requirements.txt", environment)
        asgi = wiring().functions[made.function].trigger.http
        libraries = size(environment / "lib")
        found.append(Start(made.function, made.folder, python, made.size, libraries, asgi))
    hello = folder / "hello"
    hello.mkdir()
    (hello / "main.py").write_text(HELLO, encoding="utf-8")
    return [Start("hello", hello, found[-1].python, 0, 0), *found]


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        found = starts(Path(name))
        heavy = {start.name: start.load()[1] for start in found}  # and the bytecode is written
        taken: dict[str, list[float]] = {start.name: [] for start in found}
        for _ in range(ROUNDS):
            for start in found:
                taken[start.name].append(start.load()[0])
        hello = statistics.median(taken["hello"])
        print("| function | package | its requirements | cold start | to a bare one | heavy modules loaded |")
        print("| --- | --: | --: | --: | --: | --- |")
        for start in found:
            median = statistics.median(taken[start.name])
            sizes = f"{start.zipped / 1e3:.0f} kB | {start.installed / 1e6:.0f} MB" if start.zipped else "– | –"
            times = f"{median * 1e3:.0f} ms | {median / hello:.2f}"
            print(f"| `{start.name}` | {sizes} | {times} | {heavy[start.name] or 'none'} |")


if __name__ == "__main__":
    main()
