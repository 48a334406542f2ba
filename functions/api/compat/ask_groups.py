"""The group paths of the earlier ask-video: /v1/groups with its field names."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Path, Response
from pydantic import BaseModel, Field

from functions.api.access import Place, check_id
from functions.api.compat.ask import PAGE, all_of, ask_router
from functions.api.compat.ask_videos import ListedVideo, listed, media_links
from functions.api.identity import Caller
from functions.api.openapi import problems
from functions.api.routes.groups import VideoIds
from functions.api.schemas import Description, Name
from shared.library import groups, shares
from shared.models.group import Group

router = ask_router("/api/videos/groups", 401, 403)


class GroupForm(BaseModel):
    name: Name = Field(description="Name of the group.")
    description: Description | None = Field(None, description="Description of the group.")


class GroupChange(BaseModel):
    """Changes to a group. Omitted fields stay as they are."""

    name: Name | None = Field(None, description="New name of the group.")
    description: Description | None = Field(None, description="New description of the group.")


class VideoList(BaseModel):
    """Videos by id."""

    video_ids: VideoIds = Field(description="Ids of the videos.")


class ListedGroup(BaseModel):
    id: str = Field(description="Identifier of the group: a string, where ask-video used a number.")
    name: str = Field(description="Name of the group.")
    description: str = Field(description="Description of the group. Empty if there is none.")
    created_at: datetime = Field(description="When the group was created.")
    video_count: int = Field(description="Number of videos in the group.")


class GroupVideo(ListedVideo):
    order: int = Field(description="Position in the group, starting at 0.")


class AskGroup(ListedGroup):
    updated_at: datetime = Field(description="When the group was last changed.")
    videos: list[GroupVideo] = Field(description="The videos, in the order of the group.")
    share_token: str | None = Field(
        None, description="Always null: Clipwise stores only a hash of the token and returns it only when created."
    )


class Told(BaseModel):
    message: str = Field(description="What happened, for people.")


class Added(Told):
    added_count: int = Field(description="Number of videos added.")
    skipped_count: int = Field(description="Number of videos that were already in the group.")


class ShareToken(Told):
    share_token: str = Field(description="The share token. It is returned only once.")


def own_group(
    group_id: Annotated[str, Path(description="The `id` of the group.")], user: Caller, place: Place
) -> Group:
    return groups.own_group(place.documents, check_id(group_id), user.id)


OwnGroup = Annotated[Group, Depends(own_group)]


def brief(group: Group) -> ListedGroup:
    return ListedGroup(
        id=group.id,
        name=group.name,
        description=group.description or "",
        created_at=group.created_at,
        video_count=len(group.videos),
    )


def details(group: Group, place: Place) -> AskGroup:
    found = groups.videos_in(place.documents, group)
    links = media_links(place, found)
    members = [GroupVideo(**dict(listed(job, links[job.id])), order=number) for number, job in enumerate(found)]
    fields: dict[str, Any] = dict(brief(group)) | {"video_count": len(members)}
    return AskGroup(**fields, updated_at=group.updated_at, videos=members)


@router.post(
    "/",
    summary="Create a group",
    description="Compatible with ask-video: prefer POST /v1/groups.",
    status_code=201,
)
def ask_create_group(form: GroupForm, user: Caller, place: Place) -> AskGroup:
    return details(groups.create_group(place.documents, user.id, form.name, form.description), place)


@router.get(
    "/",
    summary="List your groups",
    description=(
        "Compatible with ask-video: prefer GET /v1/groups. "
        "Returns your groups, newest first: at most 1,000, without pages."
    ),
)
def ask_groups(user: Caller, place: Place) -> list[ListedGroup]:
    found = all_of(lambda cursor: groups.groups_of(place.documents, user.id, PAGE, cursor))
    return [brief(group) for group in found]


@router.get(
    "/{group_id}/",
    summary="Get a group",
    description="Compatible with ask-video: prefer GET /v1/groups/{group_id}.",
    responses=problems(404),
)
def ask_group(group: OwnGroup, place: Place) -> AskGroup:
    return details(group, place)


@router.patch(
    "/{group_id}/",
    summary="Update a group",
    description="Compatible with ask-video: prefer PATCH /v1/groups/{group_id}.",
    responses=problems(404),
)
def ask_change_group(group: OwnGroup, change: GroupChange, place: Place) -> AskGroup:
    return details(groups.describe(place.documents, group, **change.model_dump(exclude_unset=True)), place)


@router.delete(
    "/{group_id}/",
    summary="Delete a group",
    description=(
        "Compatible with ask-video: prefer DELETE /v1/groups/{group_id}. The videos of the group are not deleted."
    ),
    status_code=204,
    response_class=Response,
    responses=problems(404),
)
def ask_delete_group(group: OwnGroup, place: Place) -> None:
    groups.delete_group(place.documents, group)


@router.post(
    "/{group_id}/videos/",
    summary="Add videos to a group",
    description=(
        "Compatible with ask-video: prefer POST /v1/groups/{group_id}/videos. Videos already in the group are skipped."
    ),
    status_code=201,
    responses=problems(404),
)
def ask_add_videos(group: OwnGroup, wanted: VideoList, place: Place) -> Added:
    before = set(group.videos)
    groups.add_videos(place.documents, group, wanted.video_ids)
    added = len(set(wanted.video_ids) - before)
    return Added(message=f"{added} videos were added.", added_count=added, skipped_count=len(wanted.video_ids) - added)


@router.delete(
    "/{group_id}/videos/{video_id}/",
    summary="Remove a video from a group",
    description=(
        "Compatible with ask-video: prefer DELETE /v1/groups/{group_id}/videos/{video_id}. "
        "The video itself is not deleted."
    ),
    responses=problems(404),
)
@router.delete(
    "/{group_id}/videos/{video_id}/remove/",
    name="ask_remove_video_by_name",
    summary="Alias of DELETE …/videos/{video_id}/",
    description=(
        "Compatible with ask-video: prefer DELETE /v1/groups/{group_id}/videos/{video_id}. "
        "The video itself is not deleted."
    ),
    responses=problems(404),
)
def ask_remove_video(
    group: OwnGroup, video_id: Annotated[str, Path(description="The `id` of the video.")], place: Place
) -> Told:
    groups.remove_video(place.documents, group, video_id)
    return Told(message="The video was removed from the group.")


@router.post(
    "/{group_id}/reorder/",
    summary="Reorder a group's videos",
    description=(
        "Compatible with ask-video: prefer PUT /v1/groups/{group_id}/order. "
        "`video_ids` must contain each video of the group exactly once."
    ),
    responses=problems(404),
)
def ask_reorder(group: OwnGroup, wanted: VideoList, place: Place) -> Told:
    groups.reorder(place.documents, group, wanted.video_ids)
    return Told(message="The order of the videos was changed.")


@router.post(
    "/{group_id}/share/",
    summary="Create a share token",
    description=(
        "Compatible with ask-video: prefer POST /v1/groups/{group_id}/share. The token gives anyone who has it read "
        "access to the group. A previous token stops working."
    ),
    status_code=201,
    responses=problems(404),
)
def ask_share(group: OwnGroup, place: Place) -> ShareToken:
    _, token = shares.share_group(place.documents, group, None)
    return ShareToken(message="Anyone who has this token can now view the group.", share_token=token)


@router.delete(
    "/{group_id}/share/",
    summary="Revoke a group's share token",
    description="Compatible with ask-video: prefer DELETE /v1/groups/{group_id}/share.",
    responses=problems(404),
)
def ask_unshare(group: OwnGroup, place: Place) -> Told:
    shares.revoke(place.documents, group)
    return Told(message="The group is no longer shared.")
