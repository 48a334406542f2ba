"""The path of the earlier ask-video for a shared group, without an account."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path

from functions.api.access import Place
from functions.api.compat.ask import ask_router
from functions.api.compat.ask_groups import AskGroup, details
from shared.library import shares

router = ask_router("/api/videos/groups/shared", 404)


@router.get(
    "/{token}/",
    summary="Get a shared group",
    description="Compatible with ask-video: prefer GET /v1/shared/{token}. No account is required.",
)
def ask_shared(token: Annotated[str, Path(description="Share token of the group.")], place: Place) -> AskGroup:
    return details(shares.shared_group(place.documents, token), place)
