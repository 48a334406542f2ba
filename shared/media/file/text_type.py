"""What a text file is: pages, playlists and scripts that come in the place of media."""

from __future__ import annotations

import codecs
import re

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_BINARY = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f]")  # WHATWG MIME Sniffing, «binary data byte»
_COMMENTS = re.compile(r"(?:\s|<!--.*?-->|<\?.*?\?>|<!doctype (?!html)[^>]*>)*", re.DOTALL)

# Tried in order, on lower-case text from which leading blanks are gone.
_OPENINGS = (
    (re.compile(r"#extm3u|\[playlist\]"), "application/vnd.apple.mpegurl"),
    (re.compile(r"ffconcat\b"), "text/x-ffconcat"),
    (re.compile(r"webvtt\b"), "text/vtt"),
    (re.compile(r"\d+\s+\d\d:\d\d:\d\d,\d{3} -->"), "text/vtt"),
    (re.compile(r"[{\[]"), "application/json"),
)
_TAGS = (
    (re.compile(r"<mpd\b"), "application/dash+xml"),
    (re.compile(r"<svg\b"), "image/svg+xml"),
    (
        re.compile(
            r"<!doctype html|<(?:html|head|body|title|meta|link|script|style|iframe|table|div|font|h1|img|br|p|a|b)\b"
        ),
        "text/html",
    ),
)


def sniff_text(head: bytes) -> str | None:
    """The media type of a text that begins with `head`; None when it is not text."""
    text = _decode(head)
    if text is None or not text.strip():
        return None
    text = text.lstrip().lower()
    for opening, media_type in _OPENINGS:
        if opening.match(text):
            return media_type
    markup = _COMMENTS.sub("", text, count=1)
    for tag, media_type in _TAGS:
        if tag.match(markup):
            return media_type
    if text.startswith("<?xml"):
        return "application/xml"
    return "text/html" if text.startswith("<!--") else "text/plain"


def _decode(head: bytes) -> str | None:
    bom, encoding = next((pair for pair in _BOMS if head.startswith(pair[0])), (b"", "utf-8"))
    text = head[len(bom) :].decode(encoding, errors="replace")
    return None if _BINARY.search(text) else text
