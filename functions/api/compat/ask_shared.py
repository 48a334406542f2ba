"""The path of the earlier ask-video for those who have a group's share token, and need no account."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path

from functions.api.access import Place
from functions.api.compat.ask import ask_router
from functions.api.compat.ask_groups import AskGroup, details
from shared.library import shares

router = ask_router("/api/videos/groups/shared", 404)


@router.get("/{token}/", summary="Look at a group by its share token")
def ask_shared(token: Annotated[str, Path(description="The `share_token`.")], place: Place) -> AskGroup:
    return details(shares.shared_group(place.documents, token), place)
