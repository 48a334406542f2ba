"""Questions about videos, and what was asked before."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.responses import JSONResponse, StreamingResponse

from functions.api.access import Place, wrong_cursor
from functions.api.chatting import ChatAnswer, CitationInfo, Talk, linked
from functions.api.events import EventStream
from functions.api.identity import Caller, Credentials, caller
from functions.api.openapi import problems
from functions.api.schemas import LanguageTag
from functions.api.throttle import CHAT, Quota
from shared.chat import history
from shared.chat.answering import Question
from shared.errors import PermanentError
from shared.library import groups, shares, videos
from shared.models.base import Model
from shared.models.chat import Message
from shared.models.job import Usage
from shared.platform.ports import Filter, Platform
from shared.settings import settings

router = APIRouter(prefix="/v1/chat", tags=["chat"], responses=problems(401, 403, 404, 422))

MAX_QUESTION = 2_000
Id = Annotated[str, Field(pattern="^[0-9a-f]{32}$")]


class ChatTurn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    role: Literal["user", "assistant", "system"]
    content: str = Field(max_length=50_000)


class ChatWish(BaseModel):
    """A question about a group, a video, or the group that a share link shows: exactly one of these."""

    model_config = ConfigDict(extra="forbid")

    group_id: Id | None = None
    video_id: Id | None = None
    share_token: Annotated[str, Field(max_length=100)] | None = None
    messages: list[ChatTurn] = Field(
        min_length=1,
        max_length=200,
        description="Only the last one by the user counts; those of the role `system` are refused.",
        examples=[[{"role": "user", "content": "How long does the dough rest?"}]],
    )
    stream: bool = Field(False, description="As server-sent events, while the answer is made.")
    language: LanguageTag | None = Field(None, description="BCP-47 tag of the answer; default: that of the question.")

    @model_validator(mode="after")
    def about_one(self) -> Self:
        if sum(given is not None for given in (self.group_id, self.video_id, self.share_token)) != 1:
            raise ValueError("it must have exactly one of group_id, video_id and share_token")
        return self


class MessageInfo(Model):
    id: str
    group_id: str | None
    video_id: str | None
    role: Literal["user", "assistant"]
    answers: str | None = Field(description="Id of the question, if this is an answer.")
    content: str
    citations: list[CitationInfo]
    usage: Usage
    error: str | None = Field(description="The code of what ended the answer before its end.")
    created_at: datetime


class MessagePage(BaseModel):
    messages: list[MessageInfo] = Field(description="Newest first.")
    cursor: str | None = Field(description="Give it back to get the next page; null on the last one.")


def question_in(messages: list[ChatTurn]) -> str:
    """Raises PermanentError `system_refused`, `no_question`, `question_too_long`."""
    if any(turn.role == "system" for turn in messages):
        raise PermanentError("system_refused", "Messages with the role “system” are not accepted. Use the role “user”.")
    asked = [turn.content.strip() for turn in messages if turn.role == "user"]
    if not asked or not asked[-1]:
        raise PermanentError("no_question", "The request contains no question. Send a message with the role “user”.")
    if len(asked[-1]) > MAX_QUESTION:
        raise PermanentError("question_too_long", f"The question exceeds {MAX_QUESTION} characters. Shorten it.")
    return asked[-1]


def asked_of_group(place: Platform, owner: str, group_id: str, text: str, language: str | None = None) -> Question:
    """Raises NotFound."""
    group = groups.own_group(place.documents, group_id, owner)
    return Question(text, owner, group.videos, group_id=group.id, language=language)


def asked_by_link(place: Platform, token: str, text: str, language: str | None = None) -> Question:
    """The group's owner pays; nothing is kept. Raises NotFound."""
    group = shares.shared_group(place.documents, token)
    return Question(text, group.owner, group.videos, group_id=group.id, language=language, kept=False)


def asked_of_video(place: Platform, owner: str, video_id: str, text: str, language: str | None = None) -> Question:
    """Raises NotFound."""
    video = videos.own_video(place, video_id, owner)
    return Question(text, owner, [video.id], video_id=video.id, language=language)


def take_question(request: Request, place: Platform, who: str) -> None:
    """Count a question by whoever asks; raises RateLimited."""
    Quota(request.scope, place.documents, CHAT, settings().rate_limit_chat, who).take()


@router.post(
    "",
    summary="Ask what is said in videos",
    description=(
        "The answer rests on the transcripts and cites them by number; without an AI provider the nearest passages are "
        "quoted. With `stream`, events come as `citation` (before the first piece that has its number), `piece` "
        "(`text`, to be appended), and at last `done` (the whole answer, as without `stream`) or `error` (`code`, "
        "`detail`). With a share link nobody needs an account, the group's owner pays, and nothing is kept."
    ),
    response_model=ChatAnswer,
    responses=problems(402, 502, 503)
    | {200: {"description": "The answer.", "content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
def ask(wish: ChatWish, request: Request, credentials: Credentials, place: Place) -> Response:
    text = question_in(wish.messages)
    if wish.share_token is not None:
        question = asked_by_link(place, wish.share_token, text, wish.language)
        who = f"link to {question.group_id}"
    else:
        who = caller(request, credentials).id
        if wish.group_id is not None:
            question = asked_of_group(place, who, wish.group_id, text, wish.language)
        else:
            question = asked_of_video(place, who, str(wish.video_id), text, wish.language)
    take_question(request, place, who)
    talk = Talk(place, question, wish.share_token)
    if not wish.stream:
        return JSONResponse(talk.whole())
    # What goes wrong before the first piece has a status of its own.
    first = talk.next()
    return EventStream(talk.stream(first), headers={"X-Accel-Buffering": "no"})


def subject(
    user: Caller,
    place: Place,
    group_id: Annotated[Id | None, Query(description="About which group.")] = None,
    video_id: Annotated[Id | None, Query(description="Or about which video.")] = None,
) -> Filter:
    """What the history is about, if it is the caller's; raises NotFound, PermanentError `no_subject`."""
    if (group_id is None) == (video_id is None):
        raise PermanentError("no_subject", "The request names no group and no video. Send a group_id or a video_id.")
    if group_id is not None:
        groups.own_group(place.documents, group_id, user.id)
    else:
        videos.own_video(place, str(video_id), user.id)
    return history.about(group_id, video_id)


Subject = Annotated[Filter, Depends(subject)]


@router.get("/history", summary="List what was asked and answered, newest first", response_model=MessagePage)
def show_history(
    user: Caller,
    place: Place,
    subject: Subject,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(max_length=2000, description="From the page before.")] = None,
) -> Any:
    try:
        found, after = history.messages(place.documents, user.id, subject, limit, cursor)
    except ValueError:
        raise wrong_cursor() from None
    return {"messages": [shown(message) for message in found], "cursor": after}


def shown(message: Message) -> dict[str, Any]:
    return message.public() | {"citations": [linked(citation) for citation in message.citations]}


@router.delete("/history", summary="Delete what was asked and answered", status_code=204, response_class=Response)
def delete_history(user: Caller, place: Place, subject: Subject) -> None:
    history.forget(place.documents, user.id, subject)


@router.get(
    "/history/export",
    summary="Export what was asked and answered as CSV",
    description="UTF-8 with a byte order mark, the oldest first. What a spreadsheet would run as a formula is text.",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {}}, "description": "The file."}},
)
def export_history(user: Caller, place: Place, subject: Subject) -> StreamingResponse:
    return StreamingResponse(
        history.exported(place.documents, user.id, subject),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="chat.csv"'},
    )
