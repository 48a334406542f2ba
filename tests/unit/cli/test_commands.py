"""The commands as a user runs them: what they print where, and their exit codes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from queue import Queue
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from infra.cli.browser import has_desktop
from infra.cli.local_server import print_ready
from infra.cli.main import app
from tests.patience import PATIENCE_SEC
from tests.server import CLIPWISE
from tests.unit.cli.scripted import ID, Script, job, serving

RECIPE = {
    "title": "Soup [bold]\x1b[31m",
    "servings": 2,
    "totalMinutes": 75,
    "ingredients": [
        {"name": "potatoes", "amount": 1.5, "unit": "kg", "seen": {"source": "screen", "time": 65, "confidence": 0.9}},
        {"name": "salt", "amount": 0.5, "unit": "tsp", "note": "fine"},
        {"name": "cream", "amount": 2, "amountMax": 3, "unit": "tbsp", "group": "For the top"},
    ],
    "steps": [{"number": 1, "text": "Boil everything.", "seen": {"source": "subtitle", "time": 70, "confidence": 0.8}}],
    "notes": ["Read from the screen."],
}
METADATA = {
    "duration": "00:00:19",
    "info": {
        "container": "mov",
        "sizeBytes": 1_400_000,
        "durationSec": 19.6,
        "hasVideo": True,
        "hasAudio": True,
        "width": 720,
        "height": 1280,
        "fps": 29.97003,
        "videoCodec": "h264",
        "audioCodec": "aac",
        "sampleRate": 44100,
        "subtitles": [{"index": 2, "codec": "mov_text", "language": "eng"}],
        "warnings": ["truncated"],
    },
    "thumbnail": {"name": "thumbnail.jpg", "time": 1.96, "width": 320, "height": 569},
    "shots": 8,
    "frames": [{"name": "frames/00.jpg", "time": 1, "width": 576, "height": 1024}],
}
DONE = job("done", result=RECIPE)
FAILED = job(
    "failed",
    error={"code": "no_pictures", "message": "The file has no pictures.", "stage": "extract", "retryable": False},
)


@pytest.fixture
def script() -> Iterator[Script]:
    with serving(Script()) as script:
        yield script


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """Begins as an MP4 does; the scripted server looks no further."""
    path = tmp_path / "soup.mp4"
    path.write_bytes(b"\0\0\0\x18ftypisom" + bytes(5_000))
    return path


def run(script: Script, *arguments: str, **environ: str) -> Result:
    return CliRunner().invoke(app, list(arguments), env={"CLIPWISE_SERVER": script.url, "COLUMNS": "100", **environ})


def test_submit_shows_the_recipe(script: Script, video: Path) -> None:
    """A user sends a file, sees each stage, and reads the recipe as in a cookbook."""
    script.streams = [([job(progress=50), DONE], "close")]
    result = run(script, "submit", str(video), "--language", "de")
    assert result.exit_code == 0, result.output
    assert [line.split() for line in result.stdout.splitlines()] == [
        [],
        ["Soup", "[bold][31m"],
        ["serves", "2", "·", "1", "h", "15", "min", "total"],
        [],
        ["Ingredients"],
        ["1.5", "kg", "potatoes", "at", "1:05"],
        ["½", "tsp", "salt,", "fine"],
        ["For", "the", "top"],
        ["2–3", "tbsp", "cream"],
        [],
        ["Steps"],
        ["1.", "Boil", "everything.", "at", "1:10"],
        [],
        ["Notes"],
        ["-", "Read", "from", "the", "screen."],
    ]
    assert result.stderr.splitlines() == [
        "upload     done: 0.0 MB",
        "extract    done",
        "analyze    running: Reading the screen",
        "analyze    done",
        "",
        f"Job:    {ID}",
        f"Page:   {script.url}/#/jobs/{ID}",
        f"Export: clipwise export {ID} --format md",
    ]
    assert script.received == video.read_bytes()
    wish = {"filename": "soup.mp4", "contentType": "video/mp4", "size": 5_012, "kind": "recipe", "language": "de"}
    assert script.bodies == [wish]


def test_a_video_without_a_recipe_is_told(script: Script, video: Path) -> None:
    """Who sends a video of something else reads that there is no recipe in it, not an empty page."""
    script.streams = [([job("done", result={"notes": ["Nothing is written."]})], "close")]
    result = run(script, "submit", str(video))
    assert result.exit_code == 0
    assert "No recipe was found in this video." in result.stdout
    assert "Nothing is written." in result.stdout
    assert "Ingredients" not in result.stdout


def test_output_that_is_no_terminal_has_no_control_codes(script: Script, video: Path) -> None:
    """What goes to a file or another program is plain text."""
    script.streams = [([job(progress=50), DONE], "close")]
    assert "\x1b" not in run(script, "submit", str(video)).output


def test_json_is_all_that_goes_to_stdout(script: Script, video: Path) -> None:
    """A program that reads stdout gets the job document and nothing else."""
    script.streams = [([DONE], "close")]
    result = run(script, "submit", str(video), "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == DONE
    assert "upload" in result.stderr


def test_a_stored_result_is_said_to_be_one(script: Script) -> None:
    """Who gets an old result reads that it is one and how to get a new one, which then is not said to be old."""
    script.stored = True
    script.streams = [([DONE], "close")] * 2
    old, new = (run(script, "submit", "https://example.com/soup.mp4", *fresh) for fresh in ([], ["--fresh"]))
    assert "processed before" in old.stderr
    assert "--fresh" in old.stderr
    assert "processed before" not in new.stderr
    assert [body.get("fresh") for body in script.bodies] == [None, True]
    assert old.stdout == new.stdout


def test_a_url_is_submitted_as_it_is(script: Script) -> None:
    """A link is handed to the server, which downloads it."""
    script.streams = [([job("done", kind="metadata", result=METADATA)], "close")]
    result = run(script, "submit", "https://example.com/soup.mp4", "--kind", "metadata")
    assert result.exit_code == 0, result.output
    assert script.bodies == [{"url": "https://example.com/soup.mp4", "kind": "metadata"}]
    for text in (
        "00:00:19",
        "720×1280, 29.97 fps, h264",
        "aac, 44100 Hz",
        "eng (mov_text)",
        "mov, 1.4 MB",
        "truncated",
    ):
        assert text in result.stdout


@pytest.mark.parametrize("retryable", [True, False])
def test_a_failed_job_says_why_and_what_to_do(script: Script, video: Path, retryable: bool) -> None:
    """A job that fails ends with code 1, its stage, its sentence, its code, and whether trying again can help."""
    failed = FAILED | {"error": FAILED["error"] | {"retryable": retryable}}
    script.streams = [([failed], "close")]
    result = run(script, "submit", str(video))
    assert result.exit_code == 1
    for text in ("failed in extract", "The file has no pictures.", "no_pictures"):
        assert text in result.stderr
    assert (f"`clipwise retry {ID}` can help" in result.stderr) is retryable
    assert result.stdout == ""


def test_a_failed_job_is_json_too(script: Script, video: Path) -> None:
    """With --json the document of a failed job is printed, and the code is still 1."""
    script.streams = [([FAILED], "close")]
    result = run(script, "submit", str(video), "--json")
    assert (result.exit_code, json.loads(result.stdout)) == (1, FAILED)


def test_a_cancelled_job_ends_with_1(script: Script, video: Path) -> None:
    """A job that someone cancels is not taken for a good one."""
    script.streams = [([job("cancelled")], "close")]
    result = run(script, "submit", str(video))
    assert result.exit_code == 1
    assert "was cancelled" in result.stderr


def test_a_refused_upload_leaves_no_job_waiting(script: Script, video: Path) -> None:
    """When the bytes are refused, the job that waits for them is cancelled, and the reason is read."""
    script.refuse_upload = (413, "too_large")
    result = run(script, "submit", str(video))
    assert result.exit_code == 2
    assert "A sentence about too_large. (too_large)" in result.stderr
    assert script.requests_to("POST", f"/v1/jobs/{ID}/cancel")


@pytest.mark.parametrize(
    ("content", "told"),
    [(None, "No such file"), (b"", "empty_file"), (b"just a text", "unsupported_media")],
    ids=["missing", "empty", "text"],
)
def test_a_file_that_is_no_video_is_not_sent(script: Script, tmp_path: Path, content: bytes | None, told: str) -> None:
    """What cannot be a video is told at once, with code 2, and nothing is sent."""
    path = tmp_path / "soup.mp4"
    if content is not None:
        path.write_bytes(content)
    result = run(script, "submit", str(path))
    assert result.exit_code == 2
    assert told in result.stderr
    assert script.requests == []


def test_a_link_of_another_kind_is_named_as_it_was_typed(script: Script) -> None:
    """Who sends an ftp:// link reads it back unchanged, and which links there are."""
    result = run(script, "submit", "ftp://example.com/a.mp4")
    assert (result.exit_code, script.requests) == (2, [])
    assert "ftp://example.com/a.mp4: No such file. A URL must begin with http:// or https://." in result.stderr


@pytest.mark.parametrize("port", ["-1", "65536"])
def test_a_port_that_does_not_exist(port: str) -> None:
    """A port out of range is told as wrong usage."""
    result = CliRunner().invoke(app, ["up", "--port", port])
    assert (result.exit_code, "--port" in result.stderr) == (2, True)


@pytest.mark.parametrize("options", [[], ["--emulators"]], ids=["embedded", "emulated"])
def test_a_port_that_is_taken(options: list[str], tmp_path: Path) -> None:
    """`clipwise up` never says that it is ready where another server answers, and starts nothing."""
    with serving(Script()) as other:
        port = other.url.rpartition(":")[2]
        result = CliRunner().invoke(app, ["up", *options, "--port", port, "--data", str(tmp_path)])
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"Cannot listen on 127.0.0.1:{port}" in result.stderr


@pytest.mark.parametrize("command", [["jobs"], ["show", ID], ["submit", "https://example.com/a.mp4"]])
def test_without_a_server_the_user_is_told_what_to_do(command: list[str]) -> None:
    """When no server answers, the code is 2 and the sentence names `clipwise up`."""
    with serving(Script()) as script:
        pass
    result = run(script, *command)
    assert result.exit_code == 2
    assert "clipwise up" in result.stderr
    assert script.url in result.stderr


def test_problems_are_shown_as_the_server_words_them(script: Script) -> None:
    """An unknown kind is answered with the server's sentence and code 2."""
    result = run(script, "submit", "https://example.com/a.mp4", "--kind", "poem")
    assert (result.exit_code, result.stderr) == (2, "A sentence about unknown_kind. (unknown_kind)\n")


def test_jobs_are_gathered_from_pages(script: Script) -> None:
    """A long list is read page by page, and the user is told when there is more."""
    first = [job(id=f"a{number}") for number in range(100)]
    second = [job(id=f"b{number}", url="https://example.com/x.mp4") for number in range(50)]
    script.pages = [{"jobs": first, "cursor": "next"}, {"jobs": second, "cursor": "more"}]
    result = run(script, "jobs", "--limit", "150", "--status", "running", "--kind", "recipe")
    assert result.exit_code == 0
    rows = result.stdout.splitlines()[1:]
    assert [row.split()[0] for row in rows] == [*(f"a{n}" for n in range(100)), *(f"b{n}" for n in range(50))]
    assert "https://example.com/x.mp4" in rows[-1]
    asked = [path for verb, path, _ in script.requests]
    assert asked == [
        "/v1/jobs?status=running&kind=recipe&limit=100",
        "/v1/jobs?status=running&kind=recipe&limit=50&cursor=next",
    ]
    assert "clipwise jobs --limit 300" in result.stderr


def test_no_jobs(script: Script) -> None:
    """A new user is told how to begin."""
    script.pages = [{"jobs": [], "cursor": None}]
    assert "clipwise submit" in run(script, "jobs").stderr


def test_show(script: Script) -> None:
    """A user looks at a job that is done, that failed, and at the whole document."""
    script.polled = [DONE, FAILED, DONE]
    assert "Boil everything." in run(script, "show", ID).stdout
    failed = run(script, "show", ID)
    assert (failed.exit_code, "no_pictures" in failed.stdout) == (0, True)
    assert json.loads(run(script, "show", ID, "--json").stdout) == DONE


def test_export(script: Script, tmp_path: Path) -> None:
    """What the server exports comes byte by byte to stdout, or into a file; a format it does not know ends with 2."""
    asked = '{"format": ["md"], "servings": ["2.5"]}'
    result = run(script, "export", ID, "--format", "md", "--servings", "2.5")
    assert (result.exit_code, result.stdout, result.stderr) == (0, asked, "")
    path = tmp_path / "soup.md"
    result = run(script, "export", ID, "--format", "md", "--servings", "2.5", "--output", str(path))
    assert (result.exit_code, result.stdout, path.read_text()) == (0, "", asked)
    result = run(script, "export", ID, "--format", "pdf")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "format_unknown" in result.stderr
    result = run(script, "export", ID, "--format", "md", "--output", str(tmp_path / "missing" / "soup.md"))
    assert result.exit_code == 2
    assert "No such file" in result.stderr


def test_cancel_and_delete(script: Script) -> None:
    """A user stops a job, and removes it."""
    assert run(script, "cancel", ID).exit_code == 0
    assert run(script, "delete", ID).exit_code == 0
    assert [verb for verb, _, _ in script.requests] == ["POST", "DELETE"]


def test_retry_follows_to_the_end(script: Script) -> None:
    """A job that is tried again is followed like a new one."""
    script.streams = [([job(progress=60), DONE], "close")]
    result = run(script, "retry", ID)
    assert result.exit_code == 0
    assert "Boil everything." in result.stdout


def test_an_unknown_job(script: Script) -> None:
    """A wrong id is answered with code 2."""
    result = run(script, "show", "nothing")
    assert (result.exit_code, "not_found" in result.stderr) == (2, True)


def test_the_token_goes_to_the_api_and_nowhere_else(script: Script, video: Path) -> None:
    """A user's token is not given to the storage, whose link is the right to upload by itself."""
    script.streams = [([DONE], "close")]
    run(script, "submit", str(video), CLIPWISE_TOKEN="secret")
    assert [headers["authorization"] for headers in script.requests_to("POST", "/v1/uploads")] == ["Bearer secret"]
    assert all("authorization" not in headers for headers in script.requests_to("PUT", "/storage/session"))


def test_another_server_stays_in_what_is_suggested(script: Script, video: Path) -> None:
    """A suggested command works as it stands, also when the server was named by --server."""
    script.streams = [([FAILED | {"error": FAILED["error"] | {"retryable": True}}], "close")]
    result = run(script, "submit", str(video), "--server", script.url, CLIPWISE_SERVER="")
    assert f"`clipwise retry {ID} --server {script.url}`" in result.stderr


def interrupted(script: Script, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `clipwise` and press Ctrl-C when the scripted server holds its stream."""
    command = [*CLIPWISE, *arguments]
    environ: dict[str, Any] = {**os.environ, "CLIPWISE_SERVER": script.url}
    with subprocess.Popen(
        command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]
    ) as process:
        assert script.held.wait(PATIENCE_SEC)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def test_ctrl_c_leaves_the_job_running(script: Script, video: Path) -> None:
    """Who stops following is told that the job goes on and how to see it; the code is 130."""
    script.streams = [([job(progress=50)], "hold")]
    result = interrupted(script, "submit", str(video))
    assert result.returncode == 130
    assert f"`clipwise show {ID}`" in result.stderr
    assert "Traceback" not in result.stderr
    assert not script.requests_to("POST", f"/v1/jobs/{ID}/cancel")


def test_help_answers_without_the_heavy_parts() -> None:
    """`clipwise --help` loads nothing that only a command needs."""
    code = "import sys, infra.cli.main; print([m for m in ('httpx', 'pydantic', 'av', 'fastapi') if m in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"


def test_a_folder_is_called_a_folder(script: Script, tmp_path: Path) -> None:
    """A user who names a folder instead of a file, or a file as the data folder, reads exactly that."""
    result = run(script, "export", ID, "--format", "md", "--output", str(tmp_path))
    assert (result.exit_code, result.stderr.strip()) == (2, f"{tmp_path}: This is a folder. Name a file.")
    result = run(script, "submit", str(tmp_path))
    assert (result.exit_code, "no media file and no URL was found" in result.stderr) == (2, True)
    file = tmp_path / "file"
    file.touch()
    result = run(script, "up", "--port", "0", "--data", str(file))
    assert result.exit_code == 2
    assert f"{file}: This is a file, or lies below one. Name a folder." in result.stderr


def test_all_invalid_settings_are_named_before_the_server_starts(script: Script) -> None:
    """A user corrects every setting at once, in place of one for each start."""
    result = run(script, "up", MAX_FILE_SIZE_MB="big", SMTP_PORT="0")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "MAX_FILE_SIZE_MB: It must be a whole number greater than 0 (got 'big')" in result.stderr
    assert "SMTP_PORT: It must be a whole number greater than 0 and at most 65535 (got '0')" in result.stderr


def test_the_version_is_printed(script: Script) -> None:
    """A bug report can name the version."""
    result = run(script, "--version")
    assert (result.exit_code, result.stdout) == (0, f"clipwise {version('clipwise')}\n")


def test_an_empty_result_is_not_just_done(script: Script, video: Path) -> None:
    """A user reads that the result is empty, why, and what would help, after `submit` and in every list."""
    empty = {"code": "not_transcribed", "message": "Nothing transcribed the audio.", "advice": "Set a key."}
    document = job("done", result={}, resultEmpty=empty)
    script.streams, script.polled = [([document], "close")], [document]
    script.pages = [{"jobs": [document], "cursor": None}]
    submitted = run(script, "submit", str(video))
    assert submitted.exit_code == 0
    assert "Empty result: Nothing transcribed the audio. Set a key." in submitted.stderr
    assert "Export:" not in submitted.stderr
    assert "done, empty" in run(script, "show", ID).stdout
    assert "done, empty" in run(script, "jobs").stdout


def test_up_opens_the_console(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The server says where its console is; with --open, the browser opens it and the server does not wait for that."""
    opened: Queue[str] = Queue()
    monkeypatch.setattr("webbrowser.open", opened.put)
    monkeypatch.setattr("os.environ", {"DISPLAY": ":0"})
    print_ready("Clipwise is ready at http://127.0.0.1:9")
    assert "Open http://127.0.0.1:9 in a browser" in capsys.readouterr().err
    assert opened.empty()
    print_ready("Clipwise is ready at http://127.0.0.1:9", open_browser=True)
    assert opened.get(timeout=PATIENCE_SEC) == "http://127.0.0.1:9"


def test_no_browser_opens_where_nobody_looks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Over SSH, in CI and without a screen, --open says that it opened nothing."""
    monkeypatch.setattr("webbrowser.open", lambda url: pytest.fail(url))
    assert has_desktop({}, "darwin")
    assert has_desktop({"WAYLAND_DISPLAY": "wayland-0"}, "linux")
    for environ in ({}, {"DISPLAY": ":0", "CI": "true"}, {"DISPLAY": ":0", "SSH_CONNECTION": "::1 1 ::1 22"}):
        assert not has_desktop(environ, "linux")
    monkeypatch.setattr("infra.cli.browser.has_desktop", lambda: False)
    print_ready("Clipwise is ready at http://127.0.0.1:9", open_browser=True)
    assert "No browser was opened" in capsys.readouterr().err
