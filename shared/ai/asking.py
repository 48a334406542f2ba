"""Gets an answer of the right shape out of a model, in a bounded number of calls."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError

from shared.ai.schema import answer_schema, drop_unknown_properties
from shared.errors import PermanentError, TransientError
from shared.progress import Tick

T = TypeVar("T", bound=BaseModel)

MAX_ANSWER_TOKENS, EXTENDED_ANSWER_TOKENS = 8_000, 16_000
"""Tokens an answer may take, at first and when that was too little. A long recipe takes about 3 000."""


@dataclass(frozen=True)
class ModelAnswer:
    text: str
    truncated: bool = False


@dataclass(frozen=True)
class RepairRequest:
    """An answer that did not fit, and why, for the model to mend."""

    answer: str
    problems: str

    @property
    def prompt(self) -> str:
        return (
            "Your answer does not fit the schema. Answer again with the whole JSON object, corrected, and nothing "
            f"else. What is wrong with it: {self.problems}"
        )


ModelCall = Callable[[int, RepairRequest | None], ModelAnswer]
"""Makes one call with room for so many tokens; raises what `shared.ai.provider.Provider.analyze` does."""


def request_structured_output(
    model: type[T],
    call_model: ModelCall,
    tick: Tick,
    token_limits: tuple[int, int] = (MAX_ANSWER_TOKENS, EXTENDED_ANSWER_TOKENS),
) -> T:
    """An instance of `model`, in at most three calls: one, one with more room if it was cut short, one repair.

    Raises:
        PermanentError: `answer_too_long`: it was cut short with more room too.
        TransientError: `answer_invalid`: it does not fit the schema after the repair either.
    """
    tick(0, "Sending the request to the AI")
    max_tokens, extended_max_tokens = token_limits
    answer = call_model(max_tokens, None)
    if answer.truncated:
        tick(0.3, "The answer was cut off; requesting it again with a higher token limit")
        max_tokens = extended_max_tokens
        answer = _require_complete(call_model(max_tokens, None))
    try:
        return parse_answer(model, answer.text)
    except ValueError as error:
        repair = RepairRequest(answer.text, describe_problems(error))
    tick(0.6, "The answer did not match the schema; requesting a correction")
    answer = _require_complete(call_model(max_tokens, repair))
    try:
        return parse_answer(model, answer.text)
    except ValueError:
        raise TransientError("answer_invalid", "The AI response was invalid twice. Try again later.") from None


def parse_answer(model: type[T], text: str) -> T:
    """Raises ValueError (pydantic's ValidationError included) when the text is not JSON or does not fit.

    A server without strict mode may leave out what is null deep inside, but not what the answer is about.
    """
    value = json.loads(text, parse_constant=_reject_constant, parse_float=_parse_finite_float)
    schema = answer_schema(model)
    missing = [name for name in schema["required"] if isinstance(value, dict) and name not in value]
    if missing:
        raise ValueError(f"the object lacks {', '.join(missing)}")
    return model.model_validate(drop_unknown_properties(value, schema))


def describe_problems(error: ValueError) -> str:
    if isinstance(error, ValidationError):
        errors = error.errors(include_url=False, include_input=False, include_context=False)
        return json.dumps([{"at": ".".join(map(str, item["loc"])), "problem": item["msg"]} for item in errors[:20]])
    return json.dumps([{"at": "", "problem": str(error)}])


def analysis_refused_error(reason: str) -> PermanentError:
    """The error for an answer that the model or its filter withheld; `reason` is the service's word for it."""
    return PermanentError(
        "refused", f"The AI declined to analyze this video ({reason}). Try another video or another provider."
    )


def _require_complete(answer: ModelAnswer) -> ModelAnswer:
    if answer.truncated:
        raise PermanentError(
            "answer_too_long", "The AI response for this video exceeded the length limit. Try a shorter video."
        )
    return answer


def _reject_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number of JSON")


def _parse_finite_float(text: str) -> Any:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is too large a number")
    return number
