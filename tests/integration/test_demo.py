"""The demo as a user runs it."""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from infra.cli.demo import video_name
from tests.broken_libraries import METADATA_ERRORS, no_pyav, other_pyav
from tests.patience import PATIENCE_SEC
from tests.server import BEHIND_PROXY, CLIPWISE, IN_BACKGROUND

COMMAND = [*CLIPWISE, "demo"]


def environ(data: Path) -> dict[str, str]:
    return os.environ | BEHIND_PROXY | {"CLIPWISE_DATA": str(data)}


def is_served(data: Path) -> bool:
    """Whether a server still holds the data folder."""
    with (data / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_the_recipe_comes_out_of_the_video(tmp_path: Path) -> None:
    """A newcomer runs one command and gets the recipe of the video, with its pictures and JSON in files.

    What the narrator says is understood, and how much of it is printed; no model was installed for it.
    """
    data = tmp_path / "data"
    with subprocess.Popen(
        COMMAND, env=environ(data) | {"SPEECH_MODEL": "auto"}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as demo:
        try:
            out, err = demo.communicate()
        finally:
            demo.terminate()
    assert demo.returncode == 0, out + err
    for text in ("Baked Feta Pasta", "cherry tomatoes", "Bake for 30 minutes.", "All 8 ingredients", "up --open"):
        assert text in out
    heard = re.search(r"with a word error rate of (\d+)%:\n  (.+)", out)
    assert heard, out
    assert int(heard[1]) <= 20
    assert "some more from the pantry" in heard[2].casefold()
    for stage in ("render", "upload", "extract", "transcribe", "analyze", "persist"):
        assert f"{stage:<10} done" in err
    made = data / "demo"
    assert (made / "thumbnail.jpg").read_bytes().startswith(b"\xff\xd8")
    assert 1 <= len(list((made / "frames").glob("*.jpg"))) <= 12
    recipe = json.loads((made / "recipe.json").read_text())
    assert json.loads((made / "job.json").read_text())["result"] == recipe
    assert f"http://127.0.0.1:8080/#/recipes/{json.loads((made / 'job.json').read_text())['id']}" in out
    assert not is_served(data)


@pytest.mark.parametrize(
    ("start", "signals", "code"),
    [
        (IN_BACKGROUND, [signal.SIGHUP, signal.SIGINT], 130),
        ([], [signal.SIGTERM], 143),
    ],
    ids=["interrupted in the background", "terminated"],
)
def test_a_stopped_demo_leaves_no_server_behind(
    tmp_path: Path, start: list[str], signals: list[signal.Signals], code: int
) -> None:
    """Whoever stops the demo, wherever it was started, gets the machine back as it was; nohup keeps SIGHUP out."""
    data = tmp_path / "data"
    with subprocess.Popen(
        [*start, *COMMAND], env=environ(data), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as demo:
        assert demo.stderr is not None
        assert demo.stderr.readline().startswith("render")
        for number in signals:
            demo.send_signal(number)
        assert "Traceback" not in demo.stderr.read()
        assert demo.wait(PATIENCE_SEC) == code
    assert not is_served(data)


def test_a_demo_that_fails_shows_the_servers_last_error_and_its_log(tmp_path: Path, cooking_video: Path) -> None:
    """Whoever has another version of a library reads what is broken, the error itself, and where the log is."""
    data = tmp_path / "data"
    (data / "demo").mkdir(parents=True)
    (data / "demo" / f"{video_name()}.mp4").hardlink_to(cooking_video)
    other = environ(data) | other_pyav(tmp_path / "other")
    demo = subprocess.run(COMMAND, env=other, capture_output=True, text=True, check=False)
    assert demo.returncode == 1, demo.stdout + demo.stderr
    assert "Traceback" not in demo.stderr

    begin, _, end = demo.stderr.partition("upload")
    assert f"reading a video does not work: TypeError: {METADATA_ERRORS}. To fix it, install" in begin
    incident = re.search(r"a bug in the stage “extract” \(incident ([0-9a-f]{8})\)", end)
    assert incident is not None, end
    error, _, place = end.partition("Last error of the server:\n")[2].partition("\n\nLog of the server: ")
    assert error.startswith("ERROR ")
    assert f"incident={incident[1]}" in error
    assert error.splitlines()[-1] == f"TypeError: {METADATA_ERRORS}"
    log = Path(place.strip()).read_text()
    assert f"incident={incident[1]}" in log
    assert "attempt 2 begins" not in log


def test_without_pyav_the_demo_says_what_to_install(tmp_path: Path) -> None:
    """Who lacks a library gets no traceback, but its name and the command that brings it."""
    data = tmp_path / "data"
    bare = environ(data) | no_pyav(tmp_path / "bare")
    demo = subprocess.run(COMMAND, env=bare, capture_output=True, text=True, check=False)
    assert demo.returncode == 2, demo.stdout + demo.stderr
    assert "Traceback" not in demo.stderr
    assert "loading PyAV does not work" in demo.stderr
    assert "pip install 'clipwise[embedded]'" in demo.stderr
    assert not is_served(data)
