"""What a machine and its user bring along is no part of a test."""

from __future__ import annotations

from collections.abc import MutableMapping

from infra.runtimes.process import bypass_proxies
from shared.settings import PER_KIND_PREFIX, Settings

CLIENT = {"CLIPWISE_SERVER", "CLIPWISE_TOKEN"}
TERMINAL = {"CLICOLOR_FORCE", "COLUMNS", "FORCE_COLOR", "LINES", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"}


def neutralize(environ: MutableMapping[str, str]) -> None:
    """Remove the user's settings, keys and preferences for terminals, and reach this machine without a proxy."""
    settings = set(map(str.upper, Settings.__dataclass_fields__))
    for name in list(environ):
        if name in settings | CLIENT | TERMINAL or name.startswith(PER_KIND_PREFIX):
            del environ[name]
    bypass_proxies(environ)
    # Tests have no speech model unless they choose one: most videos of tests are about something else.
    environ["SPEECH_MODEL"] = "off"
