"""Images downloaded in a second, by the clock and by the core, beside img2dataset in the same rounds.

    python -m benchmarks.downloads [PYTHON] [--urls 3000] [--rounds 3] [--latency 0]

PYTHON, when given, is the interpreter of another environment with img2dataset (`python -m venv rival && rival/bin/pip
install img2dataset==1.47.0`). Both take the same addresses from a site on this machine, in a process of its own that is
counted for neither, over as many connections at a time. Ours is the server that `clipwise up` starts: it asks for
robots.txt, passes every address through the URL guard, makes a record before it fetches, looks at the image, stores it
durably under its sha256 and writes down how far it is. img2dataset writes files with a record beside each, and is
measured as lean as it can be had (no EXIF, nothing decoded, so what is no image would be kept), and as it looks at
images, which is to decode them and encode them again.

What is told is from the first image that the site was asked for to the last one: starting up is not in it.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.processes import cpu_seconds, memory_mb
from benchmarks.sizes import size
from infra.runtimes.embedded.workers import IO_SLOTS, pool_functions, slot_functions
from shared.settings import read_settings
from tests.dataset_runs import create, look, start
from tests.image_site import ImageSite, picture
from tests.server import Server, eventually

CONNECTIONS = read_settings({}).crawl_connections * sum(
    "crawl" in slot_functions(pool_functions("io"), slot) for slot in range(IO_SLOTS)
)
"""That ours has at a time: of all chunks that it works at together."""
LONGEST_SEC = 900
SAMPLE_SEC = 0.02
OURS = "Clipwise"


@dataclass(frozen=True)
class Used:
    seconds: float
    cpu: float
    peak_mb: float


class Site:
    """An image site in another process."""

    def __init__(self, address: str, pipe: Connection) -> None:
        self.address = address
        self._pipe = pipe

    def asked(self) -> int:
        """How many images it was asked for so far."""
        self._pipe.send(True)
        count: int = self._pipe.recv()
        return count


@contextmanager
def site(count: int, latency: float) -> Iterator[Site]:
    ours, theirs = get_context("spawn").Pipe()
    process = get_context("spawn").Process(target=serve, args=(theirs, count, latency), daemon=True)
    process.start()
    try:
        yield Site(ours.recv(), ours)
    finally:
        ours.send(False)
        process.join()


def serve(pipe: Connection, count: int, latency: float) -> None:
    for number in range(count):
        picture(number)  # and remember it
    with ImageSite(latency) as site:
        pipe.send(site.address)
        while pipe.recv():
            pipe.send(sum(times for path, times in list(site.asked.items()) if path.startswith("/image/")))


def watched(pid: int, site: Site, count: int) -> Used:
    """What a tree of processes uses while the site is asked for so many images."""
    before, deadline = site.asked(), time.monotonic() + LONGEST_SEC
    while site.asked() == before:
        assert time.monotonic() < deadline
        time.sleep(SAMPLE_SEC)
    began, cpu, peak = time.monotonic(), cpu_seconds(pid), 0.0
    while site.asked() < before + count:
        assert time.monotonic() < deadline
        peak = max(peak, memory_mb(pid))
        time.sleep(SAMPLE_SEC)
    return Used(time.monotonic() - began, cpu_seconds(pid) - cpu, peak)


def clipwise(folder: Path, site: Site, urls: list[str]) -> Used:
    environ = {"ALLOW_HOSTS": site.address, "MAX_DATASET_IMAGES": str(len(urls)), "CRAWL_HOST_DELAY_SEC": "0"}
    server = Server(folder / "data", CRAWL_HOST_CONNECTIONS=str(CONNECTIONS), **environ)
    server.start()
    try:
        with server.client() as client:
            id = create(client, urls)
            start(client, id)
            used = watched(server.pid, site, len(urls))
            kept = eventually(lambda: (told := look(client, id)["progress"])["stage"] == "validate" and told)
        assert kept["images"]["downloaded"] == len(urls), kept
    finally:
        server.stop()
    return used


def img2dataset(python: str, processes: int, lean: bool) -> Callable[[Path, Site, list[str]], Used]:
    def run(folder: Path, site: Site, urls: list[str]) -> Used:
        (folder / "urls.txt").write_text("\n".join(urls))
        options = {
            "url_list": folder / "urls.txt",
            "output_folder": folder / "images",
            "output_format": "files",
            "resize_mode": "no",
            "disable_all_reencoding": lean,
            "extract_exif": not lean,
            "processes_count": processes,
            "thread_count": CONNECTIONS // processes,
            "number_sample_per_shard": -(-len(urls) // processes),
        }
        command = [python, "-m", "img2dataset.main", *(f"--{name}={value}" for name, value in options.items())]
        # What it leaves behind goes with the folder.
        environ = os.environ | {"TMPDIR": str(folder)}
        with (folder / "log").open("w") as log:
            process = subprocess.Popen(command, env=environ, stdout=log, stderr=log, start_new_session=True)
            try:
                used = watched(process.pid, site, len(urls))
                process.wait(LONGEST_SEC)
            except BaseException:
                os.killpg(process.pid, signal.SIGKILL)
                raise
        assert len(list((folder / "images").rglob("*.jpg"))) == len(urls), (folder / "log").read_text()[-2000:]
        return used

    return run


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("python", nargs="?")
    asked.add_argument("--urls", type=int, default=size(3000, smoke=4))
    asked.add_argument("--rounds", type=int, default=size(3, smoke=1))
    asked.add_argument("--latency", type=float, default=0.0)
    wanted = asked.parse_args()
    works: dict[str, Callable[[Path, Site, list[str]], Used]] = {OURS: clipwise}
    if wanted.python:
        for processes in (1, 2):
            works[f"img2dataset, processes: {processes}"] = img2dataset(wanted.python, processes, lean=True)
        works["the same with 1, decoding"] = img2dataset(wanted.python, 1, lean=False)
    runs: dict[str, list[Used]] = {name: [] for name in works}
    print(f"{wanted.urls} images over {CONNECTIONS} connections, {wanted.rounds} rounds, load {os.getloadavg()[0]:.1f}")
    with site(wanted.urls, wanted.latency) as there:
        urls = [f"http://{there.address}/image/{number}.jpg" for number in range(wanted.urls)]
        for _ in range(wanted.rounds):
            for name, work in works.items():
                with tempfile.TemporaryDirectory() as folder:
                    runs[name].append(work(Path(folder), there, urls))
    tell(runs, wanted.urls)


def tell(runs: dict[str, list[Used]], count: int) -> None:
    """The medians; ratios are ours to theirs."""
    walls = {name: statistics.median(count / used.seconds for used in taken) for name, taken in runs.items()}
    cores = {name: statistics.median(count / used.cpu for used in taken) for name, taken in runs.items()}
    print(f"{'':26} images/s   ours to it   images/s of CPU   ours to it   peak MB")
    for name, taken in runs.items():
        wall, core = walls[name], cores[name]
        peak = statistics.median(used.peak_mb for used in taken)
        print(f"{name:26} {wall:8.0f} {walls[OURS] / wall:12.2f} {core:17.0f} {cores[OURS] / core:12.2f} {peak:9.0f}")
    print(f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
