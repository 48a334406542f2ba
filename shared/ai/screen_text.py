"""What Clipwise finds out about a video itself, before any model gets it: on-screen text and measures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from shared.analyses.evidence import Evidence, TimedLine
from shared.analyses.kinds import Kind
from shared.progress import Tick

if TYPE_CHECKING:
    from shared.ai.screen.line import ScreenText


def measure_evidence(kind: Kind, evidence: Evidence, language: str, tick: Tick) -> tuple[Evidence, Sequence[TimedLine]]:
    """Add the kind's measures to the evidence; return it with the on-screen text and its times, handles last.

    Raises what `read_screen` does.
    """
    if not evidence.samples:
        return add_measures(kind, evidence, []), []
    screen = read_screen_once(evidence, language, tick)
    return add_measures(kind, evidence, screen.lines), [*screen.lines, *screen.handles]


def read_screen_once(evidence: Evidence, language: str, tick: Tick) -> ScreenText:
    """The on-screen text. It is read once, however many providers are tried."""
    from shared.ai.screen.reader import read_screen

    if language not in evidence.screens:
        evidence.screens[language] = read_screen(evidence.samples, language, tick)
    screen: ScreenText = evidence.screens[language]
    return screen


def add_measures(kind: Kind, evidence: Evidence, screen: Sequence[TimedLine]) -> Evidence:
    """Add what the kind measures; `screen` lacks watermarks and account names, which the platform puts there."""
    return replace(evidence, measured=kind.measure(evidence, screen)) if kind.measure else evidence
