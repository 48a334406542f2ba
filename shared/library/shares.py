"""Links that show a group to whoever holds them. Only a hash of the token is stored."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime

from shared import clock
from shared.errors import NotFound, PermanentError
from shared.library.groups import GROUPS, change_group
from shared.models.group import Group, Share
from shared.platform.ports import Documents

TOKEN_BYTES = 24
_LONGEST_TOKEN = 100


def create_share_link(documents: Documents, group: Group, expires_at: datetime | None) -> tuple[Group, str]:
    """The group and the token of its new link; one that it had before works no more.

    Raises PermanentError `expired_already`.
    """
    now = clock.now()
    if expires_at is not None and expires_at <= now:
        raise PermanentError("expired_already", "The share link would expire in the past. Choose a later time.")
    token = secrets.token_urlsafe(TOKEN_BYTES)
    share = Share(token_hash=hash_token(token), created_at=now, expires_at=expires_at)

    def set_share(current: Group) -> None:
        current.share = share

    return change_group(documents, group, set_share), token


def revoke_share_link(documents: Documents, group: Group) -> Group:
    """Let the group's link work no more; without one nothing changes."""

    def remove_share(current: Group) -> None:
        current.share = None

    return change_group(documents, group, remove_share)


def find_shared_group(documents: Documents, token: str) -> Group:
    """The group that a token shows; raises NotFound for one that is unknown, revoked or expired."""
    if not 0 < len(token) <= _LONGEST_TOKEN:
        raise NotFound("share")
    page = documents.query(GROUPS, [("share.tokenHash", "==", hash_token(token))], limit=1)
    for stored in page.documents:
        group = Group.read(stored.data)
        if group.share and (group.share.expires_at is None or group.share.expires_at > clock.now()):
            return group
    raise NotFound("share")


def hash_token(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
