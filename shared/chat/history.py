"""The chat history of a user: stored questions and answers, and their export as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from shared.models.chat import ChatMessage, Citation
from shared.platform.documents import iterate_query
from shared.platform.ports import Documents, Filter, Order

MESSAGES = "messages"
PAGE = 100
COLUMNS = ("time", "role", "content", "citations")
BOM = "\ufeff"
"""Marks a file as UTF-8 for spreadsheets."""
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""Characters with which a formula starts in a spreadsheet (OWASP, CSV injection)."""


def subject_filters(group_id: str | None, video_id: str | None) -> list[Filter]:
    """Return the filters for the messages about a group, about a video, or with neither about the whole library."""
    if group_id:
        return [("groupId", "==", group_id)]
    if video_id:
        return [("videoId", "==", video_id)]
    return [("videoId", "==", None), ("groupId", "==", None)]


def store_message(documents: Documents, message: ChatMessage) -> None:
    documents.create(MESSAGES, message.id, message.to_document())


def list_messages(
    documents: Documents, owner: str, subject: Sequence[Filter], limit: int, cursor: str | None
) -> tuple[list[ChatMessage], str | None]:
    """Return a page, newest first, and the cursor of the next one. Raises PermanentError `bad_cursor`."""
    page = documents.query(MESSAGES, [("owner", "==", owner), *subject], [("createdAt", "desc")], limit, cursor)
    return [ChatMessage.read(document.data) for document in page.documents], page.cursor


def delete_messages(documents: Documents, owner: str, subject: Sequence[Filter]) -> None:
    while batch := documents.query(MESSAGES, [("owner", "==", owner), *subject], limit=PAGE).documents:
        for document in batch:
            documents.delete(MESSAGES, document.id)


def export_csv(documents: Documents, owner: str, subject: Sequence[Filter]) -> Iterator[bytes]:
    """Yield all messages as CSV (RFC 4180) in UTF-8, oldest first, page by page."""
    yield (BOM + csv_row(COLUMNS)).encode()
    order: list[Order] = [("createdAt", "asc")]
    messages = iterate_query(documents, MESSAGES, [("owner", "==", owner), *subject], order)
    while batch := list(islice(messages, PAGE)):
        yield "".join(csv_row(csv_cells(ChatMessage.read(document.data))) for document in batch).encode()


def csv_cells(message: ChatMessage) -> list[str]:
    time = message.created_at.isoformat(timespec="seconds").replace("+00:00", "Z")
    return [time, message.role, message.content, "\n".join(map(format_citation, message.citations))]


def format_citation(citation: Citation) -> str:
    """Return the citation as `[1] Soup, 1:05–1:40: “Boil it.”`."""
    title = citation.title or citation.video_id
    return f"[{citation.number}] {title}, {clock_time(citation.start)}–{clock_time(citation.end)}: “{citation.quote}”"


def clock_time(seconds: float) -> str:
    """Return the time as `1:05` or `1:02:05`."""
    minutes, remainder = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{remainder:02}" if hours else f"{minutes}:{remainder:02}"


def csv_row(values: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(map(escape_formula, values))
    return line.getvalue()


def escape_formula(cell: str) -> str:
    """Return the cell, with an apostrophe before a formula so that spreadsheets display it as text."""
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell
