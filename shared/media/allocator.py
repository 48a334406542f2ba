"""How the C library keeps the memory of pictures and of long lists of packets."""

from __future__ import annotations

import ctypes
from functools import cache

_M_MMAP_THRESHOLD = -3
_LARGE_BYTES = 256 * 1024


@cache
def map_large_buffers() -> None:
    """Have buffers above 256 KB, such as pictures, returned to the system when they are freed, where glibc is used.

    Once a large buffer was freed, glibc would put all later ones on heaps, one for each thread, which keep what is
    freed.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
