"""Safe text and links for Markdown and HTML documents, and the HTML page around them.

Titles and captions are untrusted input: their authors may try to inject markup.
"""

from __future__ import annotations

import re
import unicodedata
from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256
from html import escape
from urllib.parse import quote

_ALLOWED_CONTROLS = "\n\u200c\u200d"
"""Line breaks, and the invisible joiners that some scripts and emoji need."""
_LINK_MARKS = re.compile(r"([\\`\[\]<>])")
_MARKS = re.compile(r"([\\`*_{}\[\]<>#|~!&])")
_BEGINS_BLOCK = re.compile(r"^(\d+(?=[.)])|(?=[-+=]))")
STYLE = """
@page { size: A4; margin: 18mm 20mm; }
* { box-sizing: border-box; }
:root { color-scheme: light dark; --ink: #1d1d1b; --quiet: #55504b; --paper: #fff; --accent: #b4512a; --line: #e6ddd6; }
@media screen and (prefers-color-scheme: dark) {
  :root { --ink: #f2eeea; --quiet: #b1a79e; --paper: #151311; --accent: #ff9d66; --line: #38322d; } }
html { background: var(--paper); }
body { margin: 0 auto; padding: 2rem 1.25rem; max-width: 44rem; color: var(--ink);
  font: 11pt/1.45 Charter, "Bitstream Charter", "Noto Serif", "DejaVu Serif", Georgia, serif; overflow-wrap: anywhere; }
header { display: flow-root; border-bottom: 1.5pt solid var(--accent); padding-bottom: 1rem; }
header img { float: inline-end; max-width: 38mm; max-height: 50mm; margin-inline-start: 1.5rem; border-radius: 2mm; }
h1 { font-size: 25pt; line-height: 1.15; margin: 0 0 .5rem; font-weight: 600; }
h2 { font-size: 14pt; margin: 1.3rem 0 .5rem; color: var(--accent); font-weight: 600; break-after: avoid; }
h3 { font-size: 11pt; margin: 1rem 0 .3rem; font-style: italic; font-weight: 600; break-after: avoid; }
p { margin: .4rem 0; orphans: 3; widows: 3; }
.facts { display: flex; flex-wrap: wrap; gap: .2rem 1.5rem; margin: .8rem 0 0; padding: 0; list-style: none; }
.facts b, .amount { font-weight: 600; }
.ingredients { margin: 0; padding: 0; list-style: none; }
.ingredients li { display: grid; grid-template-columns: 6.5rem 1fr; gap: 1rem; padding: .18rem 0;
  border-bottom: .5pt solid var(--line); break-inside: avoid; }
.amount { text-align: end; font-variant-numeric: tabular-nums; }
ol { margin: 0; padding-inline-start: 1.9rem; }
ol li { padding-inline-start: .4rem; margin: .45rem 0; break-inside: avoid; }
ol li::marker { color: var(--accent); font-weight: 600; }
.line, .notes { margin: 0; padding: 0; list-style: none; }
.notes { font-size: 9.5pt; }
.line li { display: inline; }
.line li + li::before { content: "· "; color: var(--accent); }
.entries { margin: 0; padding: 0; list-style: none; }
.entries li { padding: .25rem 0; border-bottom: .5pt solid var(--line); break-inside: avoid; }
.entries b { font-weight: 600; margin-inline-end: .4rem; }
.entries p { margin: .1rem 0 0 1.2rem; font-size: 10pt; color: var(--quiet); }
footer { margin-top: 2rem; padding-top: .6rem; border-top: .5pt solid var(--line); font-size: 9pt;
  color: var(--quiet); }
a { color: inherit; }
@media print { body { padding: 0; max-width: none; } }
"""
_STYLE_HASH = b64encode(sha256(STYLE.encode()).digest()).decode()
PAGE_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; sandbox"
)
"""Content-Security-Policy of the page: allows its own style and embedded picture, and nothing else."""


def plain_text(text: str) -> str:
    """Return the text on one line, without control characters and bidirectional overrides."""
    return clean_text(" ".join(text.split()))


def clean_text(text: str) -> str:
    """Return the text without control characters, except line breaks, and without bidirectional overrides."""
    if text.isprintable():
        return text
    return "".join(sign for sign in text if sign in _ALLOWED_CONTROLS or unicodedata.category(sign)[0] != "C")


def escape_links(text: str) -> str:
    """Escape text for Markdown, so that it contains no link, picture, HTML or code; emphasis and lists stay."""
    return _LINK_MARKS.sub(r"\\\1", clean_text(text))


def escape_markdown(text: str) -> str:
    """Escape text for CommonMark, so that none of it is markup."""
    return _BEGINS_BLOCK.sub(r"\1\\", _MARKS.sub(r"\\\1", plain_text(text)))


def escape_html(text: str) -> str:
    """Escape text for HTML, so that none of it is markup."""
    return escape(plain_text(text))


def safe_url(url: str | None) -> str | None:
    """Return an http or https URL, percent-encoded for a document; None for any other scheme and for no URL."""
    if url is None or not url.lower().startswith(("http://", "https://")):
        return None
    return quote(plain_text(url), safe="%/:?#[]@!$&'()*+,;=~")


def html_document(title: str, language: str | None, body: Iterable[str]) -> str:
    """Return a complete page. `title` and `body` are HTML; empty parts of `body` are omitted."""
    head = [
        "<!DOCTYPE html>",
        f'<html lang="{escape_html(language or "")}">',
        '<head><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
        f"<title>{title}</title>",
        f"<style>{STYLE}</style></head>",
        '<body dir="auto"><main>',
    ]
    return "\n".join(filter(None, [*head, *body, "</main></body></html>"])) + "\n"
