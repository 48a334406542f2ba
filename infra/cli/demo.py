"""The demo: renders a video, processes it, and checks the resulting recipe."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.text import Text

from infra.api_client import ApiClient, ApiError, JobDocument, ServerUnreachable
from infra.cli.browser import has_desktop, open_in_browser
from infra.cli.options import LOCAL, load_settings
from infra.cli.progress import follow_job, progress_view, update_job, update_task, update_upload
from infra.cli.session import EXIT_ERROR, EXIT_FAILED, EXIT_INTERRUPTED, open_console
from infra.cli.upload import send_file
from infra.cli.views import failure_view, result_view
from infra.demo.recipe import RECIPE, recipe_differences
from infra.runtimes.process import raise_on_signals
from shared.analyses.recipe import Recipe
from shared.media.self_check import find_faults

START_SEC = 300
STOP_SEC = 60
RECORD = re.compile(r"^\d{4}-\d\d-\d\dT\S+Z (?=(?:DEBUG|INFO|WARNING|ERROR|CRITICAL)\b)", re.MULTILINE)
TRACEBACK = "Traceback (most recent call last):"


class ServerStartError(Exception):
    """The server exited or timed out before it was ready; the message is its last output."""


@contextmanager
def run_embedded_server(data: Path, log: Path) -> Iterator[Callable[[], str]]:
    """Serve `data` on a free loopback port; yields a function that waits until the server is ready and returns its URL.

    That function raises ServerStartError. The file `log` receives the server's log. The server ends with the block.
    """
    # In its own session, Ctrl-C does not reach it, and we stop it in good order. -P keeps the current folder, which may
    # hold anything, off the module search path.
    command = [sys.executable, "-P", "-m", "infra.cli.main", "up", "--port", "0", "--data", str(data)]
    environ = {name: value for name, value in os.environ.items() if name != "PUBLIC_URL"} | {"AUTH_REQUIRED": "false"}
    with (
        log.open("w") as errors,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, env=environ, text=True, start_new_session=True
        ) as process,
    ):
        try:
            yield partial(_read_url, process, log)
        finally:
            _stop_process(process)


def _read_url(process: subprocess.Popen[str], log: Path) -> str:
    """Return the URL at the end of the server's ready line."""
    assert process.stdout  # noqa: S101 (it is a pipe)
    kill_timer = threading.Timer(START_SEC, process.kill)
    kill_timer.start()
    try:
        line = process.stdout.readline()
    finally:
        kill_timer.cancel()
    if not line:
        output = log.read_text(errors="replace").strip().splitlines()
        raise ServerStartError(output[-1] if output else f"the server was not ready within {START_SEC} seconds")
    return line.split()[-1]


def _stop_process(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SEC)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        # The process group contains its workers.
        os.killpg(process.pid, signal.SIGKILL)
        raise


def last_error(log: Path) -> str | None:
    """Return the last error record without its time and with only the exception of its traceback, or None."""
    records = RECORD.split(log.read_text(errors="replace"))
    errors = [record for record in records if record.startswith(("ERROR", "CRITICAL"))]
    if not errors:
        return None
    message, *details = errors[-1].strip().split(TRACEBACK)
    raised = next((line for line in details[-1].splitlines() if line and not line[0].isspace()), "") if details else ""
    return f"{message.strip()}\n{raised}".strip()


RENDERER = Path(__file__).parents[1] / "demo"


def run_demo(keep: bool, open_browser: bool = False) -> int:
    """Run the demo in the data folder; returns the exit code, 0 only if the recipe matches the video.

    Args:
        keep: Keep the server running afterwards.
        open_browser: Do so and open the recipe's page, if somebody sits before a desktop.
    """
    # Without this, a terminated demo would leave its server behind.
    raise_on_signals()
    # The demo must cost nothing, and its video can be analyzed offline.
    os.environ.setdefault("AI_PROVIDER", "offline")
    demo = Demo(load_settings().clipwise_data, open_console(sys.stdout), open_console(sys.stderr))
    try:
        return demo.run(keep, open_browser and sys.stdout.isatty() and has_desktop())
    except KeyboardInterrupt:
        problem, code = "Interrupted.", EXIT_INTERRUPTED
    except ServerStartError as error:
        problem, code = f"The server did not start. {error}", EXIT_ERROR
    except (ServerUnreachable, ApiError) as error:
        demo.print_log_error()
        problem, code = f"The demo failed: {error}", EXIT_FAILED
    except ImportError as error:
        problem, code = f"The demo cannot run: {error}", EXIT_ERROR
    demo.print_warning(problem)
    return code


class Demo:
    """One run of the demo, which stores its files in the folder `demo` of the data folder."""

    def __init__(self, data: Path, out: Console, err: Console) -> None:
        self.data = data
        self.folder = data / "demo"
        self.log = self.folder / "server.log"
        self.out = out
        self.err = err

    def run(self, keep: bool, open_browser: bool) -> int:
        started = time.monotonic()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.print_message("This demo renders a cooking video and processes it on this machine. Starting the server …")
        faults = ThreadPoolExecutor(1).submit(find_faults)
        with run_embedded_server(self.data, self.log) as wait_for_url, ExitStack() as stack:
            for fault in faults.result():
                self.print_warning(f"Videos cannot be processed on this machine: {fault}. To fix it, {fault.advice}.")
            # Meanwhile the server starts.
            video = self.prepare_video()
            url = wait_for_url()
            api = stack.enter_context(ApiClient(url))
            job = self.process_video(api, video)
            if job["status"] != "done":
                self.err.print(failure_view(job, "Running the demo again later"), soft_wrap=True)
                self.print_log_error()
                return EXIT_FAILED
            self.out.print("", result_view(job), "")
            self.save_outputs(api, job)
            mismatches = recipe_differences(Recipe.read(job["result"]), job["video"]["info"]["durationSec"])
            if mismatches:
                self.print_message(
                    "The recipe differs from the one in the video:\n"
                    + "\n".join(f"  - {mismatch}" for mismatch in mismatches)
                )
                return EXIT_FAILED
            self.print_message(
                f"All {len(RECIPE.ingredients)} ingredients were extracted from the video with amount and unit "
                f"in {time.monotonic() - started:.0f} seconds."
            )
            self.print_transcript(job)
            self.print_files()
            page = f"/#/recipes/{job['id']}"
            if keep or open_browser:
                self.print_message(f"\nThe recipe's page, while the server runs (Ctrl-C stops it):\n  {url}{page}")
                if open_browser:
                    open_in_browser(f"{url}{page}")
                with suppress(KeyboardInterrupt):
                    signal.pause()
        self.print_next_steps(f"{LOCAL}{page}")
        return 0

    def prepare_video(self) -> Path:
        """Render the video unless an earlier run did."""
        video = self.folder / f"{video_name()}.mp4"
        if not video.exists():
            with progress_view(self.err) as view:
                self.render_video(video, lambda done: update_task(view, "render", done, "drawing the video"))
        return video

    def process_video(self, api: ApiClient, video: Path) -> JobDocument:
        """Submit the video and follow its job."""
        with progress_view(self.err) as view:
            size = video.stat().st_size
            started = send_file(api, video, "recipe", "en", {}, lambda sent: update_upload(view, sent, size))
            for job in follow_job(api, started["id"]):
                update_job(view, job)
        return job

    def render_video(self, path: Path, tick: Callable[[float], None]) -> None:
        from infra.demo.video import render_video

        for old in self.folder.glob("*.mp4"):
            if old != path:
                old.unlink(missing_ok=True)
        # Nothing says yet whether another demo uses this folder.
        unfinished = path.with_suffix(f".{os.getpid()}.part")
        # The words are in the sound only, so that the demo shows whether they are understood.
        try:
            render_video(unfinished, tick, has_subtitles=False)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)

    def save_outputs(self, api: ApiClient, job: JobDocument) -> None:
        """Copy the job's media and result into the demo's folder, so that they can be viewed without a server."""
        shutil.rmtree(self.folder / "frames", ignore_errors=True)
        for picture in filter(None, (job["video"]["thumbnail"], *job["video"]["frames"])):
            api.save_media(job["id"], picture["name"], self.folder / picture["name"])
        for name, content in (("job.json", job), ("recipe.json", job["result"])):
            (self.folder / name).write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")

    def print_transcript(self, job: JobDocument) -> None:
        """Print what was heard, and how much of it differs from what the narrator says."""
        # Needs PyAV, without which the demo says what to install.
        from infra.demo.narration import narration_text, word_error_rate

        transcript = job["video"]["transcript"]
        if not transcript:
            self.print_warning("Nothing was heard: no speech model is installed. Run `clipwise models install speech`.")
            return
        error_rate = word_error_rate(narration_text(), transcript)
        self.print_message(
            f"Heard in the video, with a word error rate of {error_rate:.0%}:\n  " + " ".join(transcript.split())
        )

    def print_files(self) -> None:
        frames = len(list((self.folder / "frames").iterdir()))
        self.print_message(
            f"\nThe files are in {self.folder}:\n"
            f"  {video_name()}.mp4  the video\n"
            f"  thumbnail.jpg, frames/         its thumbnail and {frames} key frames\n"
            f"  recipe.json, job.json          the recipe and the job document"
        )

    def print_next_steps(self, page: str) -> None:
        """Print how to go on; `page` is the recipe's address while a server runs at the default one."""
        clipwise = (
            "clipwise" if shutil.which("clipwise") else os.path.relpath(Path(sys.executable).with_name("clipwise"))
        )
        self.print_message(
            f"\nTo cook from the recipe, or to add your own videos, start the server and leave it running:\n"
            f"  {clipwise} up --open\n"
            f"The recipe's page is then:\n"
            f"  {page}"
        )

    def print_log_error(self) -> None:
        """Print the last error in the server's log, and the path of the log."""
        error = last_error(self.log)
        if error:
            self.err.print(Text(f"\nLast error of the server:\n{error}"), soft_wrap=True)
        self.err.print(Text(f"\nLog of the server: {self.log}"), soft_wrap=True)

    def print_message(self, text: str) -> None:
        self.out.print(Text(text), soft_wrap=True)

    def print_warning(self, text: str) -> None:
        self.err.print(Text(text, style="red"), soft_wrap=True)


def video_name() -> str:
    """Return a name that changes with everything the rendered video depends on."""
    digest = hashlib.sha256()
    for path in sorted(path for path in RENDERER.rglob("*") if path.suffix in (".py", ".ttf", ".opus")):
        digest.update(path.read_bytes())
    digest.update(f"{version('av')} {version('pillow')}".encode())
    return f"baked-feta-pasta-{digest.hexdigest()[:8]}"
