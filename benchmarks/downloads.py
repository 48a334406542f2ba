"""Images downloaded per second of the processor, beside img2dataset in the same rounds.

    python -m benchmarks.downloads [PYTHON] [--rounds 5] [--only "3 kB http"] [--data FOLDER]

PYTHON is the interpreter of another environment with img2dataset (`python -m venv rival && rival/bin/pip install
img2dataset==1.47.0`), IMG2DATASET_PYTHON where it is not given. Both take the same addresses from nginx on this
machine, over http and over https with a certificate that both verify, over as many connections at a time.

Ours is the server that `clipwise up` starts, with all its checks: robots.txt and TDM reservations, the URL guard for
each address, a record before each download, limits of bytes and pixels, the format by its bytes, the checksums of PNG,
no bytes twice, licence filters; every image and its record is durable, and a killed crawl goes on where it was.
img2dataset has none of these: no robots.txt, no guard, no limit, nothing synced, and a shard that is cut off begins
again. Lean, it keeps whatever comes and hashes it; decoding, it opens each image and encodes it again.

Counted is the processor time, user and system, of all processes of either: from the first request for an image until
the last image is stored, for img2dataset until it ends. Starting up is not in it.
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
from dataclasses import dataclass
from pathlib import Path

from benchmarks._image_server import ImageServer, image_server
from benchmarks.goals import Goal, Row
from benchmarks.processes import cpu_seconds, memory_mb
from benchmarks.sizes import size
from infra.runtimes.embedded.workers import IO_SLOTS, pool_functions, slot_functions
from shared.settings import read_settings
from tests.dataset_runs import create, look, start
from tests.server import Server

CONNECTIONS = read_settings({}).crawl_connections * sum(
    "crawl" in slot_functions(pool_functions("io"), slot) for slot in range(IO_SLOTS)
)
"""That ours has at a time: of all chunks that it works at together."""
CASES = {
    f"{bytes} {scheme}": (bytes, scheme, size(count, smoke=4))
    for scheme in ("http", "https")
    for bytes, count in (("3 kB", 3000), ("100 kB", 1000), ("1 MB", 300))
}
ROW_CASES = size(["3 kB http", "3 kB https", "1 MB https"], smoke=["3 kB https"])
ROUNDS = size(5, smoke=1)
LONGEST_SEC = 900
SAMPLE_SEC = 0.02
OURS, LEAN, DECODING = "Clipwise", "img2dataset, lean", "img2dataset, decoding"
GOAL = Goal("≥", 1)
RECORD = "crawl-transfers.md"


@dataclass(frozen=True)
class Use:
    """What one run used: seconds by the clock and of the processor, and the highest memory of its processes."""

    seconds: float
    cpu: float
    peak_mb: float


Work = Callable[[Path, ImageServer, str, int], Use]


def measure(pid: int, server: ImageServer, before: int, has_ended: Callable[[], object]) -> Use:
    """Measure a tree of processes from the first request after `before` until it has ended."""
    deadline = time.monotonic() + LONGEST_SEC
    while server.requests() == before:
        assert time.monotonic() < deadline
        time.sleep(SAMPLE_SEC)
    began, first, peak = time.monotonic(), cpu_seconds(pid), 0.0
    last = first
    while not has_ended():
        assert time.monotonic() < deadline
        # The last sample before a process is gone is all there is of it.
        last = max(last, cpu_seconds(pid))
        peak = max(peak, memory_mb(pid))
        time.sleep(SAMPLE_SEC)
    return Use(time.monotonic() - began, max(last, cpu_seconds(pid)) - first, peak)


def clipwise(folder: Path, images: ImageServer, scheme: str, count: int) -> Use:
    environ = {"ALLOW_HOSTS": images.address(scheme), "MAX_DATASET_IMAGES": str(count), "CRAWL_HOST_DELAY_SEC": "0"}
    environ |= {"CRAWL_HOST_CONNECTIONS": str(CONNECTIONS), "SSL_CERT_FILE": str(images.authority)}
    server = Server(folder / "data", **environ)
    server.start()
    try:
        with server.client() as client:
            before = images.requests()

            def is_crawled() -> bool:
                # Asked only when nothing is left to download, since answering costs time of ours.
                if images.requests() < before + count:
                    return False
                return look(client, id)["progress"]["stage"] != "crawl"

            id = create(client, images.urls(scheme, count))
            start(client, id)
            use = measure(server.pid, images, before, is_crawled)
            kept = look(client, id)["progress"]["images"]
        assert kept["downloaded"] == count, kept
    finally:
        server.stop()
    return use


def img2dataset(python: str, *, lean: bool) -> Work:
    def run(folder: Path, images: ImageServer, scheme: str, count: int) -> Use:
        (folder / "urls.txt").write_text("\n".join(images.urls(scheme, count)))
        options = {
            "url_list": folder / "urls.txt",
            "output_folder": folder / "images",
            "output_format": "files",
            "resize_mode": "no",
            "disable_all_reencoding": lean,
            "extract_exif": not lean,
            "compute_hash": "sha256",
            "processes_count": 1,
            "thread_count": CONNECTIONS,
            "number_sample_per_shard": count,
        }
        command = [python, "-m", "img2dataset.main", *(f"--{name}={value}" for name, value in options.items())]
        # What it leaves behind goes with the folder.
        environ = os.environ | {"TMPDIR": str(folder), "SSL_CERT_FILE": str(images.authority)}
        before = images.requests()
        with (folder / "log").open("w") as log:
            process = subprocess.Popen(command, env=environ, stdout=log, stderr=log, start_new_session=True)
            try:
                use = measure(process.pid, images, before, lambda: process.poll() is not None)
            except BaseException:
                os.killpg(process.pid, signal.SIGKILL)
                raise
        assert len(list((folder / "images").rglob("*.jpg"))) == count, (folder / "log").read_text()[-2000:]
        return use

    return run


def compare(
    works: dict[str, Work], cases: list[str], rounds: int, data: Path | None
) -> Iterator[tuple[str, dict[str, list[Use]]]]:
    """Yield what each work used in each round, for one case after the other."""
    with tempfile.TemporaryDirectory() as site, image_server(Path(site)) as images:
        for case in cases:
            bytes, scheme, count = CASES[case]
            images.offer(bytes, count)
            uses: dict[str, list[Use]] = {name: [] for name in works}
            for _ in range(rounds):
                for name, work in works.items():
                    with tempfile.TemporaryDirectory(dir=data) as folder:
                        uses[name].append(work(Path(folder), images, scheme, count))
            yield case, uses


def per_core(uses: list[Use], case: str) -> list[float]:
    """Return the images per second of the processor in each round."""
    return [CASES[case][2] / use.cpu for use in uses]


def ratios(uses: dict[str, list[Use]], rival: str) -> list[float]:
    """Return how many times as many images per second of the processor ours had, in each round."""
    return [theirs.cpu / ours.cpu for ours, theirs in zip(uses[OURS], uses[rival], strict=True)]


def rows() -> Iterator[Row]:
    python = os.environ.get("IMG2DATASET_PYTHON")
    if not python:
        yield Row("images downloaded", LEAN, "IMG2DATASET_PYTHON is not set: see benchmarks/downloads.py", None, GOAL)
        return
    works = {OURS: clipwise, LEAN: img2dataset(python, lean=True)}
    for case, uses in compare(works, ROW_CASES, size(3, smoke=1), None):
        found = ratios(uses, LEAN)
        ours, theirs = (statistics.median(per_core(uses[name], case)) for name in works)
        measured = f"{ours:.0f} / {theirs:.0f} images per second of the processor"
        yield Row(f"images downloaded, {case}", LEAN, measured, statistics.median(found), GOAL, found, RECORD)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("python", nargs="?", default=os.environ.get("IMG2DATASET_PYTHON"))
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--only", action="append", choices=CASES)
    parser.add_argument("--data", type=Path, help="where both store images; the temporary folder by default")
    options = parser.parse_args()
    works: dict[str, Work] = {OURS: clipwise}
    if options.python:
        works |= {name: img2dataset(options.python, lean=name == LEAN) for name in (LEAN, DECODING)}
    print(f"{CONNECTIONS} connections, medians of {options.rounds} rounds, load {os.getloadavg()[0]:.1f}")
    print(f"{'':34} images/s   images/s of CPU   ours to it (least – greatest)   peak MB")
    for case, uses in compare(works, options.only or size(list(CASES), smoke=ROW_CASES), options.rounds, options.data):
        for name, taken in uses.items():
            wall = statistics.median(CASES[case][2] / use.seconds for use in taken)
            core = statistics.median(per_core(taken, case))
            peak = statistics.median(use.peak_mb for use in taken)
            found = ratios(uses, name)
            spread = f"{statistics.median(found):.2f} ({min(found):.2f} – {max(found):.2f})"
            print(f"{case:12} {name:21} {wall:8.0f} {core:17.0f}   {spread:29} {peak:9.0f}", flush=True)
    print(f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
