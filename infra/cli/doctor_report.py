"""`clipwise doctor`: prints the findings as text or JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict

import typer
from rich.text import Text

from infra.cli.session import open_console
from infra.doctor.finding import DoctorFinding, Level, is_healthy

STYLES = {Level.GOOD: "green", Level.NOTE: "yellow", Level.PROBLEM: "bold red"}
MARKS = {Level.GOOD: "ok  ", Level.NOTE: "note", Level.PROBLEM: "BAD "}


def print_findings(findings: Iterable[DoctorFinding], as_json: bool) -> int:
    """Print the findings as they arrive; returns the exit code: 0, or 1 if there is a problem."""
    out, collected = open_console(sys.stdout), []
    for finding in findings:
        collected.append(finding)
        if not as_json:
            line = Text.assemble((MARKS[finding.level], STYLES[finding.level]), f" {finding.subject}: {finding.said}")
            if finding.advice:
                line.append(f"\n     → {finding.advice}", style="dim" if finding.level is Level.NOTE else "")
            out.print(line, soft_wrap=True)
    is_fine = is_healthy(collected)
    if as_json:
        typer.echo(json.dumps({"healthy": is_fine, "findings": [asdict(finding) for finding in collected]}, indent=2))
    else:
        problems = sum(finding.level is Level.PROBLEM for finding in collected)
        out.print(Text("\nNo problems found." if is_fine else f"\nProblems found: {problems}."))
    return 0 if is_fine else 1
