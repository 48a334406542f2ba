"""What was asked and answered, as kept for whoever asked."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from itertools import islice

from shared.models.chat import Citation, Message
from shared.platform.ports import Documents, Filter, Order
from shared.platform.queries import iterate_query

MESSAGES = "messages"
PAGE = 100
COLUMNS = ("time", "role", "content", "citations")
BOM = "\ufeff"
"""By which spreadsheets know that a file is UTF-8."""
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula (OWASP, CSV injection)."""


def about(group_id: str | None, video_id: str | None) -> Filter:
    return ("groupId", "==", group_id) if group_id else ("videoId", "==", video_id)


def keep(documents: Documents, message: Message) -> None:
    documents.create(MESSAGES, message.id, message.document())


def messages(
    documents: Documents, owner: str, subject: Filter, limit: int, cursor: str | None
) -> tuple[list[Message], str | None]:
    """A page, newest first, and where the next one starts. Raises ValueError on a wrong cursor."""
    page = documents.query(MESSAGES, [("owner", "==", owner), subject], [("createdAt", "desc")], limit, cursor)
    return [Message.read(document.data) for document in page.documents], page.cursor


def forget(documents: Documents, owner: str, subject: Filter) -> None:
    while found := documents.query(MESSAGES, [("owner", "==", owner), subject], limit=PAGE).documents:
        for document in found:
            documents.delete(MESSAGES, document.id)


def exported(documents: Documents, owner: str, subject: Filter) -> Iterator[bytes]:
    """All messages as CSV (RFC 4180) in UTF-8, the oldest first, a page at a time."""
    yield (BOM + row(COLUMNS)).encode()
    order: list[Order] = [("createdAt", "asc")]
    messages = iterate_query(documents, MESSAGES, [("owner", "==", owner), subject], order)
    while batch := list(islice(messages, PAGE)):
        yield "".join(row(cells(Message.read(document.data))) for document in batch).encode()


def cells(message: Message) -> list[str]:
    time = message.created_at.isoformat(timespec="seconds").replace("+00:00", "Z")
    return [time, message.role, message.content, "\n".join(map(cited, message.citations))]


def cited(citation: Citation) -> str:
    """`[1] Soup, 1:05–1:40: “Boil it.”`"""
    title = citation.title or citation.video_id
    return f"[{citation.number}] {title}, {clock_time(citation.start)}–{clock_time(citation.end)}: “{citation.quote}”"


def clock_time(seconds: float) -> str:
    """`1:05`, `1:02:05`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def row(values: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(map(harmless, values))
    return line.getvalue()


def harmless(cell: str) -> str:
    """With an apostrophe before what would be a formula: spreadsheets then show it as text."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell
