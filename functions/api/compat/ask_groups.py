"""The paths of the earlier ask-video for groups of videos."""

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
    name: Name
    description: Description | None = None


class GroupChange(BaseModel):
    """What is left out stays as it is."""

    name: Name | None = None
    description: Description | None = None


class VideoList(BaseModel):
    video_ids: VideoIds


class ListedGroup(BaseModel):
    id: str = Field(description="A text; it was a number.")
    name: str
    description: str
    created_at: datetime
    video_count: int


class GroupVideo(ListedVideo):
    order: int = Field(description="Its place in the group, from 0.")


class AskGroup(ListedGroup):
    updated_at: datetime
    videos: list[GroupVideo]
    share_token: str | None = Field(
        None, description="Always null: only a hash of it is kept, so it is told when it is made and never again."
    )


class Told(BaseModel):
    message: str


class Added(Told):
    added_count: int
    skipped_count: int = Field(description="Those that were in the group already.")


class ShareToken(Told):
    share_token: str


def own_group(group_id: Annotated[str, Path()], user: Caller, place: Place) -> Group:
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


@router.post("/", summary="Make a group", status_code=201)
def ask_create_group(form: GroupForm, user: Caller, place: Place) -> AskGroup:
    return details(groups.create_group(place.documents, user.id, form.name, form.description), place)


@router.get("/", summary="List one's groups, newest first", description="At most a thousand; GET /v1/groups has pages.")
def ask_groups(user: Caller, place: Place) -> list[ListedGroup]:
    found = all_of(lambda cursor: groups.groups_of(place.documents, user.id, PAGE, cursor))
    return [brief(group) for group in found]


@router.get("/{group_id}/", summary="Look at a group", responses=problems(404))
def ask_group(group: OwnGroup, place: Place) -> AskGroup:
    return details(group, place)


@router.patch("/{group_id}/", summary="Rename a group", responses=problems(404))
def ask_change_group(group: OwnGroup, change: GroupChange, place: Place) -> AskGroup:
    return details(groups.describe(place.documents, group, **change.model_dump(exclude_unset=True)), place)


@router.delete(
    "/{group_id}/",
    summary="Delete a group; its videos stay",
    status_code=204,
    response_class=Response,
    responses=problems(404),
)
def ask_delete_group(group: OwnGroup, place: Place) -> None:
    groups.delete_group(place.documents, group)


@router.post("/{group_id}/videos/", summary="Add videos to a group", status_code=201, responses=problems(404))
def ask_add_videos(group: OwnGroup, wanted: VideoList, place: Place) -> Added:
    before = set(group.videos)
    groups.add_videos(place.documents, group, wanted.video_ids)
    added = len(set(wanted.video_ids) - before)
    return Added(message=f"{added} videos were added.", added_count=added, skipped_count=len(wanted.video_ids) - added)


@router.delete(
    "/{group_id}/videos/{video_id}/",
    summary="Take a video out of a group; the video stays",
    responses=problems(404),
)
@router.delete(
    "/{group_id}/videos/{video_id}/remove/",
    name="ask_remove_video_by_name",
    summary="The same, as some clients call it",
    responses=problems(404),
)
def ask_remove_video(group: OwnGroup, video_id: str, place: Place) -> Told:
    groups.remove_video(place.documents, group, video_id)
    return Told(message="The video was taken out of the group.")


@router.post(
    "/{group_id}/reorder/",
    summary="Put a group's videos in order",
    description="Names each of its videos exactly once.",
    responses=problems(404),
)
def ask_reorder(group: OwnGroup, wanted: VideoList, place: Place) -> Told:
    groups.reorder(place.documents, group, wanted.video_ids)
    return Told(message="The videos are in this order now.")


@router.post(
    "/{group_id}/share/",
    summary="Make a token that shows the group to whoever has it",
    description="One that the group had before stops working.",
    status_code=201,
    responses=problems(404),
)
def ask_share(group: OwnGroup, place: Place) -> ShareToken:
    _, token = shares.share_group(place.documents, group, None)
    return ShareToken(message="The group is shared with whoever has this token.", share_token=token)


@router.delete("/{group_id}/share/", summary="Let the group's token work no more", responses=problems(404))
def ask_unshare(group: OwnGroup, place: Place) -> Told:
    shares.revoke(place.documents, group)
    return Told(message="The group is not shared any more.")
