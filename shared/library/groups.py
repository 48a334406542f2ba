"""A user's groups of videos, and their share links. Of a link's token only a hash is stored."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime

from pydantic import Field

from shared import clock
from shared.chat import history
from shared.errors import AlreadyExists, NotFound, PermanentError
from shared.models import Model
from shared.models.job import Job
from shared.pipeline.idempotency import clear_keys
from shared.pipeline.jobs import read_videos
from shared.platform.documents import change_model, with_updated_at
from shared.platform.ports import Documents

MAX_VIDEOS = 500


class Share(Model):
    """A share link for readers without an account. The token itself is not stored."""

    token_hash: str = Field(description="SHA-256 of the token, in hexadecimal.")
    created_at: datetime
    expires_at: datetime | None = Field(None, description="When the link expires; None: it works until revoked.")
    chat: bool = Field(True, description="Whether holders of the link may ask questions, which the owner pays for.")


class Group(Model):
    id: str
    owner: str
    name: str
    description: str | None = None
    videos: list[str] = Field([], description="Ids of the videos, in the owner's order.")
    share: Share | None = None
    created_at: datetime
    updated_at: datetime


GROUPS = "groups"
TOKEN_BYTES = 24
MAX_TOKEN_LENGTH = 100


def create_group(documents: Documents, owner: str, group_id: str, name: str, description: str | None) -> Group:
    """Store a new group; returns the stored one if its id exists already."""
    now = clock.now()
    group = Group(id=group_id, owner=owner, name=name, description=description, created_at=now, updated_at=now)
    try:
        documents.create(GROUPS, group.id, group.to_document())
    except AlreadyExists:
        return read_own_group(documents, group.id, owner)
    return group


def read_own_group(documents: Documents, group_id: str, owner: str) -> Group:
    """Return the group; raises NotFound if it does not exist or belongs to another user."""
    stored = documents.get(GROUPS, group_id)
    if stored is None or stored.data["owner"] != owner:
        raise NotFound(group_id)
    return Group.read(stored.data)


def list_groups(documents: Documents, owner: str, limit: int, cursor: str | None) -> tuple[list[Group], str | None]:
    """Return a page, newest first, and the cursor of the next page. Raises PermanentError `bad_cursor`."""
    page = documents.query(GROUPS, [("owner", "==", owner)], [("createdAt", "desc")], limit, cursor)
    return [Group.read(document.data) for document in page.documents], page.cursor


def change_group(documents: Documents, group: Group, change: Callable[[Group], None]) -> Group:
    """Apply `change`, which may raise, and return the changed group; raises NotFound if it was deleted meanwhile."""

    def apply_change(current: Group) -> bool:
        change(current)
        return True

    return change_model(documents, GROUPS, group.id, Group, with_updated_at(apply_change))


def update_group_details(documents: Documents, group: Group, **fields: str | None) -> Group:
    """Change name or description; an empty name leaves the old one. Raises NotFound."""

    def apply_fields(current: Group) -> None:
        current.name = fields.get("name") or current.name
        current.description = fields.get("description", current.description)

    return change_group(documents, group, apply_fields)


def delete_group(documents: Documents, group: Group) -> None:
    """Delete the group and the questions about it; its videos stay."""
    clear_keys(documents, group.id)
    documents.delete(GROUPS, group.id)
    history.delete_messages(documents, group.owner, history.subject_filters(group.id, None))


def group_videos(documents: Documents, group: Group) -> list[Job]:
    """Return the group's videos that still exist, in its order."""
    return list(read_videos(documents, group.videos, group.owner).values())


def add_videos(documents: Documents, group: Group, ids: Sequence[str]) -> Group:
    """Append videos; those already in the group keep their position.

    Raises PermanentError `no_such_video`, `group_full`.
    """
    videos = read_videos(documents, ids, group.owner)
    missing = [id for id in ids if id not in videos]
    if missing:
        raise PermanentError("no_such_video", f"You have no video {missing[0]!r}. Choose one from GET /v1/videos.")

    def add(current: Group) -> None:
        current.videos = list(dict.fromkeys([*current.videos, *ids]))
        if len(current.videos) > MAX_VIDEOS:
            raise PermanentError("group_full", f"A group holds at most {MAX_VIDEOS} videos. Create another group.")

    return change_group(documents, group, add)


def remove_video(documents: Documents, group: Group, id: str) -> Group:
    """Remove a video from the group; the video itself stays. Raises NotFound if it is not in the group."""

    def remove(current: Group) -> None:
        if id not in current.videos:
            raise NotFound(id)
        current.videos.remove(id)

    return change_group(documents, group, remove)


def reorder_videos(documents: Documents, group: Group, ids: Sequence[str]) -> Group:
    """Set the order of the videos; raises PermanentError `order_mismatch` unless `ids` has each of them once."""
    existing_ids = [job.id for job in group_videos(documents, group)]

    def set_order(current: Group) -> None:
        # A video that was deleted meanwhile may be missing.
        current_ids = [id for id in current.videos if id in existing_ids or id in ids]
        if sorted(ids) != sorted(current_ids):
            raise PermanentError(
                "order_mismatch", "The order must name each video of the group exactly once. Get the group again."
            )
        current.videos = list(ids)

    return change_group(documents, group, set_order)


def remove_video_from_groups(documents: Documents, owner: str, video_id: str) -> None:
    """Remove a deleted video from all of its owner's groups."""
    filters = [("owner", "==", owner), ("videos", "array_contains", video_id)]
    for stored in documents.query(GROUPS, filters, limit=1000).documents:  # type: ignore[arg-type]  # plain filters
        change_group(documents, Group.read(stored.data), lambda group: drop_video(group, video_id))


def drop_video(group: Group, video_id: str) -> None:
    group.videos = [id for id in group.videos if id != video_id]


def create_share_link(
    documents: Documents, group: Group, expires_at: datetime | None, chat: bool = True
) -> tuple[Group, str]:
    """Create the group's share link, which replaces an earlier one; return the group and the link's token.

    Raises PermanentError `expired_already`.
    """
    now = clock.now()
    if expires_at is not None and expires_at <= now:
        raise PermanentError("expired_already", "The share link would expire in the past. Choose a later time.")
    token = secrets.token_urlsafe(TOKEN_BYTES)
    share = Share(token_hash=hash_token(token), created_at=now, expires_at=expires_at, chat=chat)

    def set_share(current: Group) -> None:
        current.share = share

    return change_group(documents, group, set_share), token


def revoke_share_link(documents: Documents, group: Group) -> Group:
    """Revoke the group's share link; without a link nothing changes."""

    def remove_share(current: Group) -> None:
        current.share = None

    return change_group(documents, group, remove_share)


def find_shared_group(documents: Documents, token: str) -> Group:
    """Return the group of a share link; raises NotFound for a token that is unknown, revoked or expired."""
    if not 0 < len(token) <= MAX_TOKEN_LENGTH:
        raise NotFound("share")
    page = documents.query(GROUPS, [("share.tokenHash", "==", hash_token(token))], limit=1)
    for stored in page.documents:
        group = Group.read(stored.data)
        if group.share and (group.share.expires_at is None or group.share.expires_at > clock.now()):
            return group
    raise NotFound("share")


def hash_token(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
