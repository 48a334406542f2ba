"""The scripts of YouTube's players, which yt-dlp runs in Deno to get the addresses of videos.

Deno grants a script no network, files, environment or other programs unless it is started with such permissions, and
yt-dlp gives it none. Here it also gets no environment variables, and limits of time and memory.
"""

from __future__ import annotations

import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from yt_dlp.extractor.youtube.jsc import _builtin  # noqa: F401  # registers its providers, which are replaced below
from yt_dlp.extractor.youtube.jsc._builtin.deno import DenoJCP
from yt_dlp.extractor.youtube.jsc._registry import _jsc_preferences, _jsc_providers
from yt_dlp.extractor.youtube.jsc.provider import JsChallengeProviderError

TIMEOUT_SEC = 30.0
"""A player's script takes about a second."""
MAX_HEAP_MB = 512
MAX_OUTPUT_CHARACTERS = 10_000_000


@cache
def deno_path() -> str | None:
    """Return the path of Deno, from its package; None on platforms without one."""
    try:
        from deno import find_deno_bin

        return str(find_deno_bin())
    except (ImportError, FileNotFoundError):
        return None


def script_runtimes() -> dict[str, dict[str, str]]:
    """Return yt-dlp's option `js_runtimes`."""
    path = deno_path()
    return {"deno": {"path": path}} if path else {}


class BoundedDenoJCP(DenoJCP):  # type: ignore[misc]  # yt-dlp has no types
    """Runs a script within limits, in an empty environment."""

    def _run_deno(self, stdin: str, options: list[str]) -> str:
        command = [self.runtime_info.path, "run", *options, f"--v8-flags=--max-old-space-size={MAX_HEAP_MB}", "-"]
        with tempfile.TemporaryDirectory() as cache_folder:
            environment = {"DENO_DIR": cache_folder, "DENO_NO_UPDATE_CHECK": "1", "NO_COLOR": "1"}
            try:
                done = subprocess.run(  # the program is a dependency, the script comes by stdin
                    command,
                    input=stdin,
                    capture_output=True,
                    text=True,
                    env=environment,
                    cwd=Path(cache_folder),
                    timeout=TIMEOUT_SEC,
                    check=False,
                )
            except (OSError, subprocess.TimeoutExpired) as error:
                raise JsChallengeProviderError("Deno did not finish the script") from error
        if done.returncode or done.stderr.strip() or len(done.stdout) > MAX_OUTPUT_CHARACTERS:
            raise JsChallengeProviderError(f"Deno failed with status {done.returncode}: {done.stderr[:500]}")
        return done.stdout


def use_bounded_runtime() -> None:
    """Make `BoundedDenoJCP` yt-dlp's only runtime; without it, yt-dlp would fall back to others on this machine."""
    providers: dict[str, Any] = {BoundedDenoJCP.PROVIDER_KEY: BoundedDenoJCP}
    _jsc_providers.value = providers
    _jsc_preferences.value = set()
