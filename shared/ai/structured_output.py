"""The JSON Schema that a model's answer must follow, made from a kind's pydantic model."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError

from shared.errors import PermanentError, TransientError
from shared.progress import Tick

SUPPORTED_KEYWORDS = ("type", "description", "enum", "minimum", "maximum", "minItems", "maxItems")
"""Keywords that both OpenAI's strict mode and Gemini's response schema know and that mean the same in both."""
Schema = dict[str, Any]


def answer_schema(model: type[BaseModel]) -> Schema:
    """The model's schema in the subset that strict structured output takes.

    Every object is closed (`additionalProperties: false`) and all its properties are required, so that what is not
    there is told as null or an empty list; references are written out; defaults and titles are gone; properties marked
    `readOnly` are left out, since they are not a model's to say. Names are those of documents (camelCase).

    Raises ValueError for what strict mode cannot express: objects with free keys, and models that contain themselves.
    """
    schema = model.model_json_schema(by_alias=True, mode="validation")
    return _to_strict_schema(schema, schema.get("$defs", {}), ())


def drop_unknown_properties(value: Any, schema: Schema) -> Any:
    """`value` without the properties that the schema does not have."""
    for option in schema.get("anyOf", [schema]):
        if option.get("type") == "object" and isinstance(value, dict):
            properties = option["properties"]
            return {
                name: drop_unknown_properties(part, properties[name])
                for name, part in value.items()
                if name in properties
            }
        if option.get("type") == "array" and isinstance(value, list):
            return [drop_unknown_properties(part, option["items"]) for part in value]
    return value


def _to_strict_schema(node: Schema, definitions: dict[str, Schema], within: tuple[str, ...]) -> Schema:
    if "$ref" in node:
        name = node["$ref"].removeprefix("#/$defs/")
        if name in within:
            raise ValueError(f"{name} contains itself, which an answer's schema cannot")
        overrides = {key: value for key, value in node.items() if key != "$ref"}
        return _to_strict_schema({**definitions[name], **overrides}, definitions, (*within, name))
    strict = {key: node[key] for key in SUPPORTED_KEYWORDS if key in node}
    if "const" in node:
        strict["enum"] = [node["const"]]
    if "anyOf" in node:
        strict["anyOf"] = [_to_strict_schema(option, definitions, within) for option in node["anyOf"]]
    elif node.get("type") == "array":
        strict["items"] = _to_strict_schema(node["items"], definitions, within)
    elif node.get("type") == "object":
        if not node.get("properties") or node.get("additionalProperties"):
            raise ValueError(f"{node.get('title', 'an object')} has free keys, which an answer's schema cannot")
        properties = {name: part for name, part in node["properties"].items() if not part.get("readOnly")}
        strict["properties"] = {name: _to_strict_schema(part, definitions, within) for name, part in properties.items()}
        strict["required"] = list(properties)
        strict["additionalProperties"] = False
    return strict


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
