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
class Finding:
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


Findings = Iterator[Finding]


def good(subject: str, said: str) -> Finding:
    return Finding(Level.GOOD, subject, said)


def note(subject: str, said: str, advice: str = "") -> Finding:
    """Return a finding about something optional that is unavailable."""
    return Finding(Level.NOTE, subject, said, advice)


def problem(subject: str, said: str, advice: str) -> Finding:
    return Finding(Level.PROBLEM, subject, said, advice)


def healthy(findings: Iterable[Finding]) -> bool:
    return all(finding.level is not Level.PROBLEM for finding in findings)
