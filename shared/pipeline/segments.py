"""The documents of transcripts' passages, as far as the life of a job goes; `shared.chat.passages` makes them."""

from __future__ import annotations

from collections.abc import Iterator

from shared.platform.ports import Document, Documents

SEGMENTS = "segments"
PAGE = 100


def segments_where(documents: Documents, field: str, value: str) -> Iterator[Document]:
    cursor = None
    while True:
        page = documents.query(SEGMENTS, [(field, "==", value)], limit=PAGE, cursor=cursor)
        yield from page.documents
        cursor = page.cursor
        if cursor is None:
            return


def delete_segments(documents: Documents, job_id: str) -> None:
    """Those whose words the job brought."""
    for segment in list(segments_where(documents, "jobId", job_id)):
        documents.delete(SEGMENTS, segment.id)
