"""Groups of videos, and their share links."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Response
from pydantic import BaseModel, Field

from functions.api.dependencies import Cursor, Idempotency, Limit, PlaceDep
from functions.api.identity import Caller
from functions.api.openapi import problem_responses
from functions.api.request_models import Description, Moment, Name, RequestModel
from functions.api.routes.videos import VideoInfo, video_info
from functions.api.schemas import NEXT_PAGE
from shared.library import groups
from shared.library.groups import MAX_VIDEOS, Group
from shared.models import Model
from shared.settings import settings

router = APIRouter(prefix="/v1/groups", tags=["groups"], responses=problem_responses(401, 403, 422))

VideoIds = Annotated[list[Annotated[str, Field(max_length=100)]], Field(max_length=MAX_VIDEOS)]


class GroupRequest(RequestModel):
    name: Name = Field(description="Name of the group.", examples=["Soups"])
    description: Description | None = Field(None, description="Description of the group.")


class GroupUpdateRequest(RequestModel):
    """Changes to a group. Omitted fields stay as they are."""

    name: Name | None = Field(None, description="New name of the group.")
    description: Description | None = Field(None, description="New description of the group.")


class VideoIdsRequest(RequestModel):
    """Videos by id."""

    video_ids: VideoIds = Field(description="Ids of the videos.")


class ShareRequest(RequestModel):
    """The options of a share link."""

    expires_at: Moment | None = Field(
        None, description="When the link expires, with a time zone. Null: it works until it is revoked."
    )
    chat: bool = Field(
        True, description="Whether people with the link may ask questions, which count against your limit and budget."
    )


class ShareInfo(Model):
    """A share link, without its token."""

    created_at: datetime = Field(description="When the link was created.")
    expires_at: datetime | None = Field(description="When the link expires. Null: it works until it is revoked.")
    chat: bool = Field(description="Whether people with the link may ask questions.")


class ShareLink(ShareInfo):
    """A new share link, with its token."""

    token: str = Field(description="Token of the link. It is returned only once; Clipwise stores only its hash.")
    url: str = Field(description="URL of the shared group. Append `?video=ID&t=SECONDS` to link to a moment.")


class GroupInfo(Model):
    """A group of videos."""

    id: str = Field(description="Identifier of the group.")
    name: str = Field(description="Name of the group.")
    description: str | None = Field(description="Description of the group.")
    video_ids: list[str] = Field(description="Ids of the videos, in the order of the group.")
    share: ShareInfo | None = Field(description="The group's share link. Null if there is none.")
    created_at: datetime = Field(description="When the group was created.")
    updated_at: datetime = Field(description="When the group was last changed.")


class GroupDetails(GroupInfo):
    """A group with its videos."""

    videos: list[VideoInfo] = Field(description="The videos, in the order of the group.")


class GroupPage(BaseModel):
    groups: list[GroupInfo] = Field(description="Groups, newest first.")
    cursor: str | None = Field(description=NEXT_PAGE)


def own_group(
    group_id: Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="The `id` of the group.")],
    user: Caller,
    place: PlaceDep,
) -> Group:
    return groups.read_own_group(place.documents, group_id, user.id)


OwnGroup = Annotated[Group, Depends(own_group)]


def group_info(group: Group) -> dict[str, Any]:
    return group.to_document() | {"video_ids": group.videos, "videos": []}


def group_details(group: Group, place: PlaceDep) -> dict[str, Any]:
    """Return a group with its videos, omitting deleted ones."""
    jobs = groups.group_videos(place.documents, group)
    return group_info(group) | {"video_ids": [job.id for job in jobs], "videos": [video_info(job) for job in jobs]}


@router.post(
    "",
    summary="Create a group",
    description="Creates an empty group. POST /v1/groups/{group_id}/videos adds videos to it.",
    status_code=201,
    response_model=GroupDetails,
)
def create_group(body: GroupRequest, user: Caller, place: PlaceDep, idempotency: Idempotency) -> Any:
    group_id = idempotency.reserve_id(body)
    return group_details(groups.create_group(place.documents, user.id, group_id, body.name, body.description), place)


@router.get("", summary="List your groups", description="Returns your groups, newest first.", response_model=GroupPage)
def list_groups(
    user: Caller,
    place: PlaceDep,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Any:
    items, next_cursor = groups.list_groups(place.documents, user.id, limit, cursor)
    return {"groups": [group_info(group) for group in items], "cursor": next_cursor}


@router.get(
    "/{group_id}",
    summary="Get a group",
    description="Returns a group with its videos.",
    response_model=GroupDetails,
    responses=problem_responses(404),
)
def get_group(group: OwnGroup, place: PlaceDep) -> Any:
    return group_details(group, place)


@router.patch(
    "/{group_id}",
    summary="Update a group",
    description="Changes the name or the description of a group. Omitted fields stay as they are.",
    response_model=GroupDetails,
    responses=problem_responses(404),
)
def update_group(group: OwnGroup, change: GroupUpdateRequest, place: PlaceDep) -> Any:
    return group_details(
        groups.update_group_details(place.documents, group, **change.model_dump(exclude_unset=True)), place
    )


@router.delete(
    "/{group_id}",
    summary="Delete a group",
    description="Deletes a group with its share link and chat history. Its videos are not deleted.",
    status_code=204,
    response_class=Response,
    responses=problem_responses(404),
)
def delete_group(group: OwnGroup, place: PlaceDep) -> None:
    groups.delete_group(place.documents, group)


@router.post(
    "/{group_id}/videos",
    summary="Add videos to a group",
    description=(
        f"Appends videos to a group, in the given order. Videos already in the group are skipped. "
        f"A group holds at most {MAX_VIDEOS} videos."
    ),
    response_model=GroupDetails,
    responses=problem_responses(404),
)
def add_videos(group: OwnGroup, body: VideoIdsRequest, place: PlaceDep) -> Any:
    return group_details(groups.add_videos(place.documents, group, body.video_ids), place)


@router.delete(
    "/{group_id}/videos/{video_id}",
    summary="Remove a video from a group",
    description="Removes a video from a group. The video itself is not deleted.",
    response_model=GroupDetails,
    responses=problem_responses(404),
)
def remove_video(
    group: OwnGroup, video_id: Annotated[str, Path(description="The `id` of the video.")], place: PlaceDep
) -> Any:
    return group_details(groups.remove_video(place.documents, group, video_id), place)


@router.put(
    "/{group_id}/order",
    summary="Reorder a group's videos",
    description="Sets the order of a group's videos. `videoIds` must contain each video of the group exactly once.",
    response_model=GroupDetails,
    responses=problem_responses(404),
)
def reorder_videos(group: OwnGroup, body: VideoIdsRequest, place: PlaceDep) -> Any:
    return group_details(groups.reorder_videos(place.documents, group, body.video_ids), place)


@router.post(
    "/{group_id}/share",
    summary="Create a share link",
    description=(
        "Creates a link that gives anyone who has it read access to the group and, with `chat`, lets them ask "
        "questions about its videos. Opened in a browser, it is a page. A previous link of the group stops working."
    ),
    status_code=201,
    response_model=ShareLink,
    responses=problem_responses(404),
)
def create_share_link(group: OwnGroup, body: ShareRequest, place: PlaceDep) -> Any:
    group, token = groups.create_share_link(place.documents, group, body.expires_at, body.chat)
    assert group.share is not None  # noqa: S101  # it was just created
    return group.share.to_document() | {"token": token, "url": f"{settings().public_url}/v1/shared/{token}"}


@router.delete(
    "/{group_id}/share",
    summary="Revoke a group's share link",
    description="Revokes the group's share link immediately.",
    status_code=204,
    response_class=Response,
    responses=problem_responses(404),
)
def revoke_share_link(group: OwnGroup, place: PlaceDep) -> None:
    groups.revoke_share_link(place.documents, group)
