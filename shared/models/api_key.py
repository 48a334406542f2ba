"""Personal API keys and their scopes."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from shared.models import Model


class KeyScope(StrEnum):
    """What an API key may do. No scope includes another."""

    READ = "read"
    WRITE = "write"
    ADMIN_OWN = "admin:own"


class ApiKey(Model):
    """A user's API key. The key itself is not stored."""

    id: str
    owner: str
    name: str
    scopes: list[KeyScope]
    hash: str = Field(description="SHA-256 of the key, in hexadecimal.")
    created_at: datetime
    expires_at: datetime | None = Field(None, description="When the key expires; None: it works until revoked.")
    last_used_at: datetime | None = Field(None, description="When it was last used, to within LAST_USED_STEP.")
