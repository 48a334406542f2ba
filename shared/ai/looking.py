"""What is found out about a video before an AI is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from shared.ai.provider import Evidence, Line, Tick
from shared.analyses.kinds import Kind

if TYPE_CHECKING:
    from shared.ai.offline.screen.line import Screen


def looked_at(kind: Kind, evidence: Evidence, language: str, tick: Tick) -> tuple[Evidence, Sequence[Line]]:
    """The evidence with what the kind measures, and the words on the screen with their times, handles last.

    Raises what `read_screen` does.
    """
    if not evidence.samples:
        return measured(kind, evidence, []), []
    screen = screen_of(evidence, language, tick)
    return measured(kind, evidence, screen.lines), [*screen.lines, *screen.handles]


def screen_of(evidence: Evidence, language: str, tick: Tick) -> Screen:
    """What stands on the screen. It is read once, however many providers stand in for each other."""
    from shared.ai.offline.screen.reader import read_screen

    if language not in evidence.screens:
        evidence.screens[language] = read_screen(evidence.samples, language, tick)
    screen: Screen = evidence.screens[language]
    return screen


def measured(kind: Kind, evidence: Evidence, screen: Sequence[Line]) -> Evidence:
    """`screen` is without watermarks and account names, which the platform puts there."""
    return replace(evidence, measured=kind.measure(evidence, screen)) if kind.measure else evidence
