"""Arithmetic that takes denormal numbers as zero, on processors that are slow with them.

Two of the 83 convolutions in PP-OCRv6's detector multiply numbers below 1e-38: on x86-64 they took three quarters of
its time. ONNX Runtime's option `session.set_denormal_as_zero` holds only for the thread that opens the first session
of a process, whoever opens it.
"""

from __future__ import annotations

import ctypes
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager

IS_SUPPORTED = sys.platform == "linux" and platform.machine() == "x86_64"
"""ARM processors are not slow with these numbers."""
WORDS, MXCSR = 8, 7
"""32-bit words of `fenv_t` on Linux for x86-64, and the index of the register that controls SSE and AVX."""
FLUSH_TO_ZERO, DENORMALS_ARE_ZERO = 1 << 15, 1 << 6
"""Bits of MXCSR, for results and for operands (Intel's manual, volume 1, 10.2.3)."""


@contextmanager
def denormals_as_zero() -> Iterator[None]:
    """Take denormal numbers as zero in this thread."""
    if not IS_SUPPORTED:
        yield
        return
    library = ctypes.CDLL(None)
    environment = (ctypes.c_uint32 * WORDS)()
    library.fegetenv(environment)
    before = environment[MXCSR]
    environment[MXCSR] = before | FLUSH_TO_ZERO | DENORMALS_ARE_ZERO
    library.fesetenv(environment)
    try:
        yield
    finally:
        environment[MXCSR] = before
        library.fesetenv(environment)
