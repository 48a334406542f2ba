"""The documents of transcripts' passages, as far as the life of a job goes; `shared.chat.passages` makes them."""

from __future__ import annotations

from collections.abc import Iterator

from shared.platform.ports import Document, Documents
from shared.platform.queries import iterate_query

SEGMENTS = "segments"


def segments_where(documents: Documents, field: str, value: str) -> Iterator[Document]:
    return iterate_query(documents, SEGMENTS, [(field, "==", value)])


def delete_segments(documents: Documents, job_id: str) -> None:
    """Those whose words the job brought."""
    for segment in list(segments_where(documents, "jobId", job_id)):
        documents.delete(SEGMENTS, segment.id)
