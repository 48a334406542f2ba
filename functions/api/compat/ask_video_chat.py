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
from functions.api.dependencies import PlaceDep, check_id
from functions.api.event_streams import ChatStream
from functions.api.identity import Caller, Credentials, caller
from functions.api.openapi import problem_responses
from functions.api.request_models import CompatRequestModel
from functions.api.routes.chat import ChatTurn, count_question, group_question, last_question, share_link_question
from shared.chat import history
from shared.errors import NotFound
from shared.exports.formats import timestamp
from shared.library.groups import Group
from shared.models.chat import ChatMessage, Citation
from shared.platform.ports import Place

COLUMNS = ("created_at", "question", "answer", "is_shared_origin", "related_videos")
router = create_ask_video_router("/api/chat", 401, 403, 404)


class AskVideoTurn(ChatTurn):
    model_config = ConfigDict(extra="ignore")


class AskVideoChatRequest(CompatRequestModel):
    group_id: str = Field(description="The group to ask about.")
    messages: list[AskVideoTurn] = Field(
        min_length=1,
        max_length=200,
        description=(
            "The conversation. Only the last message with the role `user` is answered; the role `system` is rejected."
        ),
    )


class RelatedVideo(BaseModel):
    """A passage that supports the answer. Its number in the answer, [1], [2], …, is its position in the list."""

    video_id: str = Field(description="The video that contains the passage.")
    title: str = Field(description="Title of the video.")
    start_time: str = Field(description="Start of the passage, as `HH:MM:SS,mmm`.", examples=["00:01:05,000"])
    end_time: str = Field(description="End of the passage, as `HH:MM:SS,mmm`.")


class AskVideoAnswer(BaseModel):
    role: Literal["assistant"] = Field("assistant", description="Always `assistant`.")
    content: str = Field(description="Text of the answer, with citations as [1], [2], …")
    related_videos: list[RelatedVideo] = Field(description="Passages that support the answer, by number.")
    chat_log_id: str | None = Field(
        description="Id of the answer in the chat history. Null if the answer is not stored."
    )


class ChatLog(BaseModel):
    """A question and its answer."""

    id: str = Field(description="Identifier of the entry.")
    group: str = Field(description="The group that the question is about.")
    question: str = Field(description="Text of the question.")
    answer: str = Field(description="Text of the answer.")
    related_videos: list[RelatedVideo] = Field(description="Passages that support the answer, by number.")
    is_shared_origin: Literal[False] = Field(
        False, description="Always false: questions asked with a share token are not stored."
    )
    created_at: datetime = Field(description="When the answer was stored.")


@router.post(
    "/",
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
    text, group_id = last_question(list(body.messages)), check_id(body.group_id)
    if share_token is None:
        client_id = caller(request, credentials).id
        question = group_question(place, client_id, group_id, text)
    else:
        question = share_link_question(place, share_token, text)
        client_id = f"link to {question.group_id}"
    if question.group_id != group_id:
        raise NotFound(group_id)
    count_question(request, place, client_id)
    answer = ChatStream(place, question, share_token).complete_answer()
    citations = [Citation.model_validate(citation) for citation in answer["citations"]]
    return AskVideoAnswer(
        content=answer["content"], related_videos=to_related_videos(citations), chat_log_id=answer["messageId"]
    )


def history_group(
    user: Caller, place: PlaceDep, group_id: Annotated[str, Query(description="The group whose history to use.")]
) -> Group:
    return own_group(group_id, user, place)


HistoryGroup = Annotated[Group, Depends(history_group)]


@router.get(
    "/history/",
    summary="List chat history",
    description=(
        "Compatible with ask-video: prefer GET /v1/chat/history. "
        "Returns the questions and answers about a group, newest first: at most 500, without pages."
    ),
)
def list_history_compat(group: HistoryGroup, place: PlaceDep) -> list[ChatLog]:
    return chat_logs(place, group)


@router.get(
    "/history/export/",
    summary="Export chat history",
    description=(
        "Compatible with ask-video: prefer GET /v1/chat/history/export. Returns a CSV file, oldest first, in UTF-8 "
        "with a byte order mark. Values that a spreadsheet would run as formulas are written as text."
    ),
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {}}, "description": "The CSV file"}},
)
def export_history_compat(group: HistoryGroup, place: PlaceDep) -> StreamingResponse:
    name = f"chat_history_group_{group.id}.csv"
    return StreamingResponse(
        csv_rows(chat_logs(place, group)[::-1]),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def chat_logs(place: Place, group: Group) -> list[ChatLog]:
    """Pair the newest messages as questions with their answers."""
    about = history.subject_filter(group.id, None)

    def load_page(cursor: str | None) -> tuple[list[ChatMessage], str | None]:
        return history.list_messages(place.documents, group.owner, about, PAGE_SIZE, cursor)

    messages = {message.id: message for message in all_items(load_page)}
    pairs = [(messages[message.answers], message) for message in messages.values() if message.answers in messages]
    return [chat_log(group.id, question, answer) for question, answer in pairs]


def chat_log(group_id: str, question: ChatMessage, answer: ChatMessage) -> ChatLog:
    return ChatLog(
        id=answer.id,
        group=group_id,
        question=question.content,
        answer=answer.content,
        related_videos=to_related_videos(answer.citations),
        created_at=answer.created_at,
    )


def csv_rows(entries: list[ChatLog]) -> Iterator[bytes]:
    yield (history.BOM + history.csv_row(COLUMNS)).encode()
    for entry in entries:
        passages = "\n".join(f"{video.title}, {video.start_time}–{video.end_time}" for video in entry.related_videos)
        yield history.csv_row([entry.created_at.isoformat(), entry.question, entry.answer, "false", passages]).encode()


def to_related_videos(citations: list[Citation]) -> list[RelatedVideo]:
    return [
        RelatedVideo(
            video_id=citation.video_id,
            title=citation.title or "",
            start_time=timestamp(citation.start, ","),
            end_time=timestamp(citation.end, ","),
        )
        for citation in citations
    ]
