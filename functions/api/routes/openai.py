"""Chat in OpenAI's form, for programs that talk to its API: the library and each group are models."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from functions.api.completions import Completion, CompletionStream
from functions.api.dependencies import PlaceDep, check_id
from functions.api.event_streams import EventStream
from functions.api.identity import Caller
from functions.api.openai_errors import PREFIX
from functions.api.openapi import event_stream_response, json_body, problem_responses
from functions.api.request_bodies import read_json
from functions.api.request_models import CompatRequestModel
from functions.api.routes.chat import ChatTurn, count_question, group_question, last_question, library_question
from shared.ai.provider import Turn
from shared.chat.answer import Question
from shared.errors import NotFound, PermanentError
from shared.library import groups
from shared.library.groups import Group
from shared.platform.ports import Place

router = APIRouter(
    prefix=PREFIX.rstrip("/"), tags=["openai"], responses=problem_responses(400, 401, 402, 403, 404, 413, 415, 422)
)

LIBRARY_MODEL, GROUP_MODEL = "clipwise-library", "clipwise-group-"
GROUPS_PER_PAGE, MAX_GROUPS = 100, 500
MAX_BODY_BYTES = 1_000_000
MAX_MESSAGES, MAX_PARTS, MAX_CONTENT = 200, 100, 50_000


class ContentPart(CompatRequestModel):
    """A part of a message. Only text is used."""

    type: str = Field(max_length=100, description="Type of the part. Parts of other types than `text` are ignored.")
    text: str | None = Field(None, max_length=MAX_CONTENT, description="The text.")


class CompletionTurn(CompatRequestModel):
    """A message of the conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"] = Field(
        description="Author of the message. Only `user` and `assistant` are used; others are accepted and ignored."
    )
    content: (
        Annotated[str, Field(max_length=MAX_CONTENT)] | Annotated[list[ContentPart], Field(max_length=MAX_PARTS)] | None
    ) = Field(None, description="The message, as text or as parts.")

    @property
    def text(self) -> str:
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content if part.type == "text" and part.text)
        return self.content or ""


class StreamOptions(CompatRequestModel):
    include_usage: bool = Field(False, description="Whether the last chunk reports the usage.")


class CompletionRequest(CompatRequestModel):
    """A question. The fields of OpenAI's API that are missing here are accepted and ignored."""

    model: str = Field(
        max_length=200, description="Id of a model from GET /v1/openai/models.", examples=[LIBRARY_MODEL]
    )
    messages: list[CompletionTurn] = Field(
        min_length=1,
        max_length=MAX_MESSAGES,
        description="The conversation. The last message with the role `user` is answered.",
        examples=[[{"role": "user", "content": "How long does the dough rest?"}]],
    )
    stream: bool = Field(False, description="Return the answer in chunks while it is generated.")
    stream_options: StreamOptions | None = Field(None, description="Options of the stream.")


class ModelInfo(BaseModel):
    """What can be asked: the library, or a group."""

    id: str = Field(description="Identifier, to be used as `model`.", examples=[LIBRARY_MODEL])
    object: Literal["model"] = Field("model", description="Always `model`.")
    created: int = Field(description="When the group was created, in seconds since 1970. 0 for the library.")
    owned_by: str = Field("clipwise", description="Always `clipwise`.")
    name: str = Field(description="Name for people: that of the group.")


class ModelList(BaseModel):
    object: Literal["list"] = Field("list", description="Always `list`.")
    data: list[ModelInfo] = Field(description=f"The library, then your newest groups, at most {MAX_GROUPS}.")


LIBRARY = ModelInfo(id=LIBRARY_MODEL, created=0, name="Clipwise library")


@router.get(
    "/models",
    summary="List models",
    description=(
        "Returns what can be asked as a model: all your videos, and each of your groups. "
        f"At most {MAX_GROUPS} groups are listed, newest first."
    ),
)
def list_models(user: Caller, place: PlaceDep) -> ModelList:
    models = [LIBRARY]
    cursor: str | None = None
    while len(models) <= MAX_GROUPS:
        page, cursor = groups.list_groups(place.documents, user.id, GROUPS_PER_PAGE, cursor)
        models += map(group_model, page)
        if cursor is None:
            break
    return ModelList(data=models)


@router.get(
    "/models/{model_id}",
    summary="Get a model",
    description="Returns one of the models that GET /v1/openai/models lists.",
)
def get_model(
    model_id: Annotated[str, Path(max_length=200, description="The `id` of the model.")], user: Caller, place: PlaceDep
) -> ModelInfo:
    if model_id == LIBRARY_MODEL:
        return LIBRARY
    return group_model(find_group(place, user.id, model_id))


@router.post(
    "/chat/completions",
    summary="Create a chat completion",
    description=(
        "Answers the last message of the user from the transcripts of the model's videos, as POST /v1/chat does. "
        "Citations are Markdown links to the moment in the console, followed by a list of the sources. Earlier "
        "messages help to understand the question; system messages are ignored. With `stream`, the answer comes in "
        "chunks that end with `[DONE]`. The answer is not stored in the chat history."
    ),
    response_model=Completion,
    openapi_extra=json_body(CompletionRequest),
    responses=problem_responses(502, 503) | event_stream_response("The answer", {"type": "object"}),
)
async def create_completion(request: Request, user: Caller, place: PlaceDep) -> Response:
    body = await read_json(request, CompletionRequest, MAX_BODY_BYTES)
    question = await run_in_threadpool(read_question, place, user.id, body)
    await run_in_threadpool(count_question, request, place, user.id)
    with_usage = body.stream_options is not None and body.stream_options.include_usage
    answer = CompletionStream(place, question, body.model, with_usage)
    if not body.stream:
        return JSONResponse(await run_in_threadpool(answer.complete_answer))
    # An error before the first piece gets its own HTTP status.
    first_event = await run_in_threadpool(answer.next_event)
    return EventStream(answer.sse_events(first_event), headers={"X-Accel-Buffering": "no"})


def read_question(place: Place, owner: str, body: CompletionRequest) -> Question:
    """Return the question of a request. Raises PermanentError `unknown_model`, and as `last_question`."""
    turns = [
        ChatTurn(role=turn.role, content=turn.text[:MAX_CONTENT])
        for turn in body.messages
        if turn.role in ("user", "assistant")
    ]
    text = last_question(turns)
    if body.model == LIBRARY_MODEL:
        question = library_question(owner, text)
    else:
        question = group_question(place, owner, find_group(place, owner, body.model).id, text)
    return replace(question, is_stored=False, earlier=earlier_turns(turns))


def earlier_turns(turns: list[ChatTurn]) -> list[Turn]:
    """Return the messages before the last one of the user."""
    last = max(position for position, turn in enumerate(turns) if turn.role == "user")
    return [Turn(turn.role, turn.content) for turn in turns[:last] if turn.role != "system" and turn.content.strip()]


def find_group(place: Place, owner: str, model_id: str) -> Group:
    """Return the group of a model; raises PermanentError `unknown_model`."""
    if model_id.startswith(GROUP_MODEL):
        try:
            return groups.read_own_group(place.documents, check_id(model_id.removeprefix(GROUP_MODEL)), owner)
        except NotFound:
            pass
    raise PermanentError(
        "unknown_model", "This model does not exist or is not yours. List them with GET /v1/openai/models."
    )


def group_model(group: Group) -> ModelInfo:
    return ModelInfo(id=f"{GROUP_MODEL}{group.id}", created=int(group.created_at.timestamp()), name=group.name)
