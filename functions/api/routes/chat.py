"""Questions about videos, and the chat history."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field, model_validator
from starlette.responses import JSONResponse, StreamingResponse

from functions.api.dependencies import Cursor, Limit, PlaceDep
from functions.api.event_streams import ChatAnswer, ChatStream, CitationInfo, EventStream, link_citation
from functions.api.identity import Caller, Credentials, caller
from functions.api.openapi import REF, event_stream, event_stream_response, file_content, problem_responses
from functions.api.rate_limits import CHAT, Quota
from functions.api.request_models import RequestModel
from functions.api.schemas import NEXT_PAGE, LanguageTag
from shared.chat import history
from shared.chat.answer import Question
from shared.errors import PermanentError
from shared.library import groups, videos
from shared.models import Model
from shared.models.chat import ChatMessage
from shared.models.job import Usage
from shared.platform.ports import Filter, Place
from shared.settings import settings

_TEXT = {"type": "string"}
EVENTS: dict[str, dict[str, Any]] = {
    "citation": {"$ref": REF.format(model="CitationInfo")},
    "piece": {"type": "object", "properties": {"text": _TEXT}, "required": ["text"]},
    "done": {"$ref": REF.format(model="ChatAnswer")},
    "error": {"type": "object", "properties": {"code": _TEXT, "detail": _TEXT}, "required": ["code", "detail"]},
}
"""The events of an answer by name, with the schemas of their data."""
router = APIRouter(prefix="/v1/chat", tags=["chat"], responses=problem_responses(401, 403, 404, 422))

MAX_QUESTION = 2_000
ONE_SUBJECT = "Send exactly one of groupId, videoId and library."
Id = Annotated[str, Field(pattern="^[0-9a-f]{32}$")]


class ChatTurn(RequestModel):
    role: Literal["user", "assistant", "system"] = Field(
        description="Author of the message. The role `system` is rejected."
    )
    content: str = Field(
        max_length=50_000,
        description=f"Text of the message. The question itself may have at most {MAX_QUESTION:,} characters.",
    )


class ChatRequest(RequestModel):
    """A question about exactly one of: a group, a video, the library, a group that a share link opens."""

    group_id: Id | None = Field(None, description="The group to ask about.")
    video_id: Id | None = Field(None, description="The video to ask about.")
    library: bool = Field(False, description="Whether to ask about all your videos.")
    share_token: Annotated[str, Field(max_length=100)] | None = Field(
        None, description="Token of the share link whose group to ask about. No account is required."
    )
    messages: list[ChatTurn] = Field(
        min_length=1,
        max_length=200,
        description="The conversation. Only the last message with the role `user` is answered.",
        examples=[[{"role": "user", "content": "How long does the dough rest?"}]],
    )
    stream: bool = Field(False, description="Return the answer as server-sent events while it is generated.")
    language: LanguageTag | None = Field(
        None, description="Language of the answer, as a BCP-47 tag. Defaults to the language of the question."
    )

    @model_validator(mode="after")
    def require_one_subject(self) -> Self:
        subjects = (self.group_id, self.video_id, self.share_token, self.library or None)
        if sum(subject is not None for subject in subjects) != 1:
            raise ValueError("it must have exactly one of groupId, videoId, shareToken and library")
        return self


class MessageInfo(Model):
    """A question or an answer of the chat history. With neither group nor video, it is about the whole library."""

    id: str = Field(description="Identifier of the message.")
    group_id: str | None = Field(description="The group the message is about, if any.")
    video_id: str | None = Field(description="The video the message is about, if any.")
    role: Literal["user", "assistant"] = Field(description="`user` for a question, `assistant` for an answer.")
    answers: str | None = Field(description="Id of the question that this message answers. Null for a question.")
    content: str = Field(description="Text of the message. An answer cites its sources as [1], [2], …")
    citations: list[CitationInfo] = Field(description="Sources of an answer, by number.")
    usage: Usage = Field(description="Resources used to generate the answer.")
    error: str | None = Field(description="Error code if the answer was interrupted; otherwise null.")
    created_at: datetime = Field(description="When the message was stored.")


class MessagePage(BaseModel):
    messages: list[MessageInfo] = Field(description="Messages, newest first.")
    cursor: str | None = Field(description=NEXT_PAGE)


def last_question(messages: list[ChatTurn]) -> str:
    """Return the question in a conversation.

    Raises PermanentError `system_refused`, `no_question`, `question_too_long`.
    """
    if any(turn.role == "system" for turn in messages):
        raise PermanentError("system_refused", "Messages with the role “system” are not accepted. Use the role “user”.")
    questions = [turn.content.strip() for turn in messages if turn.role == "user"]
    if not questions or not questions[-1]:
        raise PermanentError("no_question", "The request contains no question. Send a message with the role “user”.")
    if len(questions[-1]) > MAX_QUESTION:
        raise PermanentError("question_too_long", f"The question exceeds {MAX_QUESTION} characters. Shorten it.")
    return questions[-1]


def group_question(place: Place, owner: str, group_id: str, text: str, language: str | None = None) -> Question:
    """Build a question about a group; raises NotFound."""
    group = groups.read_own_group(place.documents, group_id, owner)
    return Question(text, owner, group.videos, group_id=group.id, language=language)


def share_link_question(place: Place, token: str, text: str, language: str | None = None) -> Question:
    """Build a question by share link: the group's owner pays, and it is not stored.

    Raises NotFound, PermanentError `chat_not_shared`.
    """
    group = groups.find_shared_group(place.documents, token)
    if group.share and not group.share.chat:
        raise PermanentError("chat_not_shared", "This link does not allow questions. Ask its owner for one that does.")
    return Question(text, group.owner, group.videos, group_id=group.id, language=language, is_stored=False)


def video_question(place: Place, owner: str, video_id: str, text: str, language: str | None = None) -> Question:
    """Build a question about a video; raises NotFound."""
    video = videos.read_own_video(place, video_id, owner)
    return Question(text, owner, [video.id], video_id=video.id, language=language)


def library_question(owner: str, text: str, language: str | None = None) -> Question:
    """Build a question about all of the owner's videos."""
    return Question(text, owner, None, language=language)


def count_question(request: Request, place: Place, client_id: str) -> None:
    """Count a question against the quota of `client_id`; raises RateLimited."""
    Quota(request.scope, place.documents, CHAT, settings().rate_limit_chat, client_id).consume()


@router.post(
    "",
    summary="Ask a question about videos",
    description=(
        "Answers a question from the transcripts of the videos and cites them by number. Without an AI provider, the "
        "most relevant passages are quoted. With `stream`, the answer comes as server-sent events. A `citation` comes "
        "before the first piece that uses its number; each `piece` has a `text` to append. The last event is `done`, "
        "with the whole answer as without `stream`, or `error`, with `code` and `detail`. With `shareToken`, no "
        "account is required, the usage is charged to the group's owner, and nothing is stored."
    ),
    response_model=ChatAnswer,
    responses=problem_responses(402, 502, 503)
    | event_stream_response("The answer", {"anyOf": [event_stream(data, name) for name, data in EVENTS.items()]}),
)
def answer_question(body: ChatRequest, request: Request, credentials: Credentials, place: PlaceDep) -> Response:
    text = last_question(body.messages)
    if body.share_token is not None:
        question = share_link_question(place, body.share_token, text, body.language)
        client_id = f"link to {question.group_id}"
    else:
        client_id = caller(request, credentials).id
        if body.group_id is not None:
            question = group_question(place, client_id, body.group_id, text, body.language)
        elif body.video_id is not None:
            question = video_question(place, client_id, body.video_id, text, body.language)
        else:
            question = library_question(client_id, text, body.language)
    count_question(request, place, client_id)
    chat_stream = ChatStream(place, question, body.share_token)
    if not body.stream:
        return JSONResponse(chat_stream.complete_answer())
    # An error before the first piece gets its own HTTP status.
    first_event = chat_stream.next_event()
    return EventStream(chat_stream.sse_events(first_event), headers={"X-Accel-Buffering": "no"})


def history_filters(
    user: Caller,
    place: PlaceDep,
    group_id: Annotated[
        Id | None, Query(alias="groupId", description=f"The group whose history to use. {ONE_SUBJECT}")
    ] = None,
    video_id: Annotated[
        Id | None, Query(alias="videoId", description=f"The video whose history to use. {ONE_SUBJECT}")
    ] = None,
    library: Annotated[
        bool, Query(description=f"Whether to use the history of questions about all videos. {ONE_SUBJECT}")
    ] = False,
) -> list[Filter]:
    """Return the filters for one history of the caller; raises NotFound, PermanentError `no_subject`."""
    if (group_id is not None) + (video_id is not None) + library != 1:
        raise PermanentError("no_subject", f"The request names no history. {ONE_SUBJECT}")
    if group_id is not None:
        groups.read_own_group(place.documents, group_id, user.id)
    if video_id is not None:
        videos.read_own_video(place, video_id, user.id)
    return history.subject_filters(group_id, video_id)


HistoryFilters = Annotated[list[Filter], Depends(history_filters)]


@router.get(
    "/history",
    summary="List chat history",
    description="Returns the questions and answers about a group, a video or the library, newest first.",
    response_model=MessagePage,
)
def list_history(
    user: Caller,
    place: PlaceDep,
    subject: HistoryFilters,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Any:
    items, next_cursor = history.list_messages(place.documents, user.id, subject, limit, cursor)
    return {"messages": [message_response(message) for message in items], "cursor": next_cursor}


def message_response(message: ChatMessage) -> dict[str, Any]:
    return message.to_public() | {"citations": [link_citation(citation) for citation in message.citations]}


@router.delete(
    "/history",
    summary="Delete chat history",
    description="Deletes all questions and answers about a group, a video or the library.",
    status_code=204,
    response_class=Response,
)
def delete_history(user: Caller, place: PlaceDep, subject: HistoryFilters) -> None:
    history.delete_messages(place.documents, user.id, subject)


@router.get(
    "/history/export",
    summary="Export chat history",
    description=(
        "Returns the history as a CSV file, oldest first, in UTF-8 with a byte order mark. "
        "Values that a spreadsheet would run as formulas are written as text."
    ),
    response_class=StreamingResponse,
    responses={200: {"content": file_content(["text/csv"]), "description": "The CSV file"}},
)
def export_history(user: Caller, place: PlaceDep, subject: HistoryFilters) -> StreamingResponse:
    return StreamingResponse(
        history.export_csv(place.documents, user.id, subject),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="chat.csv"'},
    )
