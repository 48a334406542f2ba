"""Checks media processing with a small video."""

from __future__ import annotations

from infra.doctor.finding import Findings, good, problem
from shared.media.self_check import find_faults, library_versions


def check_media() -> Findings:
    subject = "media"
    faults = find_faults()
    for fault in faults:
        yield problem(subject, f"{fault}; installed: {library_versions()}", fault.advice)
    if not faults:
        yield good(subject, f"a two-frame clip was processed with {library_versions()}")
