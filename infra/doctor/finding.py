"""Findings of the checks, with advice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    GOOD = "good"
    NOTE = "note"
    PROBLEM = "problem"


@dataclass(frozen=True)
class DoctorFinding:
    """The outcome of one check.

    Attributes:
        subject: The checked item, in a word or two.
        said: The outcome.
        advice: What to do about it; "" if there is nothing to do.
    """

    level: Level
    subject: str
    said: str
    advice: str = ""


Findings = Iterator[DoctorFinding]


def good(subject: str, outcome: str) -> DoctorFinding:
    return DoctorFinding(Level.GOOD, subject, outcome)


def note(subject: str, outcome: str, advice: str = "") -> DoctorFinding:
    """Return a finding about something optional that is unavailable."""
    return DoctorFinding(Level.NOTE, subject, outcome, advice)


def problem(subject: str, outcome: str, advice: str) -> DoctorFinding:
    return DoctorFinding(Level.PROBLEM, subject, outcome, advice)


def is_healthy(findings: Iterable[DoctorFinding]) -> bool:
    return all(finding.level is not Level.PROBLEM for finding in findings)
