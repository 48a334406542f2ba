"""Outlines as CommonMark and as pages."""

from __future__ import annotations

from collections.abc import Iterator

from shared.exports.html import html_document, safe
from shared.exports.outline import Entry, Outline
from shared.exports.text import commonmark


def outline_markdown(outline: Outline) -> str:
    facts = " · ".join(f"**{label}:** {commonmark(text)}" for label, text in outline.facts)
    blocks = [f"# {commonmark(outline.title)}", facts, *map(commonmark, outline.text.splitlines())]
    for section in outline.sections:
        if section.entries:
            blocks += [f"## {section.heading}", "\n".join(line for one in section.entries for line in _lines(one))]
    return "\n\n".join(filter(None, blocks)) + "\n"


def _lines(entry: Entry) -> Iterator[str]:
    label = f"**{commonmark(entry.label)}** " if entry.label else ""
    yield f"- {label}{commonmark(entry.text)}"
    yield from (f"  - {commonmark(detail)}" for detail in entry.details)


def outline_page(outline: Outline) -> str:
    """In one column, which fits A4 when it is printed."""
    facts = "".join(f"<li>{label} <b>{safe(text)}</b></li>" for label, text in outline.facts)
    body = [
        "<header>",
        f"<h1>{safe(outline.title)}</h1>",
        f'<ul class="facts">{facts}</ul>' if facts else "",
        "</header>",
        *(f"<p>{safe(line)}</p>" for line in outline.text.splitlines()),
    ]
    for section in outline.sections:
        if section.entries:
            body += [f"<h2>{section.heading}</h2>", '<ul class="entries">', *map(_item, section.entries), "</ul>"]
    return html_document(safe(outline.title), outline.language, body)


def _item(entry: Entry) -> str:
    label = f"<b>{safe(entry.label)}</b>" if entry.label else ""
    details = "".join(f"<p>{safe(detail)}</p>" for detail in entry.details)
    return f"<li>{label}{safe(entry.text)}{details}</li>"
