"""The console's first views: bytes transferred, time until a page can be used, layout shift, and Lighthouse's scores.

    python -m benchmarks.console [--rounds 3] [--pages recipe ask] [--no-lighthouse]

Each round opens every page in a new browser context, without a cache, from a server on this machine that has one result
of each kind, a group with a share link, a dataset, an API key and a webhook. Bytes are those on the wire, compressed;
media of jobs are counted apart. A page can be used once its heading stands there and the main thread has not been busy
for more than 50 ms at a time since. Lighthouse is fetched by npm; without npm, its scores are left out.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from benchmarks.sizes import IS_SMOKE, size, skip
from shared.pipeline.deadline import Deadline
from shared.pipeline.statistics import MARK, STATISTICS, count_ended_jobs
from tests.browser.conftest import BROWSERS, FLAGS
from tests.browser.dataset_samples import add_dataset
from tests.browser.shelf import Shelf, layout_shifts
from tests.server import Server, serving
from tests.video_samples import plain_video

LIGHTHOUSE = "lighthouse@13.5.0"
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
RESULTS = {"recipe": "recipes", "reel": "reels", "summary": "summaries", "transcript": "transcripts"}
HOOK = "127.0.0.1:9"
"""Where nobody listens."""
MEDIA = ("/media/", "/source", "/storage/")
USABLE = """() => new Promise((resolve) => {
  let since = 0, last = performance.now();
  const look = () => {
    const now = performance.now();
    if (now - last > 50 || !document.querySelector('main h1')) since = 0;
    else since ||= now;
    last = now;
    if (since && now - since >= 50) resolve(since);
    else setTimeout(look, 5);
  };
  look();
})"""


@dataclass(frozen=True)
class View:
    """One opening of a page; `usable_ms` counts from the start of the navigation."""

    app_bytes: int
    media_bytes: int
    usable_ms: float
    shift: float


def open_view(browser: Browser, address: str) -> View:
    urls: dict[str, str] = {}
    sizes: dict[str, float] = {}
    with browser.new_context() as context:
        page = context.new_page()
        network = context.new_cdp_session(page)
        network.send("Network.enable")
        network.on(
            "Network.responseReceived", lambda event: urls.update({event["requestId"]: event["response"]["url"]})
        )
        network.on(
            "Network.loadingFinished", lambda event: sizes.update({event["requestId"]: event["encodedDataLength"]})
        )
        page.goto(address)
        usable_ms = page.evaluate(USABLE)
        page.wait_for_load_state("networkidle")
        shift = sum(score for score, _ in layout_shifts(page))
    media = sum(size for id, size in sizes.items() if any(part in urls[id] for part in MEDIA))
    return View(round(sum(sizes.values()) - media), round(media), usable_ms, shift)


@contextmanager
def server_with_results(folder: Path) -> Iterator[tuple[Server, dict[str, str]]]:
    """Serve something to see on every page; yields the server and the pages' addresses by name."""
    with serving(folder / "data", ALLOW_HOSTS=HOOK) as server:
        shelf = Shelf(server, plain_video(folder / "film.mp4").read_bytes())
        jobs = {kind: shelf.add(kind).id for kind in RESULTS}
        dataset = add_dataset(shelf.place)
        shelf.place.documents.delete(STATISTICS, MARK)
        count_ended_jobs(shelf.place.documents, lambda job: job.owner, Deadline(60))
        shelf.close()
        with server.client() as client:
            group = client.post("/v1/groups", json={"name": "Cooking"}).json()["id"]
            client.post(f"/v1/groups/{group}/videos", json={"videoIds": list(jobs.values())}).raise_for_status()
            shared = client.post(f"/v1/groups/{group}/share", json={}).json()["url"]
            client.post("/v1/auth/keys", json={"name": "Phone", "scopes": ["read"]}).raise_for_status()
            client.post("/v1/webhooks", json={"url": f"http://{HOOK}/hook"}).raise_for_status()
        paths = {"new": "new", "job": f"jobs/{jobs['recipe']}"}
        paths |= {kind: f"{path}/{jobs[kind]}" for kind, path in RESULTS.items()}
        paths |= {"library": "", "video": f"videos/{jobs['recipe']}", "ask": "chat"}
        paths |= {
            "groups": "groups",
            "group": f"groups/{group}",
            "datasets": "datasets",
            "dataset": f"datasets/{dataset}",
        }
        paths |= {"operations": "operations", "account": "account", "sign-in": "sign-in"}
        yield server, {name: f"{server.url}/#/{path}" for name, path in paths.items()} | {"shared view": shared}


def lighthouse_scores(address: str, chromium: str) -> dict[str, int]:
    """Return Lighthouse's scores of a page on a desktop, from 0 to 100."""
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        command = [
            "npm",
            "exec",
            "--yes",
            "--ignore-scripts",
            "--loglevel=error",
            "--package",
            LIGHTHOUSE,
            "--",
            "lighthouse",
            address,
        ]
        options = ["--quiet", "--preset=desktop", "--output=json", f"--output-path={report.name}"]
        flags = "--chrome-flags=--headless=new --no-sandbox --disable-gpu"
        only = f"--only-categories={','.join(CATEGORIES)}"
        environ = os.environ | {"CHROME_PATH": chromium}
        subprocess.run([*command, *options, flags, only], check=True, env=environ)
        categories: dict[str, Any] = json.loads(Path(report.name).read_text(encoding="utf-8"))["categories"]
    return {name: round(categories[name]["score"] * 100) for name in CATEGORIES}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=size(3, smoke=1))
    parser.add_argument(
        "--pages", nargs="+", metavar="PAGE", default=size(None, smoke=["library"]), help="only these pages"
    )
    parser.add_argument("--no-lighthouse", action="store_true", default=IS_SMOKE)
    options = parser.parse_args()
    chromium = next(filter(None, map(shutil.which, BROWSERS)), None)
    if chromium is None:
        skip("Chromium is not installed; run `make program-deps` as root, or install it or Chrome")
    has_lighthouse = not options.no_lighthouse and shutil.which("npm") is not None
    print(
        "page         app kB   media kB   usable ms   layout shift   "
        + ("   ".join(CATEGORIES) if has_lighthouse else "")
    )
    with (
        tempfile.TemporaryDirectory() as folder,
        server_with_results(Path(folder)) as (_, addresses),
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=chromium, args=FLAGS) as browser,
    ):
        if unknown := set(options.pages or ()) - set(addresses):
            parser.error(f"no such page: {', '.join(sorted(unknown))}; there are {', '.join(addresses)}")
        for name in options.pages or addresses:
            address = addresses[name]
            views = [open_view(browser, address) for _ in range(options.rounds)]
            scores = lighthouse_scores(address, chromium) if has_lighthouse else {}
            print(
                f"{name:12} {max(view.app_bytes for view in views) / 1000:6.1f} {views[0].media_bytes / 1000:10.1f}"
                f" {statistics.median(view.usable_ms for view in views):11.0f}"
                f" {max(view.shift for view in views):14.3f}   "
                + "   ".join(f"{score:>{len(category)}}" for category, score in scores.items()),
                flush=True,
            )
        if not has_lighthouse:
            print("Without Lighthouse: it needs npm.")


if __name__ == "__main__":
    main()
