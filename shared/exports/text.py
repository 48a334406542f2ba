"""Foreign text, made fit to stand in a document: titles and captions are written by strangers."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote

_JOINERS = "\u200c\u200d"  # invisible, but some scripts and emoji need them
_MARKS = re.compile(r"([\\`*_{}\[\]<>#|~!&])")
_BEGINS_BLOCK = re.compile(r"^(\d+(?=[.)])|(?=[-+=]))")


def plain_text(text: str) -> str:
    """On one line, without control characters and what turns text around."""
    words = " ".join(text.split())
    return "".join(sign for sign in words if sign in _JOINERS or unicodedata.category(sign)[0] != "C")


def escape_markdown(text: str) -> str:
    """The same words in CommonMark, whatever stands in them."""
    return _BEGINS_BLOCK.sub(r"\1\\", _MARKS.sub(r"\\\1", plain_text(text)))


def safe_url(url: str | None) -> str | None:
    """An address of the web with nothing in it that ends it in a document; None for a script, a file or nothing."""
    if url is None or not url.lower().startswith(("http://", "https://")):
        return None
    return quote(plain_text(url), safe="%/:?#[]@!$&'()*+,;=~")
