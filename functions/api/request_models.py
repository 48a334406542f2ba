"""The base of all request bodies, and types of their fields, within bounds that every place can store."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic.alias_generators import to_camel

from shared.models.video import MAX_SPEAKER

MIN_INTEGER, MAX_INTEGER = -(2**63), 2**63 - 1
"""The integers that Firestore and SQLite can store."""
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
MAX_SPEAKERS = 100
"""Maximum number of named speakers of a video."""
NON_BLANK = {"pattern": r"\S"}
"""For the API's description: the text contains more than white space."""


def check_storable(value: Any) -> Any:
    """Return a value of any depth. Raises ValueError if a text or number in it cannot be stored by every place."""
    match value:
        case str():
            if "\0" in value:
                raise ValueError("it must not contain a NUL character")
            if any("\ud800" <= char <= "\udfff" for char in value):
                raise ValueError("it must not contain half a surrogate pair")
        case int() if not MIN_INTEGER <= value <= MAX_INTEGER:
            raise ValueError("it must be an integer of at most 64 bits")
        case float() if not math.isfinite(value):
            raise ValueError("it must be a finite number")
        case BaseModel():
            check_storable(dict(value))
        case Mapping():
            check_storable([*value.keys(), *value.values()])
        case Iterable() if not isinstance(value, bytes):
            for item in value:
                check_storable(item)
    return value


class CheckedByGuard:
    """Marks a field whose text `check_url` checks: what is wrong with a link has codes of its own."""


LinkText = Annotated[str, CheckedByGuard()]


def describe_deprecated_names(schema: dict[str, Any], model: type[BaseModel]) -> None:
    """Mention in a model's JSON Schema the snake_case names that its fields had before."""
    for name in model.model_fields:
        field = schema["properties"].get(to_camel(name), {})
        if to_camel(name) != name and field:
            field["description"] = f"{field['description']} `{name}` is a deprecated name of this field."


class RequestModel(BaseModel):
    """A request body. Unknown fields are rejected, and so is every text or number that cannot be stored.

    Names are in camelCase, as in responses; the names in snake_case that they had before are still accepted.
    """

    model_config = ConfigDict(
        extra="forbid",
        alias_generator=to_camel,
        populate_by_name=True,
        json_schema_extra=describe_deprecated_names,
    )

    @field_validator("*")
    @classmethod
    def check_field(cls, value: Any, info: ValidationInfo) -> Any:
        metadata = cls.model_fields[info.field_name].metadata if info.field_name else []
        is_link = isinstance(value, str) and any(isinstance(item, CheckedByGuard) for item in metadata)
        return value if is_link else check_storable(value)


class CompatRequestModel(RequestModel):
    """A request body of an earlier system in its own names, whose clients may send fields that are ignored."""

    model_config = ConfigDict(extra="ignore", alias_generator=None)


def to_line(text: str) -> str | None:
    """Return the text as one line without surplus white space; None if nothing is left."""
    return " ".join(text.split()) or None


def to_nonblank_line(text: str) -> str:
    """Return the text as one line without surplus white space. Raises ValueError if nothing is left."""
    line = to_line(text)
    if line is None:
        raise ValueError("it must not be blank")
    return line


def to_moment(time: datetime) -> datetime:
    """Return the time in UTC. Raises ValueError for times before 1970 and after 9999."""
    with suppress(OverflowError):
        moment = time.astimezone(UTC)
        if moment >= EARLIEST:
            return moment
    raise ValueError("it must be a time between 1970 and 9999, in UTC")


Title = Annotated[str, Field(max_length=200), AfterValidator(to_line)]
Name = Annotated[str, Field(max_length=200, json_schema_extra=NON_BLANK), AfterValidator(to_nonblank_line)]
Description = Annotated[str, Field(max_length=5000)]
Tag = Annotated[str, Field(max_length=50, json_schema_extra=NON_BLANK), AfterValidator(to_nonblank_line)]
Tags = Annotated[list[Tag], Field(max_length=30)]
SpeakerName = Annotated[
    str, Field(max_length=MAX_SPEAKER, json_schema_extra=NON_BLANK), AfterValidator(to_nonblank_line)
]
SpeakerNames = Annotated[
    dict[SpeakerName, SpeakerName],
    # Generators of clients read the type of the values here, not from the patterns of the keys.
    Field(max_length=MAX_SPEAKERS, json_schema_extra={"additionalProperties": {"type": "string"}}),
]
Moment = Annotated[AwareDatetime, AfterValidator(to_moment)]
