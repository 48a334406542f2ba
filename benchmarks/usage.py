"""What this process used, and those that it started and waited for."""

from __future__ import annotations

import re
import resource
import sys
from pathlib import Path

STATUS = Path("/proc/self/status")


def peak_memory_mb() -> float:
    """Return the most memory that this process had until now.

    On Linux, `ru_maxrss` also counts what the process was before it ran this program: a copy of its parent.
    """
    if STATUS.exists() and (peak := re.search(r"^VmHWM:\s+(\d+) kB", STATUS.read_text(), re.MULTILINE)):
        return int(peak[1]) / 1000
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def ended_children_seconds() -> float:
    """Return the processor time of all processes that ended, with those that they waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
