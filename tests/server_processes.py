"""The processes below a `clipwise up`."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from tests.server import descendants

FORK_SERVER = b"infra.runtimes.embedded.fork_server"


def fork_server_of(pid: int) -> int:
    """The process that starts the workers of a server."""
    return next(each for each in descendants(pid) if FORK_SERVER in _words(each) and _parent(each) == pid)


def workers_of(pid: int) -> list[int]:
    """The worker processes of a server at this moment."""
    return _copies_below(pid, 1)


def lease_keepers_of(pid: int) -> list[int]:
    """The processes that renew the leases of a server's CPU-bound workers at this moment."""
    return _copies_below(pid, 2)


def _copies_below(pid: int, depth: int) -> list[int]:
    """The forks of the fork server that are so many generations younger."""
    generation = [each for each in descendants(pid) if FORK_SERVER in _words(each) and _parent(each) == pid]
    for _ in range(depth):
        generation = [each for each in descendants(pid) if FORK_SERVER in _words(each) and _parent(each) in generation]
    return generation


def _words(pid: int) -> list[bytes]:
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    return []


def _parent(pid: int) -> int:
    with suppress(FileNotFoundError, ProcessLookupError):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return 0
