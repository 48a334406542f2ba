"""Ten thousand addresses through a dataset on either local place, with kills in the middle: does it balance, how fast?

    python -m benchmarks.datasets [--urls 10000] [--place embedded|emulated] [--kills 2] [--latency 0.02]

The site is on this machine and takes part of its cores. Embedded: the whole server is killed with SIGKILL and started
again. Emulated: the processes that serve `crawl` are. Prints for each place what came of the addresses and how long
crawling and validating took; ends with an error when it does not balance to the last image.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.processes import cpu_seconds
from benchmarks.sizes import size
from tests.dataset_runs import balances, create, ended, fetched_again, look, start, unhurried
from tests.image_site import ImageSite
from tests.server import Server, eventually, kill_function

OPTIONS: dict[str, tuple[str, ...]] = {"embedded": ()} | size({"emulated": ("--emulators",)}, smoke={})


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--urls", type=int, default=size(10_000, smoke=24))
    asked.add_argument("--place", choices=[*OPTIONS, "both"], default="both")
    asked.add_argument("--kills", type=int, default=size(2, smoke=0))
    asked.add_argument("--latency", type=float, default=0.02)
    wanted = asked.parse_args()
    for place in OPTIONS if wanted.place == "both" else [wanted.place]:
        with tempfile.TemporaryDirectory() as folder, ImageSite(wanted.latency) as site:
            run(place, Path(folder), site, wanted.urls, wanted.kills)


def run(place: str, folder: Path, site: ImageSite, count: int, kills: int) -> None:
    urls = site.mix(count)
    environ = unhurried(site) | {"ALLOW_HOSTS": site.address, "MAX_DATASET_IMAGES": str(count), "LEASE_SEC": "10"}
    server = Server(folder / "data", *OPTIONS[place], **environ)
    server.start()
    try:
        with server.client() as client:
            id = create(client, urls)
            began = time.monotonic()
            start(client, id)
            print(f"{place}: {count} addresses, started in {time.monotonic() - began:.1f} s", flush=True)
        for number in range(1, kills + 1):
            share = count * number // (kills + 1)
            eventually(lambda share=share: sum(site.asked.values()) >= share)  # type: ignore[misc]
            kill(server, place)
            print(f"{place}: killed after {sum(site.asked.values())} requests", flush=True)
        with server.client() as client:
            crawled = eventually(lambda: validating(look(client, id)), pause=0.5)
            crawl_sec = time.monotonic() - began
            dataset = ended(client, id)
            total_sec = time.monotonic() - began
            cpu = cpu_seconds(server.pid)
            tell(place, dataset, site, count, crawl_sec, total_sec, cpu)
            assert crawled
            balances(client, dataset, site, urls)
        print(f"{place}: balances to the last image", flush=True)
    finally:
        server.stop()


def kill(server: Server, place: str) -> None:
    if place == "embedded":
        server.kill()
        server.start()
    else:
        assert kill_function(server.pid, "crawl") > 0


def validating(dataset: dict[str, Any]) -> bool:
    return dataset["progress"]["stage"] == "validate" or dataset["status"] != "running"


def tell(
    place: str,
    dataset: dict[str, Any],
    site: ImageSite,
    count: int,
    crawl_sec: float,
    total_sec: float,
    cpu: float,
) -> None:
    told = dataset["progress"]["images"]
    print(f"{place}: {dataset['status']}, {told['found']} found, {told['downloaded']} kept")
    for reason, number in Counter(told["rejected"]).most_common():
        print(f"{number:>8} {reason}")
    kept, validate_sec = told["downloaded"], total_sec - crawl_sec
    for line in (
        f"crawl {crawl_sec:.1f} s ({count / crawl_sec:.0f} addresses/s)",
        f"validation {validate_sec:.1f} s ({kept / max(0.1, validate_sec):.0f} images/s)",
        f"{cpu:.0f} s of CPU since the last kill, load {os.getloadavg()[0]:.1f}",
        f"{fetched_again(site)} addresses asked for again",
    ):
        print(f"{place}: {line}", flush=True)


if __name__ == "__main__":
    main()
