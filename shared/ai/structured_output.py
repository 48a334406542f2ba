"""Structured output: the JSON Schema for a model's answer, the request with its repair, and the parsing."""

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
"""Keywords that OpenAI's strict mode and Gemini's response schema support with the same meaning."""
Schema = dict[str, Any]
T = TypeVar("T", bound=BaseModel)
MAX_ANSWER_TOKENS, EXTENDED_ANSWER_TOKENS = 8_000, 16_000
"""Maximum tokens of an answer, at first and after truncation. A long recipe has about 3 000."""
MAX_ANSWER_CHARACTERS = 200_000
"""More than the tokens allow; so that a result fits into its document, even if a service ignores their maximum."""
EMPTY_ANSWER = "{}"
"""Replaces an answer without text in a repair request, where Gemini rejects a turn without text."""


@dataclass(frozen=True)
class ModelAnswer:
    text: str
    truncated: bool = False

    @property
    def is_too_long(self) -> bool:
        return self.truncated or len(self.text) > MAX_ANSWER_CHARACTERS


@dataclass(frozen=True)
class RepairRequest:
    """An invalid answer and its problems, for the model to repair."""

    answer: str
    problems: str

    @property
    def prompt(self) -> str:
        return (
            "Your answer does not fit the schema. Answer again with the whole JSON object, corrected, and nothing "
            f"else. What is wrong with it: {self.problems}"
        )


ModelCall = Callable[[int, RepairRequest | None], ModelAnswer]
"""Makes one call with a maximum number of tokens; raises as `shared.ai.provider.Provider.analyze`."""


def request_structured_output(
    model: type[T],
    call_model: ModelCall,
    tick: Tick,
    token_limits: tuple[int, int] = (MAX_ANSWER_TOKENS, EXTENDED_ANSWER_TOKENS),
) -> T:
    """Return an instance of `model`, in at most three calls: one, one with the higher limit if truncated, one repair.

    Raises:
        PermanentError: `answer_too_long`: the answer was truncated at the higher limit too.
        TransientError: `answer_invalid`: the repaired answer does not fit the schema either.
    """
    tick(0, "Sending the request to the AI")
    max_tokens, extended_max_tokens = token_limits
    answer = call_model(max_tokens, None)
    if answer.is_too_long:
        tick(0.3, "The answer was cut off; requesting it again with a higher token limit")
        max_tokens = extended_max_tokens
        answer = _require_complete(call_model(max_tokens, None))
    try:
        return parse_answer(model, answer.text)
    except ValueError as error:
        repair = RepairRequest(answer.text or EMPTY_ANSWER, describe_problems(error))
    tick(0.6, "The answer did not match the schema; requesting a correction")
    answer = _require_complete(call_model(max_tokens, repair))
    try:
        return parse_answer(model, answer.text)
    except ValueError:
        raise TransientError("answer_invalid", "The AI response was invalid twice. Try again later.") from None


def parse_answer(model: type[T], text: str) -> T:
    """Return the instance in `text`; raises ValueError, which includes ValidationError, if it is invalid.

    A server without strict mode may omit nested null properties, but not properties of the outer object.
    """
    try:
        value = json.loads(text, parse_constant=_reject_constant, parse_float=_parse_finite_float)
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None
    schema = answer_schema(model)
    missing = [name for name in schema["required"] if isinstance(value, dict) and name not in value]
    if missing:
        raise ValueError(f"the object lacks {', '.join(missing)}")
    return model.model_validate(drop_unknown_properties(value, schema))


def describe_problems(error: ValueError) -> str:
    """Return the problems as JSON, at most 20, for a repair request."""
    if isinstance(error, ValidationError):
        errors = error.errors(include_url=False, include_input=False, include_context=False)
        return json.dumps([{"at": ".".join(map(str, item["loc"])), "problem": item["msg"]} for item in errors[:20]])
    return json.dumps([{"at": "", "problem": str(error)}])


def answer_schema(model: type[BaseModel]) -> Schema:
    """Return the schema of a pydantic model in the subset that strict structured output supports.

    Every object is closed (`additionalProperties: false`) and requires all its properties, so absent values are null or
    an empty list. References are resolved; defaults, titles and `readOnly` properties are omitted. Names are those of
    documents (camelCase).

    Raises ValueError for what strict mode cannot express: objects with free keys, and recursive models.
    """
    schema = model.model_json_schema(by_alias=True, mode="validation")
    return _to_strict_schema(schema, schema.get("$defs", {}), ())


def drop_unknown_properties(value: Any, schema: Schema) -> Any:
    """Return `value` without the properties that are not in the schema."""
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


def analysis_refused_error(reason: str) -> PermanentError:
    """Return the error for an answer that the model or its filter withheld; `reason` is the service's reason."""
    return PermanentError(
        "refused", f"The AI declined to analyze this video ({reason}). Try another video or another provider."
    )


def _require_complete(answer: ModelAnswer) -> ModelAnswer:
    if answer.is_too_long:
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
