"""Errors of the emulated environment."""

from __future__ import annotations


class EmulatorsUnavailable(RuntimeError):
    """An emulator, or the Java it needs, is not on this machine or does not start; the message says what to do."""
