"""`clipwise doctor`: prints the findings as text or JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict

import typer
from rich.text import Text

from infra.cli.session import console
from infra.doctor.finding import Finding, Level, healthy

STYLES = {Level.GOOD: "green", Level.NOTE: "yellow", Level.PROBLEM: "bold red"}
MARKS = {Level.GOOD: "ok  ", Level.NOTE: "note", Level.PROBLEM: "BAD "}


def report(findings: Iterable[Finding], as_json: bool) -> int:
    """Print the findings as they arrive; returns the exit code: 0, or 1 if there is a problem."""
    out, all = console(sys.stdout), []
    for finding in findings:
        all.append(finding)
        if not as_json:
            line = Text.assemble((MARKS[finding.level], STYLES[finding.level]), f" {finding.subject}: {finding.said}")
            if finding.advice:
                line.append(f"\n     → {finding.advice}", style="dim" if finding.level is Level.NOTE else "")
            out.print(line, soft_wrap=True)
    fine = healthy(all)
    if as_json:
        typer.echo(json.dumps({"healthy": fine, "findings": [asdict(finding) for finding in all]}, indent=2))
    else:
        problems = sum(finding.level is Level.PROBLEM for finding in all)
        out.print(Text("\nNo problems found." if fine else f"\nProblems found: {problems}."))
    return 0 if fine else 1
