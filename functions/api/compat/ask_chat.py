"""The chat paths of the earlier ask-video: /v1/chat with its field names."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Literal

from fastapi import Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import StreamingResponse

from functions.api.access import Place, check_id
from functions.api.chatting import Talk
from functions.api.compat.ask import PAGE, all_of, ask_router
from functions.api.compat.ask_groups import own_group
from functions.api.identity import Caller, Credentials, caller
from functions.api.openapi import problems
from functions.api.routes.chat import ChatTurn, asked_by_link, asked_of_group, question_in, take_question
from shared.chat import history
from shared.errors import NotFound
from shared.exports.transcript import timestamp
from shared.models.chat import Citation, Message
from shared.models.group import Group
from shared.platform.ports import Platform

COLUMNS = ("created_at", "question", "answer", "is_shared_origin", "related_videos")

router = ask_router("/api/chat", 401, 403, 404)


class AskTurn(ChatTurn):
    model_config = ConfigDict(extra="ignore")


class AskWish(BaseModel):
    group_id: str = Field(description="The group to ask about.")
    messages: list[AskTurn] = Field(
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


class AskAnswer(BaseModel):
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
    responses=problems(402, 502, 503),
)
def ask_chat(
    wish: AskWish,
    request: Request,
    credentials: Credentials,
    place: Place,
    share_token: Annotated[
        str | None, Query(max_length=100, description="Share token of the group. It replaces the access token.")
    ] = None,
) -> AskAnswer:
    text, group_id = question_in(list(wish.messages)), check_id(wish.group_id)
    if share_token is None:
        who = caller(request, credentials).id
        question = asked_of_group(place, who, group_id, text)
    else:
        question = asked_by_link(place, share_token, text)
        who = f"link to {question.group_id}"
    if question.group_id != group_id:
        raise NotFound(group_id)
    take_question(request, place, who)
    told = Talk(place, question, share_token).whole()
    cited = [Citation.model_validate(citation) for citation in told["citations"]]
    return AskAnswer(content=told["content"], related_videos=related(cited), chat_log_id=told["messageId"])


def asked_about(
    user: Caller, place: Place, group_id: Annotated[str, Query(description="The group whose history to use.")]
) -> Group:
    return own_group(group_id, user, place)


AskedAbout = Annotated[Group, Depends(asked_about)]


@router.get(
    "/history/",
    summary="List chat history",
    description=(
        "Compatible with ask-video: prefer GET /v1/chat/history. "
        "Returns the questions and answers about a group, newest first: at most 500, without pages."
    ),
)
def ask_history(group: AskedAbout, place: Place) -> list[ChatLog]:
    return logs(place, group)


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
def ask_export(group: AskedAbout, place: Place) -> StreamingResponse:
    name = f"chat_history_group_{group.id}.csv"
    return StreamingResponse(
        lines(logs(place, group)[::-1]),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def logs(place: Platform, group: Group) -> list[ChatLog]:
    """Pair the newest messages as questions with their answers."""
    about = history.about(group.id, None)

    def page(cursor: str | None) -> tuple[list[Message], str | None]:
        return history.messages(place.documents, group.owner, about, PAGE, cursor)

    found = {message.id: message for message in all_of(page)}
    pairs = [(found[message.answers], message) for message in found.values() if message.answers in found]
    return [log(group.id, question, answer) for question, answer in pairs]


def log(group_id: str, question: Message, answer: Message) -> ChatLog:
    return ChatLog(
        id=answer.id,
        group=group_id,
        question=question.content,
        answer=answer.content,
        related_videos=related(answer.citations),
        created_at=answer.created_at,
    )


def lines(told: list[ChatLog]) -> Iterator[bytes]:
    yield (history.BOM + history.row(COLUMNS)).encode()
    for one in told:
        places = "\n".join(f"{video.title}, {video.start_time}–{video.end_time}" for video in one.related_videos)
        yield history.row([one.created_at.isoformat(), one.question, one.answer, "false", places]).encode()


def related(citations: list[Citation]) -> list[RelatedVideo]:
    return [
        RelatedVideo(
            video_id=citation.video_id,
            title=citation.title or "",
            start_time=timestamp(citation.start, ","),
            end_time=timestamp(citation.end, ","),
        )
        for citation in citations
    ]
