"""Speakers of a transcript: one label for each, the names that the owner gives them, and both in texts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from string import ascii_uppercase
from typing import TypeVar

from shared.models.chat import PassageLine
from shared.models.video import Segment

S = TypeVar("S", Segment, PassageLine)

SEVERAL_PARTS_NOTE = (
    "The audio was transcribed in parts, and speakers were distinguished within each part: the same person can have"
    " several labels. Give these labels the same name."
)


def label_speakers(part_segments: Sequence[Sequence[Segment]]) -> list[list[Segment]]:
    """Return the segments with the labels A, B, …, AA in order of appearance.

    A speech model distinguishes speakers within a part only, so equal labels in two parts become different ones.
    """
    labels: dict[tuple[int, str], str] = {}
    return [
        [
            segment.model_copy(update={"speaker": labels.setdefault((part, segment.speaker), _label(len(labels)))})
            if segment.speaker
            else segment
            for segment in segments
        ]
        for part, segments in enumerate(part_segments)
    ]


def _label(number: int) -> str:
    """Return the label of the speaker with this number, counted as spreadsheets count columns: A … Z, AA, AB …"""
    before, letter = divmod(number, len(ascii_uppercase))
    return (_label(before - 1) if before else "") + ascii_uppercase[letter]


def drop_sole_speaker(segments: Sequence[Segment]) -> Sequence[Segment]:
    """Return the segments without speakers if there is only one, whose label would tell nothing; else as they are."""
    if len({segment.speaker for segment in segments}) > 1:
        return segments
    return [segment.model_copy(update={"speaker": None}) for segment in segments]


def name_speakers(spans: Iterable[S], names: Mapping[str, str]) -> list[S]:
    """Return the segments, or lines of a passage, with the names of the speakers that have one."""
    return [
        span.model_copy(update={"speaker": name}) if (name := names.get(span.speaker or "")) else span for span in spans
    ]


def attribute_texts(texts: Iterable[tuple[str | None, str]]) -> list[str]:
    """Return the texts of (speaker, text) pairs, each with `Speaker: ` in front where the speaker changes."""
    result: list[str] = []
    previous: str | None = None
    for speaker, text in texts:
        result.append(f"{speaker}: {text}" if speaker and speaker != previous else text)
        previous = speaker
    return result
