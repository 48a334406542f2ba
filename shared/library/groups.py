"""A user's groups of videos."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from shared import clock
from shared.chat import history
from shared.errors import NotFound, PermanentError
from shared.models.group import MAX_VIDEOS, Group
from shared.models.job import Job
from shared.pipeline.lifecycle import new_id
from shared.pipeline.videos import read_videos
from shared.platform.cas import change_model, timed
from shared.platform.ports import Documents

GROUPS = "groups"


def create_group(documents: Documents, owner: str, name: str, description: str | None) -> Group:
    now = clock.now()
    group = Group(id=new_id(), owner=owner, name=name, description=description, created_at=now, updated_at=now)
    documents.create(GROUPS, group.id, group.to_document())
    return group


def own_group(documents: Documents, group_id: str, owner: str) -> Group:
    """Raises NotFound alike for what does not exist and for what is another's."""
    stored = documents.get(GROUPS, group_id)
    if stored is None or stored.data["owner"] != owner:
        raise NotFound(group_id)
    return Group.read(stored.data)


def groups_of(documents: Documents, owner: str, limit: int, cursor: str | None) -> tuple[list[Group], str | None]:
    """A page, newest first, and where the next one starts. Raises ValueError on a wrong cursor."""
    page = documents.query(GROUPS, [("owner", "==", owner)], [("createdAt", "desc")], limit, cursor)
    return [Group.read(document.data) for document in page.documents], page.cursor


def change_group(documents: Documents, group: Group, change: Callable[[Group], None]) -> Group:
    """The group after `change`, which may raise; raises NotFound when it was deleted meanwhile."""

    def changed(current: Group) -> bool:
        change(current)
        return True

    return change_model(documents, GROUPS, group.id, Group, timed(changed))


def describe(documents: Documents, group: Group, **changed: str | None) -> Group:
    """Change name or description; a group keeps the name it has rather than having none. Raises NotFound."""

    def put(current: Group) -> None:
        current.name = changed.get("name") or current.name
        current.description = changed.get("description", current.description)

    return change_group(documents, group, put)


def delete_group(documents: Documents, group: Group) -> None:
    """With what was asked about it; its videos stay."""
    documents.delete(GROUPS, group.id)
    history.delete_messages(documents, group.owner, history.subject_filter(group.id, None))


def videos_in(documents: Documents, group: Group) -> list[Job]:
    """The group's videos that there are, in its order."""
    return list(read_videos(documents, group.videos, group.owner).values())


def add_videos(documents: Documents, group: Group, ids: Sequence[str]) -> Group:
    """Put videos at the end; those in it already stay where they are.

    Raises PermanentError `no_such_video`, `group_full`.
    """
    known = read_videos(documents, ids, group.owner)
    missing = [id for id in ids if id not in known]
    if missing:
        raise PermanentError("no_such_video", f"You have no video {missing[0]!r}. Choose one from GET /v1/videos.")

    def add(current: Group) -> None:
        current.videos = list(dict.fromkeys([*current.videos, *ids]))
        if len(current.videos) > MAX_VIDEOS:
            raise PermanentError("group_full", f"A group holds at most {MAX_VIDEOS} videos. Create another group.")

    return change_group(documents, group, add)


def remove_video(documents: Documents, group: Group, id: str) -> Group:
    """Take one out; the video itself stays. Raises NotFound when it is not in the group."""

    def remove(current: Group) -> None:
        if id not in current.videos:
            raise NotFound(id)
        current.videos.remove(id)

    return change_group(documents, group, remove)


def reorder(documents: Documents, group: Group, ids: Sequence[str]) -> Group:
    """Put the videos in this order; raises PermanentError `order_mismatch` unless it has each of them once."""
    shown = [job.id for job in videos_in(documents, group)]

    def order(current: Group) -> None:
        # What was deleted since is not asked for.
        there = [id for id in current.videos if id in shown or id in ids]
        if sorted(ids) != sorted(there):
            raise PermanentError(
                "order_mismatch", "The order must name each video of the group exactly once. Get the group again."
            )
        current.videos = list(ids)

    return change_group(documents, group, order)


def forget_video(documents: Documents, owner: str, video_id: str) -> None:
    """Take a deleted video out of all of its owner's groups."""
    filters = [("owner", "==", owner), ("videos", "array_contains", video_id)]
    for stored in documents.query(GROUPS, filters, limit=1000).documents:  # type: ignore[arg-type]  # plain filters
        change_group(documents, Group.read(stored.data), lambda group: drop(group, video_id))


def drop(group: Group, video_id: str) -> None:
    group.videos = [id for id in group.videos if id != video_id]
