"""Checks media processing in a separate process while a server starts, and logs what does not work."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.runtimes.embedded.parent import end_with_parent
from shared.logs import PlainFormatter, configure_logging
from shared.media.self_check import find_faults, library_versions

log = logging.getLogger(__name__)


@contextmanager
def media_check(temporary: Path) -> Iterator[None]:
    """Run the check in the background, with `temporary` for its files; it ends with the context at the latest."""
    # Not in the server: libraries that are broken may take their process down, and sound ones stay in its memory.
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", f"from {__name__} import main; main()"],
        stdin=subprocess.PIPE,
        env=os.environ | {"TMPDIR": str(temporary)},
        start_new_session=True,
    )
    assert process.stdin  # noqa: S101 (it is a pipe)
    # Whatever nobody waits for stays in the system's table of processes.
    threading.Thread(target=process.wait, daemon=True).start()
    try:
        yield
    finally:
        process.stdin.close()


def main() -> None:
    configure_logging(PlainFormatter(), logging.INFO)
    end_with_parent()
    # The server and its workers come first.
    os.nice(10)
    for fault in find_faults():
        log.error(
            "videos cannot be processed on this machine: %s; installed: %s. To fix it, %s",
            fault,
            library_versions(),
            fault.advice,
        )
