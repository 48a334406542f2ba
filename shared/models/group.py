"""Groups of videos, and their share links."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from shared.models import Model

MAX_VIDEOS = 500


class Share(Model):
    """A share link for readers without an account. The token itself is not stored."""

    token_hash: str = Field(description="SHA-256 of the token, in hexadecimal.")
    created_at: datetime
    expires_at: datetime | None = Field(None, description="When the link expires; None: it works until revoked.")


class Group(Model):
    id: str
    owner: str
    name: str
    description: str | None = None
    videos: list[str] = Field([], description="Ids of the videos, in the owner's order.")
    share: Share | None = None
    created_at: datetime
    updated_at: datetime
