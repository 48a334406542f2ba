"""Gets an answer of the right shape out of a model, in a bounded number of calls."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError

from shared.ai.schema import answer_schema, pruned
from shared.errors import PermanentError, TransientError
from shared.progress import Tick

T = TypeVar("T", bound=BaseModel)

ROOM, MORE_ROOM = 8_000, 16_000
"""Tokens an answer may take, at first and when that was too little. A long recipe takes about 3 000."""


@dataclass(frozen=True)
class Answer:
    text: str
    truncated: bool = False


@dataclass(frozen=True)
class Repair:
    """An answer that did not fit, and why, for the model to mend."""

    answer: str
    problems: str

    @property
    def request(self) -> str:
        return (
            "Your answer does not fit the schema. Answer again with the whole JSON object, corrected, and nothing "
            f"else. What is wrong with it: {self.problems}"
        )


Ask = Callable[[int, Repair | None], Answer]
"""Makes one call with room for so many tokens; raises what `shared.ai.provider.Provider.analyze` does."""


def ask_for(model: type[T], ask: Ask, tick: Tick, rooms: tuple[int, int] = (ROOM, MORE_ROOM)) -> T:
    """An instance of `model`, in at most three calls: one, one with more room if it was cut short, one repair.

    Raises:
        PermanentError: `answer_too_long`: it was cut short with more room too.
        TransientError: `answer_invalid`: it does not fit the schema after the repair either.
    """
    tick(0, "Sending the request to the AI")
    room, more_room = rooms
    answer = ask(room, None)
    if answer.truncated:
        tick(0.3, "The answer was cut off; requesting it again with a higher token limit")
        room = more_room
        answer = _whole(ask(room, None))
    try:
        return parsed(model, answer.text)
    except ValueError as error:
        repair = Repair(answer.text, problems_of(error))
    tick(0.6, "The answer did not match the schema; requesting a correction")
    answer = _whole(ask(room, repair))
    try:
        return parsed(model, answer.text)
    except ValueError:
        raise TransientError("answer_invalid", "The AI response was invalid twice. Try again later.") from None


def parsed(model: type[T], text: str) -> T:
    """Raises ValueError (pydantic's ValidationError included) when the text is not JSON or does not fit.

    A server without strict mode may leave out what is null deep inside, but not what the answer is about.
    """
    value = json.loads(text, parse_constant=_no_number, parse_float=_finite)
    schema = answer_schema(model)
    missing = [name for name in schema["required"] if isinstance(value, dict) and name not in value]
    if missing:
        raise ValueError(f"the object lacks {', '.join(missing)}")
    return model.model_validate(pruned(value, schema))


def problems_of(error: ValueError) -> str:
    if isinstance(error, ValidationError):
        found = error.errors(include_url=False, include_input=False, include_context=False)
        return json.dumps([{"at": ".".join(map(str, one["loc"])), "problem": one["msg"]} for one in found[:20]])
    return json.dumps([{"at": "", "problem": str(error)}])


def refused(reason: str) -> PermanentError:
    """The error for an answer that the model or its filter withheld; `reason` is the service's word for it."""
    return PermanentError(
        "refused", f"The AI declined to analyze this video ({reason}). Try another video or another provider."
    )


def _whole(answer: Answer) -> Answer:
    if answer.truncated:
        raise PermanentError(
            "answer_too_long", "The AI response for this video exceeded the length limit. Try a shorter video."
        )
    return answer


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number of JSON")


def _finite(text: str) -> Any:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is too large a number")
    return number
