"""The path of the earlier ask-video for a shared group, without an account."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path

from functions.api.access import PlaceDep
from functions.api.compat.ask import create_router
from functions.api.compat.ask_groups import AskVideoGroupDetails, group_details
from shared.library import shares

router = create_router("/api/videos/groups/shared", 404)


@router.get(
    "/{token}/",
    summary="Get a shared group",
    description="Compatible with ask-video: prefer GET /v1/shared/{token}. No account is required.",
)
def get_shared_group_compat(
    token: Annotated[str, Path(description="Share token of the group.")], place: PlaceDep
) -> AskVideoGroupDetails:
    return group_details(shares.shared_group(place.documents, token), place)
