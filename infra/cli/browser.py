"""Opens the console in the user's browser, where there is one to look at."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

REMOTE = ("CI", "SSH_CONNECTION", "SSH_TTY")
"""Variables of a shell whose user does not sit before this machine's screen."""
DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY")


def has_desktop(environ: Mapping[str, str] | None = None, platform: str = sys.platform) -> bool:
    """Return True if a window that opens here is one that the user sees."""
    environ = os.environ if environ is None else environ
    if any(environ.get(name) for name in REMOTE):
        return False
    return platform in ("darwin", "win32") or any(environ.get(name) for name in DISPLAYS)


def open_in_browser(url: str) -> bool:
    """Open a page in the user's browser, without waiting for it; returns False where there is no desktop."""
    import webbrowser
    from threading import Thread

    if not has_desktop():
        return False
    # Some browsers return only when they are closed.
    Thread(target=webbrowser.open, args=(url,), daemon=True).start()
    return True
