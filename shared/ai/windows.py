"""Analyze a video that is longer than a model's context: in windows, the results of which the model then joins."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from pydantic import BaseModel

from shared.ai.prompt import data_block, describe_video, evidence_text
from shared.analyses.evidence import MAX_TRANSCRIPT, Evidence, TimedLine
from shared.progress import Tick, tick_within

WINDOW_RULES = """
The video is too long for one request. This evidence covers only the stretch from {start:.0f} to {end:.0f} seconds;
describe that stretch. Times still count from the start of the video.
"""
JOIN_RULES = """
The video was too long for one request. `results` has a result for each stretch of it, in order of time. Make one result
of them for the whole video: join what belongs together, keep times and quotations, and add nothing.
"""


@dataclass(frozen=True)
class AnalysisWindow:
    """A stretch of a video, from `start` to `end` in seconds, with its evidence; `screen` is its on-screen text."""

    start: float
    end: float
    evidence: Evidence
    screen: Sequence[TimedLine]


RequestResult = Callable[[str, AnalysisWindow | None, str, Tick], BaseModel]
"""Returns a result for further rules, a window (None: the text alone) and the text of the evidence."""


def divide_evidence(
    evidence: Evidence, screen: Sequence[TimedLine], longest_sec: float = math.inf
) -> list[AnalysisWindow]:
    """Divide a video into windows of at most `longest_sec` seconds, with speech and text that fit into one request."""
    ends = _window_ends(evidence, screen, longest_sec)
    windows = []
    for number, (start, end) in enumerate(zip([0.0, *ends], ends, strict=False)):

        def is_inside(time: float, number: int = number) -> bool:
            return bisect_right(ends[:-1], time) == number

        part = replace(
            evidence,
            transcript=[segment for segment in evidence.transcript if is_inside(segment.start)],
            frames=[pair for pair in evidence.frames if is_inside(pair[0].time)],
        )
        windows.append(AnalysisWindow(start, end, part, [line for line in screen if is_inside(line.start)]))
    return windows


def analyze_windows(
    windows: Sequence[AnalysisWindow], evidence: Evidence, request_result: RequestResult, tick: Tick
) -> BaseModel:
    """Return the result of the only window, or the joined results of several."""
    if len(windows) == 1:
        return request_result("", windows[0], evidence_text(windows[0].evidence, windows[0].screen), tick)
    share = 1 / (len(windows) + 1)
    results = []
    for number, window in enumerate(windows):
        rules = WINDOW_RULES.format(start=window.start, end=window.end)
        text = evidence_text(window.evidence, window.screen)
        result = request_result(rules, window, text, tick_within(tick, share * number, share * (number + 1)))
        results.append(
            {"start": window.start, "end": window.end, "result": result.model_dump(mode="json", by_alias=True)}
        )
    text = data_block({**describe_video(evidence), "results": results})
    return request_result(JOIN_RULES, None, text, tick_within(tick, 1 - share, 1))


def _window_ends(evidence: Evidence, screen: Sequence[TimedLine], longest_sec: float) -> list[float]:
    """Return where the windows end, the last at the end of the video."""
    duration = evidence.info.duration_sec
    lines = sorted(
        [*((s.start, len(s.text), 0) for s in evidence.transcript), *((s.start, 0, len(s.text)) for s in screen)]
    )
    ends, start = list[float](), 0.0
    spoken = shown = 0
    for time, speech, text in lines:
        while time - start >= longest_sec:
            start = start + longest_sec
            ends.append(start)
            spoken = shown = 0
        if max(spoken + speech, shown + text) > MAX_TRANSCRIPT and time > start:
            ends.append(time)
            start, spoken, shown = time, 0, 0
        spoken, shown = spoken + speech, shown + text
    while duration - start > longest_sec:
        start = start + longest_sec
        ends.append(start)
    return [*(end for end in ends if end < duration), duration]
