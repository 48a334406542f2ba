"""Videos that belong together, and the link by which they are shown to others."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from shared.models.base import Model

MAX_VIDEOS = 500


class Share(Model):
    """A link for readers without an account. The token itself is not kept."""

    token_hash: str = Field(description="SHA-256 of the token, in hexadecimal.")
    created_at: datetime
    expires_at: datetime | None = Field(None, description="None = until it is revoked.")


class Group(Model):
    id: str
    owner: str
    name: str
    description: str | None = None
    videos: list[str] = Field([], description="Ids in the order that the owner gave them.")
    share: Share | None = None
    created_at: datetime
    updated_at: datetime
