"""What an examination finds, and what is to be done about it."""

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
    """One thing that was looked at.

    Attributes:
        subject: What was looked at, in a word or two.
        said: What is the case.
        advice: What to do about it; "" when there is nothing to do.
    """

    level: Level
    subject: str
    said: str
    advice: str = ""


Findings = Iterator[Finding]


def good(subject: str, said: str) -> Finding:
    return Finding(Level.GOOD, subject, said)


def note(subject: str, said: str, advice: str = "") -> Finding:
    """Nothing is wrong, but something is not to be had."""
    return Finding(Level.NOTE, subject, said, advice)


def problem(subject: str, said: str, advice: str) -> Finding:
    return Finding(Level.PROBLEM, subject, said, advice)


def healthy(findings: Iterable[Finding]) -> bool:
    return all(finding.level is not Level.PROBLEM for finding in findings)
