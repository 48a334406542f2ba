"""Pages that fit the context of an assistant."""

from __future__ import annotations

import re
from typing import Annotated, Any

from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

PAGE_CHARACTERS = 12_000
"""Maximum text of a result, in characters: about 3,000 tokens."""
LINE_OVERHEAD = 40
"""Characters of a transcript's line besides its text: field names and times."""
_ID = re.compile("[0-9a-f]{32}")

Id = Annotated[str, Field(pattern="^[0-9a-f]{32}$", description="An id as another tool returned it.")]
Cursor = Annotated[
    str | None, Field(max_length=2000, description="The next_cursor of the page before. Omit it for the first page.")
]
Offset = Annotated[
    int, Field(ge=0, le=100_000_000, description="The next_offset of the page before. 0 for the first page.")
]


def cut(text: str | None, limit: int) -> str | None:
    """Return the text, cut to `limit` characters with an ellipsis."""
    return text if text is None or len(text) <= limit else text[: limit - 1] + "…"


def text_page(text: str, offset: int) -> dict[str, Any]:
    """Return a page of the text from `offset` on, which ends at the end of a line if there is one."""
    end = offset + PAGE_CHARACTERS
    if end < len(text):
        end = text.rfind("\n", offset + 1, end) + 1 or end
    next_offset = end if end < len(text) else None
    return {"text": text[offset:end], "total_characters": len(text), "next_offset": next_offset}


def line_page(segments: list[dict[str, Any]], first: int) -> tuple[list[dict[str, Any]], int | None]:
    """Return the lines of a transcript from segment `first` on that fit a page, and the number of the next segment."""
    lines: list[dict[str, Any]] = []
    size = 0
    for number, segment in enumerate(segments[first:], start=first):
        text = cut(segment["text"].strip(), PAGE_CHARACTERS) or ""
        size += len(text) + LINE_OVERHEAD
        if lines and size > PAGE_CHARACTERS:
            return lines, number
        lines.append({"seconds": round(segment["start"], 2), "speaker": segment.get("speaker"), "text": text})
    return lines, None


def check_id(text: str) -> str:
    """Return an id from a URI; raises ToolError if it does not have the form of one."""
    if not _ID.fullmatch(text):
        raise ToolError("This is not an id of Clipwise.")
    return text
