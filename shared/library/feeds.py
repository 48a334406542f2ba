"""Feeds of a user's finished results. Of the secret token in a feed's address only a hash is stored."""

from __future__ import annotations

import secrets
from datetime import datetime

from pydantic import Field

from shared import clock
from shared.errors import NotFound, PermanentError
from shared.library.groups import MAX_TOKEN_LENGTH, TOKEN_BYTES, hash_token
from shared.models import Model
from shared.models.job import Job, JobStatus
from shared.pipeline.idempotency import clear_keys
from shared.pipeline.job_storage import JOBS
from shared.platform.ports import Documents

FEEDS = "feeds"
MAX_FEEDS = 10
"""Most feeds of one user."""
MAX_ENTRIES = 50


class Feed(Model):
    """A feed that anyone with its address can read. The token in the address is not stored."""

    id: str
    owner: str
    name: str | None = None
    token_hash: str = Field(description="SHA-256 of the token, in hexadecimal.")
    created_at: datetime


def create_feed(documents: Documents, owner: str, feed_id: str, name: str | None) -> tuple[Feed, str]:
    """Store a new feed; return it and the token of its address.

    A repeated request with the same id gets a new token, since the earlier one is not stored.
    Raises PermanentError `too_many_feeds`.
    """
    if documents.get(FEEDS, feed_id) is None and len(feeds_of(documents, owner)) >= MAX_FEEDS:
        raise PermanentError("too_many_feeds", f"You have {MAX_FEEDS} feeds, which is the limit. Delete one first.")
    token = secrets.token_urlsafe(TOKEN_BYTES)
    feed = Feed(id=feed_id, owner=owner, name=name, token_hash=hash_token(token), created_at=clock.now())
    documents.put(FEEDS, feed.id, feed.to_document())
    return feed, token


def feeds_of(documents: Documents, owner: str) -> list[Feed]:
    """Return the owner's feeds, oldest first."""
    stored = documents.query(FEEDS, [("owner", "==", owner)]).documents
    return sorted((Feed.read(document.data) for document in stored), key=lambda feed: feed.created_at)


def delete_feed(documents: Documents, feed_id: str, owner: str) -> None:
    """Delete a feed, so that its address stops working; raises NotFound if it is not the owner's."""
    stored = documents.get(FEEDS, feed_id)
    if stored is None or stored.data["owner"] != owner:
        raise NotFound(feed_id)
    clear_keys(documents, feed_id)
    documents.delete(FEEDS, feed_id)


def find_feed(documents: Documents, token: str) -> Feed:
    """Return the feed of an address; raises NotFound for a token that is unknown or revoked."""
    if 0 < len(token) <= MAX_TOKEN_LENGTH:
        for stored in documents.query(FEEDS, [("tokenHash", "==", hash_token(token))], limit=1).documents:
            return Feed.read(stored.data)
    raise NotFound("feed")


def feed_results(documents: Documents, feed: Feed) -> list[Job]:
    """Return the owner's newest finished jobs, at most MAX_ENTRIES, the last to end first."""
    filters = [("owner", "==", feed.owner), ("status", "==", JobStatus.DONE.value)]
    page = documents.query(JOBS, filters, [("createdAt", "desc")], MAX_ENTRIES)  # type: ignore[arg-type]  # plain filters
    return sorted((Job.read(document.data) for document in page.documents), key=ended_at, reverse=True)


def ended_at(job: Job) -> datetime:
    return job.ended_at or job.updated_at
