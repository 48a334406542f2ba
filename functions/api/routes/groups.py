"""Groups of videos, and the links that show them to others."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from functions.api.access import Place, wrong_cursor
from functions.api.identity import Caller
from functions.api.openapi import problems
from functions.api.routes.videos import VideoInfo, shown
from functions.api.schemas import Description, Name
from shared.library import groups, shares
from shared.models.base import Model
from shared.models.group import MAX_VIDEOS, Group
from shared.settings import settings

router = APIRouter(prefix="/v1/groups", tags=["groups"], responses=problems(401, 403, 422))

VideoIds = Annotated[list[Annotated[str, Field(max_length=100)]], Field(max_length=MAX_VIDEOS)]


class GroupWish(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Name = Field(examples=["Soups"])
    description: Description | None = None


class GroupChange(BaseModel):
    """What is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    description: Description | None = None


class VideoList(BaseModel):
    model_config = ConfigDict(extra="forbid")

    video_ids: VideoIds


class ShareWish(BaseModel):
    model_config = ConfigDict(extra="forbid")

    expires_at: AwareDatetime | None = Field(None, description="When the link stops working; null: once revoked.")


class ShareInfo(Model):
    created_at: datetime
    expires_at: datetime | None


class ShareLink(ShareInfo):
    token: str = Field(description="Shown now and never again: only its hash is kept.")
    url: str = Field(description="Add `?video=ID&t=SECONDS` to point to a moment.")


class GroupInfo(Model):
    id: str
    name: str
    description: str | None
    video_ids: list[str] = Field(description="In the group's order.")
    share: ShareInfo | None = Field(description="The link that there is, if there is one.")
    created_at: datetime
    updated_at: datetime


class GroupDetails(GroupInfo):
    videos: list[VideoInfo]


class GroupPage(BaseModel):
    groups: list[GroupInfo] = Field(description="Newest first.")
    cursor: str | None = Field(description="Give it back to get the next page; null on the last one.")


def own_group(group_id: Annotated[str, Path(pattern="^[0-9a-f]{32}$")], user: Caller, place: Place) -> Group:
    return groups.own_group(place.documents, group_id, user.id)


OwnGroup = Annotated[Group, Depends(own_group)]


def info(group: Group) -> dict[str, Any]:
    return group.document() | {"video_ids": group.videos, "videos": []}


def details(group: Group, place: Place) -> dict[str, Any]:
    """Videos that were deleted are left out."""
    found = groups.videos_in(place.documents, group)
    return info(group) | {"video_ids": [job.id for job in found], "videos": [shown(job) for job in found]}


@router.post("", summary="Make a group", status_code=201, response_model=GroupDetails)
def create_group(wish: GroupWish, user: Caller, place: Place) -> Any:
    return details(groups.create_group(place.documents, user.id, wish.name, wish.description), place)


@router.get("", summary="List your groups, newest first", response_model=GroupPage)
def list_groups(
    user: Caller,
    place: Place,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(max_length=2000, description="From the page before.")] = None,
) -> Any:
    try:
        found, after = groups.groups_of(place.documents, user.id, limit, cursor)
    except ValueError:
        raise wrong_cursor() from None
    return {"groups": [info(group) for group in found], "cursor": after}


@router.get("/{group_id}", summary="Look at a group", response_model=GroupDetails, responses=problems(404))
def show_group(group: OwnGroup, place: Place) -> Any:
    return details(group, place)


@router.patch("/{group_id}", summary="Rename a group", response_model=GroupDetails, responses=problems(404))
def change_group(group: OwnGroup, change: GroupChange, place: Place) -> Any:
    return details(groups.describe(place.documents, group, **change.model_dump(exclude_unset=True)), place)


@router.delete(
    "/{group_id}",
    summary="Delete a group; its videos stay",
    status_code=204,
    response_class=Response,
    responses=problems(404),
)
def delete_group(group: OwnGroup, place: Place) -> None:
    groups.delete_group(place.documents, group)


@router.post(
    "/{group_id}/videos", summary="Add videos to a group", response_model=GroupDetails, responses=problems(404)
)
def add_videos(group: OwnGroup, wanted: VideoList, place: Place) -> Any:
    return details(groups.add_videos(place.documents, group, wanted.video_ids), place)


@router.delete(
    "/{group_id}/videos/{video_id}",
    summary="Take a video out of a group; the video stays",
    response_model=GroupDetails,
    responses=problems(404),
)
def remove_video(group: OwnGroup, video_id: str, place: Place) -> Any:
    return details(groups.remove_video(place.documents, group, video_id), place)


@router.put(
    "/{group_id}/order",
    summary="Put a group's videos in order",
    description="Names each of its videos exactly once.",
    response_model=GroupDetails,
    responses=problems(404),
)
def reorder(group: OwnGroup, wanted: VideoList, place: Place) -> Any:
    return details(groups.reorder(place.documents, group, wanted.video_ids), place)


@router.post(
    "/{group_id}/share",
    summary="Make a link that shows the group to whoever has it",
    description="Read-only, and for asking questions. A link that the group had before stops working.",
    status_code=201,
    response_model=ShareLink,
    responses=problems(404),
)
def share(group: OwnGroup, wish: ShareWish, place: Place) -> Any:
    group, token = shares.share_group(place.documents, group, wish.expires_at)
    assert group.share is not None  # noqa: S101  # it was just made
    return group.share.document() | {"token": token, "url": f"{settings().public_url}/v1/shared/{token}"}


@router.delete(
    "/{group_id}/share",
    summary="Let the group's link work no more",
    status_code=204,
    response_class=Response,
    responses=problems(404),
)
def unshare(group: OwnGroup, place: Place) -> None:
    shares.revoke(place.documents, group)
