"""How long a `metadata` job takes on each local place: alone, and with fifty sent at once.

    python -m benchmarks.jobs

Times run from the moment before the file is sent to the moment the event stream tells the end. The video is 4 s of
320 × 240, so that what is measured is the pipeline and not the decoder.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.server import Server, serving
from tests.video_samples import plain_video

ALONE = 7
AT_ONCE = 50
PLACES: dict[str, tuple[str, ...]] = {"embedded": (), "emulated": ("--emulators",)}


def job_seconds(server: Server, video: Path) -> float:
    start = time.perf_counter()
    job = server.follow(server.submit(video), 300)
    assert job["status"] == "done", job["error"]
    return time.perf_counter() - start


def main() -> None:
    print("| place | alone, median s | 50 at once: all done after s | jobs/s | median s | 95th percentile s |")
    print("| --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        video = plain_video(Path(folder) / "clip.mp4")
        for place, options in PLACES.items():
            with serving(Path(folder) / place, *options) as server:
                job_seconds(server, video)
                alone = statistics.median(job_seconds(server, video) for _ in range(ALONE))
                start = time.perf_counter()
                with ThreadPoolExecutor(AT_ONCE) as senders:
                    took = sorted(senders.map(lambda _, to=server: job_seconds(to, video), range(AT_ONCE)))
                wall = time.perf_counter() - start
            middle, tail = statistics.median(took), took[int(0.95 * len(took)) - 1]
            print(
                f"| {place} | {alone:.2f} | {wall:.1f} | {AT_ONCE / wall:.1f} | {middle:.1f} | {tail:.1f} |", flush=True
            )


if __name__ == "__main__":
    main()
