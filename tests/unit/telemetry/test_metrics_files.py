"""What the processes of the embedded place count stays readable."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from prometheus_client.mmap_dict import MmapedDict

from shared.telemetry.metrics import MULTIPROCESS_FOLDER
from tests.patience import PATIENCE_SEC

THREADS = 16
COUNT_AT_ONCE = f"""
import sys, threading
from concurrent.futures import ThreadPoolExecutor
from shared.telemetry import metrics

begin = threading.Barrier({THREADS})

def count(number):
    begin.wait()
    metrics.record_cost("openai", f"model-{{number}}", 0.5)
    metrics.record_attempt("extract", f"kind-{{number}}", "done", 1.0)

metrics.count_as("io-0")
sys.setswitchinterval(1e-6)
with ThreadPoolExecutor({THREADS}) as threads:
    list(threads.map(count, range({THREADS})))
"""


def test_threads_that_count_first_at_once_share_a_file(tmp_path: Path) -> None:
    """A worker whose first parts run at the same time counts all of them, and can read its counts again."""
    environ = os.environ | {MULTIPROCESS_FOLDER: str(tmp_path)}
    subprocess.run([sys.executable, "-P", "-c", COUNT_AT_ONCE], env=environ, check=True, timeout=PATIENCE_SEC)
    counted = list(MmapedDict.read_all_values_from_file(str(tmp_path / "counter_io-0.db")))
    assert sorted(value for _, value, _, _ in counted) == [0.5] * THREADS + [1.0] * THREADS
