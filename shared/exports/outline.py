"""A document before it is laid out: headings, and entries below them."""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.exports.facts import Fact


@dataclass(frozen=True)
class OutlineEntry:
    """`label` is a time or a name, perhaps empty; `details` stand below the text."""

    label: str
    text: str
    details: tuple[str, ...] = ()


@dataclass(frozen=True)
class OutlineSection:
    heading: str
    entries: list[OutlineEntry]


@dataclass(frozen=True)
class Outline:
    """Sections without entries are not shown.

    Attributes:
        language: BCP-47 tag.
        text: Paragraphs, a line each.
    """

    title: str
    language: str | None
    facts: list[Fact] = field(default_factory=list)
    text: str = ""
    sections: list[OutlineSection] = field(default_factory=list)


def format_time(seconds: float) -> str:
    """`1:05`, or `1:02:03` from an hour on."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def plain_entries(texts: list[str]) -> list[OutlineEntry]:
    return [OutlineEntry("", text) for text in texts]
