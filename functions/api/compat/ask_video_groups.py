"""The group paths of the earlier ask-video, with its field names: groups of the caller, and shared groups."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from functions.api.compat.ask_video_library import AskVideoInfo, media_links, video_info
from functions.api.compat.routing import PAGE_SIZE, all_items, create_ask_video_router
from functions.api.dependencies import PlaceDep
from functions.api.identity import Caller
from functions.api.openapi import problem_responses
from functions.api.request_models import CompatRequestModel
from functions.api.routes.groups import GroupRequest, GroupUpdateRequest
from shared.errors import PermanentError
from shared.library import groups
from shared.library.groups import MAX_VIDEOS, Group
from shared.library.numbers import find_id, find_ids, number_ids
from shared.pipeline.jobs import read_videos
from shared.pipeline.lifecycle import new_id
from shared.platform.ports import Place

router = create_ask_video_router("/api/videos/groups", 401, 403)
shared_router = create_ask_video_router("/api/videos/groups/shared", 404)


class AskVideoGroupRequest(GroupRequest):
    model_config = ConfigDict(extra="ignore")


class AskVideoGroupUpdateRequest(GroupUpdateRequest):
    """Changes to a group. Omitted fields stay as they are."""

    model_config = ConfigDict(extra="ignore")


class AskVideoIdsRequest(CompatRequestModel):
    """Videos by id."""

    video_ids: Annotated[list[int], Field(max_length=MAX_VIDEOS)] = Field(description="Ids of the videos.")


class AskVideoGroupInfo(BaseModel):
    id: int = Field(description="Number of the group among its owner's groups.")
    name: str = Field(description="Name of the group.")
    description: str = Field(description="Description of the group. Empty if there is none.")
    created_at: datetime = Field(description="When the group was created.")
    video_count: int = Field(description="Number of videos in the group.")


class AskVideoGroupVideo(AskVideoInfo):
    order: int = Field(description="Position in the group, starting at 0.")


class AskVideoGroupDetails(AskVideoGroupInfo):
    updated_at: datetime = Field(description="When the group was last changed.")
    videos: list[AskVideoGroupVideo] = Field(description="The videos, in the order of the group.")
    share_token: str | None = Field(
        None, description="Always null: Clipwise stores only a hash of the token and returns it only when created."
    )


class AskVideoMessageResponse(BaseModel):
    message: str = Field(description="What happened, for people.")


class AskVideoAddedResponse(AskVideoMessageResponse):
    added_count: int = Field(description="Number of videos added.")
    skipped_count: int = Field(description="Number of videos that were already in the group.")


class ShareTokenResponse(AskVideoMessageResponse):
    share_token: str = Field(description="The share token. It is returned only once.")


def own_group(
    group_id: Annotated[int, Path(description="The `id` of the group.")], user: Caller, place: PlaceDep
) -> Group:
    return groups.read_own_group(place.documents, find_id(place.documents, user.id, "group", group_id), user.id)


OwnGroup = Annotated[Group, Depends(own_group)]


def group_info(number: int, group: Group) -> AskVideoGroupInfo:
    return AskVideoGroupInfo(
        id=number,
        name=group.name,
        description=group.description or "",
        created_at=group.created_at,
        video_count=len(group.videos),
    )


def group_details(group: Group, place: PlaceDep) -> AskVideoGroupDetails:
    """Return a group with its videos, under its owner's numbers."""
    jobs = groups.group_videos(place.documents, group)
    links = media_links(place, jobs)
    numbers = number_ids(place.documents, group.owner, "video", (job.id for job in jobs))
    members = [
        AskVideoGroupVideo(**dict(video_info(numbers[job.id], job, links[job.id])), order=order)
        for order, job in enumerate(jobs)
    ]
    group_number = number_ids(place.documents, group.owner, "group", [group.id])[group.id]
    fields: dict[str, Any] = dict(group_info(group_number, group)) | {"video_count": len(members)}
    return AskVideoGroupDetails(**fields, updated_at=group.updated_at, videos=members)


@router.post(
    "",
    summary="Create a group",
    description="Compatible with ask-video: prefer POST /v1/groups.",
    status_code=201,
)
def create_group_compat(form: AskVideoGroupRequest, user: Caller, place: PlaceDep) -> AskVideoGroupDetails:
    return group_details(groups.create_group(place.documents, user.id, new_id(), form.name, form.description), place)


@router.get(
    "",
    summary="List your groups",
    description=(
        "Compatible with ask-video: prefer GET /v1/groups. "
        "Returns your groups, newest first: at most 1,000, without pages."
    ),
)
def list_groups_compat(user: Caller, place: PlaceDep) -> list[AskVideoGroupInfo]:
    items = list(all_items(lambda cursor: groups.list_groups(place.documents, user.id, PAGE_SIZE, cursor)))
    # The oldest group gets the smallest number.
    numbers = number_ids(place.documents, user.id, "group", (group.id for group in reversed(items)))
    return [group_info(numbers[group.id], group) for group in items]


@router.get(
    "/{group_id}",
    summary="Get a group",
    description="Compatible with ask-video: prefer GET /v1/groups/{group_id}.",
    responses=problem_responses(404),
)
def get_group_compat(group: OwnGroup, place: PlaceDep) -> AskVideoGroupDetails:
    return group_details(group, place)


@router.patch(
    "/{group_id}",
    summary="Update a group",
    description="Compatible with ask-video: prefer PATCH /v1/groups/{group_id}.",
    responses=problem_responses(404),
)
def update_group_compat(group: OwnGroup, change: AskVideoGroupUpdateRequest, place: PlaceDep) -> AskVideoGroupDetails:
    return group_details(
        groups.update_group_details(place.documents, group, **change.model_dump(exclude_unset=True)), place
    )


@router.delete(
    "/{group_id}",
    summary="Delete a group",
    description=(
        "Compatible with ask-video: prefer DELETE /v1/groups/{group_id}. The videos of the group are not deleted."
    ),
    status_code=204,
    response_class=Response,
    responses=problem_responses(404),
)
def delete_group_compat(group: OwnGroup, place: PlaceDep) -> None:
    groups.delete_group(place.documents, group)


@router.post(
    "/{group_id}/videos",
    summary="Add videos to a group",
    description=(
        "Compatible with ask-video: prefer POST /v1/groups/{group_id}/videos. Videos already in the group are skipped."
    ),
    status_code=201,
    responses=problem_responses(404),
)
def add_videos_compat(group: OwnGroup, body: AskVideoIdsRequest, place: PlaceDep) -> AskVideoAddedResponse:
    before = set(group.videos)
    ids = native_ids(place, group.owner, body.video_ids)
    existing = read_videos(place.documents, ids, group.owner)
    for number, id in zip(body.video_ids, ids, strict=True):
        if id not in existing:
            raise no_such_video_error(number)
    groups.add_videos(place.documents, group, ids)
    added = len(set(ids) - before)
    return AskVideoAddedResponse(
        message=f"{added} videos were added.", added_count=added, skipped_count=len(body.video_ids) - added
    )


def native_ids(place: Place, owner: str, numbers: list[int]) -> list[str]:
    """Return the ids of these videos; raises PermanentError `no_such_video`."""
    ids = find_ids(place.documents, owner, "video", numbers)
    for number in numbers:
        if number not in ids:
            raise no_such_video_error(number)
    return [ids[number] for number in numbers]


def no_such_video_error(number: int) -> PermanentError:
    return PermanentError("no_such_video", f"You have no video {number}. Choose one from GET /api/videos/.")


@router.delete(
    "/{group_id}/videos/{video_id}",
    summary="Remove a video from a group",
    description=(
        "Compatible with ask-video: prefer DELETE /v1/groups/{group_id}/videos/{video_id}. "
        "The video itself is not deleted."
    ),
    responses=problem_responses(404),
)
@router.delete(
    "/{group_id}/videos/{video_id}/remove",
    name="ask_remove_video_by_name",
    summary="Alias of DELETE …/videos/{video_id}/",
    description=(
        "Compatible with ask-video: prefer DELETE /v1/groups/{group_id}/videos/{video_id}. "
        "The video itself is not deleted."
    ),
    responses=problem_responses(404),
)
def remove_video_compat(
    group: OwnGroup, video_id: Annotated[int, Path(description="The `id` of the video.")], place: PlaceDep
) -> AskVideoMessageResponse:
    groups.remove_video(place.documents, group, find_id(place.documents, group.owner, "video", video_id))
    return AskVideoMessageResponse(message="The video was removed from the group.")


@router.post(
    "/{group_id}/reorder",
    summary="Reorder a group's videos",
    description=(
        "Compatible with ask-video: prefer PUT /v1/groups/{group_id}/order. "
        "`video_ids` must contain each video of the group exactly once."
    ),
    responses=problem_responses(404),
)
def reorder_videos_compat(group: OwnGroup, body: AskVideoIdsRequest, place: PlaceDep) -> AskVideoMessageResponse:
    groups.reorder_videos(place.documents, group, native_ids(place, group.owner, body.video_ids))
    return AskVideoMessageResponse(message="The order of the videos was changed.")


@router.post(
    "/{group_id}/share",
    summary="Create a share token",
    description=(
        "Compatible with ask-video: prefer POST /v1/groups/{group_id}/share. The token gives anyone who has it read "
        "access to the group. A previous token stops working."
    ),
    status_code=201,
    responses=problem_responses(404),
)
def create_share_token_compat(group: OwnGroup, place: PlaceDep) -> ShareTokenResponse:
    _, token = groups.create_share_link(place.documents, group, None)
    return ShareTokenResponse(message="Anyone who has this token can now view the group.", share_token=token)


@router.delete(
    "/{group_id}/share",
    summary="Revoke a group's share token",
    description="Compatible with ask-video: prefer DELETE /v1/groups/{group_id}/share.",
    responses=problem_responses(404),
)
def revoke_share_token_compat(group: OwnGroup, place: PlaceDep) -> AskVideoMessageResponse:
    groups.revoke_share_link(place.documents, group)
    return AskVideoMessageResponse(message="The group is no longer shared.")


@shared_router.get(
    "/{token}",
    summary="Get a shared group",
    description="Compatible with ask-video: prefer GET /v1/shared/{token}. No account is required.",
)
def get_shared_group_compat(
    token: Annotated[str, Path(description="Share token of the group.")], place: PlaceDep
) -> AskVideoGroupDetails:
    return group_details(groups.find_shared_group(place.documents, token), place)
