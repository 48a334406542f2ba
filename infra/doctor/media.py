"""Examines the media part: whether a small video gets through what every user's video has to."""

from __future__ import annotations

from infra.doctor.finding import Findings, good, problem
from shared.media.self_check import find_faults, versions


def check_media() -> Findings:
    subject = "media"
    faults = find_faults()
    for fault in faults:
        yield problem(subject, f"{fault}; in use: {versions()}", fault.advice)
    if not faults:
        yield good(subject, f"a clip of two frames was read with {versions()}")
