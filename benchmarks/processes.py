"""What a tree of processes uses, as /proc has it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.server import descendants

TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """Of a process and all below it, with those that ended and were waited for."""
    fields = [stat.rpartition(")")[2].split() for stat in _told(pid, "stat")]
    return sum(int(used) for of in fields for used in of[11:15]) / TICK


def own_cpu_seconds(pid: int) -> float:
    """Of one process alone."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / TICK


def memory_mb(pid: int) -> float:
    """Of a process and all below it at this moment; what several share counts once."""
    shares = [re.search(r"^Pss:\s+(\d+) kB", told, re.MULTILINE) for told in _told(pid, "smaps_rollup")]
    return sum(int(share[1]) for share in shares if share) / 1000


def _told(pid: int, name: str) -> Iterator[str]:
    for each in [pid, *descendants(pid)]:
        try:
            yield Path(f"/proc/{each}/{name}").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended meanwhile


@dataclass(frozen=True)
class ProcessUse:
    """What one process holds."""

    name: str
    rss_mb: float
    threads: int
    descriptors: int


def process_uses(pid: int) -> Iterator[ProcessUse]:
    """Of a process and all below it, one by one."""
    for each in [pid, *descendants(pid)]:
        proc = Path(f"/proc/{each}")
        try:
            status = (proc / "status").read_text()
            words = (proc / "cmdline").read_bytes().decode().split("\0")
            descriptors = len(list((proc / "fd").iterdir()))
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended meanwhile
        rss, threads = (re.search(rf"^{field}:\s+(\d+)", status, re.MULTILINE) for field in ("VmRSS", "Threads"))
        if rss and threads:
            yield ProcessUse(_short_name(words), int(rss[1]) / 1000, int(threads[1]), descriptors)


def _short_name(words: list[str]) -> str:
    if "up" in words:
        return "server"
    for part, name in (("fork_server", "worker"), ("lease_keeper", "keeper")):
        if any(part in word for word in words):
            return name
    return "other"
