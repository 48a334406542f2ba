"""The chat paths of the earlier ask-video: /v1/chat with its field names."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Literal

from fastapi import Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import StreamingResponse

from functions.api.compat.ask_video_groups import own_group
from functions.api.compat.routing import PAGE_SIZE, all_items, create_ask_video_router
from functions.api.dependencies import PlaceDep
from functions.api.event_streams import ChatStream
from functions.api.identity import Caller, Credentials, caller
from functions.api.openapi import file_content, problem_responses
from functions.api.request_models import CompatRequestModel
from functions.api.routes.chat import ChatTurn, count_question, group_question, last_question, share_link_question
from shared.chat import history
from shared.errors import NotFound
from shared.exports.formats import timestamp
from shared.library.groups import Group
from shared.library.numbers import find_id, number_ids
from shared.models.chat import ChatMessage, Citation
from shared.platform.ports import Place

COLUMNS = ("created_at", "question", "answer", "is_shared_origin", "related_videos")
router = create_ask_video_router("/api/chat", 401, 403, 404)


class AskVideoTurn(ChatTurn):
    model_config = ConfigDict(extra="ignore")


class AskVideoChatRequest(CompatRequestModel):
    group_id: int = Field(description="The group to ask about.")
    messages: list[AskVideoTurn] = Field(
        min_length=1,
        max_length=200,
        description=(
            "The conversation. Only the last message with the role `user` is answered; the role `system` is rejected."
        ),
    )


class RelatedVideo(BaseModel):
    """A passage that supports the answer. Its number in the answer, [1], [2], …, is its position in the list."""

    video_id: int = Field(description="The video that contains the passage.")
    title: str = Field(description="Title of the video.")
    start_time: str = Field(description="Start of the passage, as `HH:MM:SS,mmm`.", examples=["00:01:05,000"])
    end_time: str = Field(description="End of the passage, as `HH:MM:SS,mmm`.")


class AskVideoAnswer(BaseModel):
    role: Literal["assistant"] = Field("assistant", description="Always `assistant`.")
    content: str = Field(description="Text of the answer, with citations as [1], [2], …")
    related_videos: list[RelatedVideo] = Field(description="Passages that support the answer, by number.")
    chat_log_id: int | None = Field(
        description="Id of the answer in the chat history. Null if the answer is not stored."
    )


class ChatLog(BaseModel):
    """A question and its answer."""

    id: int = Field(description="Number of the entry among all of yours.")
    group: int = Field(description="The group that the question is about.")
    question: str = Field(description="Text of the question.")
    answer: str = Field(description="Text of the answer.")
    related_videos: list[RelatedVideo] = Field(description="Passages that support the answer, by number.")
    is_shared_origin: Literal[False] = Field(
        False, description="Always false: questions asked with a share token are not stored."
    )
    created_at: datetime = Field(description="When the answer was stored.")


@router.post(
    "",
    summary="Ask about a group's videos",
    description=(
        "Compatible with ask-video: prefer POST /v1/chat. With `share_token`, no account is required, the usage is "
        "charged to the group's owner, and nothing is stored."
    ),
    responses=problem_responses(402, 502, 503),
)
def answer_question_compat(
    body: AskVideoChatRequest,
    request: Request,
    credentials: Credentials,
    place: PlaceDep,
    share_token: Annotated[
        str | None, Query(max_length=100, description="Share token of the group. It replaces the access token.")
    ] = None,
) -> AskVideoAnswer:
    text = last_question(list(body.messages))
    if share_token is None:
        client_id = caller(request, credentials).id
        group_id = find_id(place.documents, client_id, "group", body.group_id)
        question = group_question(place, client_id, group_id, text)
    else:
        question = share_link_question(place, share_token, text)
        client_id = f"link to {question.group_id}"
        if question.group_id != find_id(place.documents, question.owner, "group", body.group_id):
            raise NotFound(str(body.group_id))
    count_question(request, place, client_id)
    answer = ChatStream(place, question, share_token).complete_answer()
    citations = [Citation.model_validate(citation) for citation in answer["citations"]]
    videos = number_ids(place.documents, question.owner, "video", (citation.video_id for citation in citations))
    id = answer["messageId"]
    return AskVideoAnswer(
        content=answer["content"],
        related_videos=to_related_videos(citations, videos),
        chat_log_id=number_ids(place.documents, question.owner, "answer", [id])[id] if id else None,
    )


def history_group(
    user: Caller, place: PlaceDep, group_id: Annotated[int, Query(description="The group whose history to use.")]
) -> Group:
    return own_group(group_id, user, place)


HistoryGroup = Annotated[Group, Depends(history_group)]


@router.get(
    "/history",
    summary="List chat history",
    description=(
        "Compatible with ask-video: prefer GET /v1/chat/history. "
        "Returns the questions and answers about a group, newest first: at most 500, without pages."
    ),
)
def list_history_compat(group: HistoryGroup, place: PlaceDep) -> list[ChatLog]:
    return chat_logs(place, group)


@router.get(
    "/history/export",
    summary="Export chat history",
    description=(
        "Compatible with ask-video: prefer GET /v1/chat/history/export. Returns a CSV file, oldest first, in UTF-8 "
        "with a byte order mark. Values that a spreadsheet would run as formulas are written as text."
    ),
    response_class=StreamingResponse,
    responses={200: {"content": file_content(["text/csv"]), "description": "The CSV file"}},
)
def export_history_compat(group: HistoryGroup, place: PlaceDep) -> StreamingResponse:
    number = number_ids(place.documents, group.owner, "group", [group.id])[group.id]
    name = f"chat_history_group_{number}.csv"
    return StreamingResponse(
        csv_rows(chat_logs(place, group)[::-1]),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def chat_logs(place: Place, group: Group) -> list[ChatLog]:
    """Pair the newest messages as questions with their answers."""
    about = history.subject_filters(group.id, None)

    def load_page(cursor: str | None) -> tuple[list[ChatMessage], str | None]:
        return history.list_messages(place.documents, group.owner, about, PAGE_SIZE, cursor)

    messages = {message.id: message for message in all_items(load_page)}
    pairs = [(messages[message.answers], message) for message in messages.values() if message.answers in messages]
    documents, owner = place.documents, group.owner
    cited = (citation.video_id for _, answer in pairs for citation in answer.citations)
    videos = number_ids(documents, owner, "video", cited)
    group_number = number_ids(documents, owner, "group", [group.id])[group.id]
    # The oldest answer gets the smallest number.
    numbers = number_ids(documents, owner, "answer", (answer.id for _, answer in reversed(pairs)))
    return [
        ChatLog(
            id=numbers[answer.id],
            group=group_number,
            question=question.content,
            answer=answer.content,
            related_videos=to_related_videos(answer.citations, videos),
            created_at=answer.created_at,
        )
        for question, answer in pairs
    ]


def csv_rows(entries: list[ChatLog]) -> Iterator[bytes]:
    yield (history.BOM + history.csv_row(COLUMNS)).encode()
    for entry in entries:
        passages = "\n".join(f"{video.title}, {video.start_time}–{video.end_time}" for video in entry.related_videos)
        yield history.csv_row([entry.created_at.isoformat(), entry.question, entry.answer, "false", passages]).encode()


def to_related_videos(citations: list[Citation], numbers: dict[str, int]) -> list[RelatedVideo]:
    return [
        RelatedVideo(
            video_id=numbers[citation.video_id],
            title=citation.title or "",
            start_time=timestamp(citation.start, ","),
            end_time=timestamp(citation.end, ","),
        )
        for citation in citations
    ]
