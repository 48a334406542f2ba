"""The server that the demo starts, and its log."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from infra.cli.demo import ServerStartError, last_error, run_embedded_server


def test_the_server_answers_and_is_stopped_whatever_happens(tmp_path: Path) -> None:
    """While the demo runs its server answers; when the demo breaks off it is gone."""
    with suppress(KeyboardInterrupt), run_embedded_server(tmp_path / "data", tmp_path / "log") as wait_for_url:
        url = wait_for_url()
        with httpx.Client(trust_env=False) as client:
            assert client.get(f"{url}/healthz").status_code == 200
        raise KeyboardInterrupt
    with pytest.raises(httpx.ConnectError), httpx.Client(trust_env=False) as client:
        client.get(f"{url}/healthz")


def test_a_folder_that_is_served_already_is_told(tmp_path: Path) -> None:
    """When `clipwise up` serves the same folder, the demo says so instead of disturbing it."""
    with run_embedded_server(tmp_path / "data", tmp_path / "log") as wait_for_url:
        wait_for_url()
        with (
            run_embedded_server(tmp_path / "data", tmp_path / "other.log") as wait_in_vain,
            pytest.raises(ServerStartError, match="another Clipwise server uses"),
        ):
            wait_in_vain()


LOG = """2026-02-03T04:05:06.789Z INFO shared.pipeline.contract: attempt 1 begins [job=j stage=extract]
2026-02-03T04:05:06.789Z ERROR shared.pipeline.contract: attempt failed [job=j incident=1f]
Traceback (most recent call last):
  File "a.py", line 1, in f
    g()
ValueError: not a number

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "a.py", line 2, in f
    g(1)
    ~^^^
TypeError: wrong
and its second line
2026-02-03T04:05:06.789Z INFO shared.pipeline.contract: nothing to do [job=j]
2026-02-03T04:05:06.789Z WARNING shared.media: odd
Traceback (most recent call last):
  File "a.py", line 3, in f
KeyError: 1
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "server.log"


def test_the_last_error_is_shown_without_its_traceback(log: Path) -> None:
    """Of pages of log, a user reads what failed, under which incident, and the error that was raised in the end."""
    log.write_text(LOG)
    assert last_error(log) == ("ERROR shared.pipeline.contract: attempt failed [job=j incident=1f]\nTypeError: wrong")


def test_an_error_without_a_traceback_is_shown_whole(log: Path) -> None:
    """A sentence that was logged as an error is shown as it is, and only the last one."""
    log.write_text(LOG + "2026-02-03T04:05:07.000Z ERROR infra.runtimes.embedded: reading a video does not work\n")
    assert last_error(log) == "ERROR infra.runtimes.embedded: reading a video does not work"


@pytest.mark.parametrize("text", ["", "2026-02-03T04:05:06.789Z INFO a: ERROR in a message\n", "\x00\xff"])
def test_a_log_without_an_error_has_none(log: Path, text: str) -> None:
    """Nothing is made up where there is no error."""
    log.write_bytes(text.encode("latin-1"))
    assert last_error(log) is None
