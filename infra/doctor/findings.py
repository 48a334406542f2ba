"""Findings of the checks, with advice, and their report as text or JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum

import typer
from rich.console import Console
from rich.text import Text


class Level(StrEnum):
    GOOD = "good"
    NOTE = "note"
    PROBLEM = "problem"


STYLES = {Level.GOOD: "green", Level.NOTE: "yellow", Level.PROBLEM: "bold red"}
MARKS = {Level.GOOD: "ok  ", Level.NOTE: "note", Level.PROBLEM: "BAD "}


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


def print_findings(out: Console, findings: Iterable[DoctorFinding], as_json: bool) -> int:
    """Print the findings to `out` as they arrive, or as JSON; returns the exit code: 0, or 1 if one is a problem."""
    collected = []
    for finding in findings:
        collected.append(finding)
        if not as_json:
            out.print(format_finding(finding), soft_wrap=True)
    healthy = is_healthy(collected)
    if as_json:
        typer.echo(json.dumps({"healthy": healthy, "findings": [asdict(finding) for finding in collected]}, indent=2))
    else:
        problems = sum(finding.level is Level.PROBLEM for finding in collected)
        out.print(Text("\nNo problems found." if healthy else f"\nProblems found: {problems}."))
    return 0 if healthy else 1


def format_finding(finding: DoctorFinding) -> Text:
    line = Text.assemble((MARKS[finding.level], STYLES[finding.level]), f" {finding.subject}: {finding.said}")
    if finding.advice:
        line.append(f"\n     → {finding.advice}", style="dim" if finding.level is Level.NOTE else "")
    return line
