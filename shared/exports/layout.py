"""Outlines as CommonMark and as pages."""

from __future__ import annotations

from collections.abc import Iterator

from shared.exports.html import escape_html, html_document
from shared.exports.outline import Outline, OutlineEntry
from shared.exports.text import escape_markdown


def outline_markdown(outline: Outline) -> str:
    facts = " · ".join(f"**{label}:** {escape_markdown(text)}" for label, text in outline.facts)
    blocks = [f"# {escape_markdown(outline.title)}", facts, *map(escape_markdown, outline.text.splitlines())]
    for section in outline.sections:
        if section.entries:
            blocks += [
                f"## {section.heading}",
                "\n".join(line for entry in section.entries for line in _entry_lines(entry)),
            ]
    return "\n\n".join(filter(None, blocks)) + "\n"


def _entry_lines(entry: OutlineEntry) -> Iterator[str]:
    label = f"**{escape_markdown(entry.label)}** " if entry.label else ""
    yield f"- {label}{escape_markdown(entry.text)}"
    yield from (f"  - {escape_markdown(detail)}" for detail in entry.details)


def outline_page(outline: Outline) -> str:
    """In one column, which fits A4 when it is printed."""
    facts = "".join(f"<li>{label} <b>{escape_html(text)}</b></li>" for label, text in outline.facts)
    body = [
        "<header>",
        f"<h1>{escape_html(outline.title)}</h1>",
        f'<ul class="facts">{facts}</ul>' if facts else "",
        "</header>",
        *(f"<p>{escape_html(line)}</p>" for line in outline.text.splitlines()),
    ]
    for section in outline.sections:
        if section.entries:
            body += [f"<h2>{section.heading}</h2>", '<ul class="entries">', *map(_entry_item, section.entries), "</ul>"]
    return html_document(escape_html(outline.title), outline.language, body)


def _entry_item(entry: OutlineEntry) -> str:
    label = f"<b>{escape_html(entry.label)}</b>" if entry.label else ""
    details = "".join(f"<p>{escape_html(detail)}</p>" for detail in entry.details)
    return f"<li>{label}{escape_html(entry.text)}{details}</li>"
