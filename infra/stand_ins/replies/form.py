"""Values made from nothing but their JSON Schema, for kinds that nobody wrote an answer for."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import count
from typing import Any

ITEMS = 2
TENTHS = 9

Schema = dict[str, Any]


def fill_schema(schema: Schema, duration_sec: float) -> Any:
    """A value that the schema takes, the same each time.

    Strings say that they are made up, numbers lie within their bounds and, as far as these allow, within the video,
    rising through the answer; what may be null is not. Takes what `shared.ai.schema.answer_schema` gives.
    """
    return _schema_value(schema, "answer", duration_sec, count())


def _schema_value(schema: Schema, name: str, duration_sec: float, numbers: Iterator[int]) -> Any:
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        options = [option for option in schema["anyOf"] if option.get("type") != "null"]
        return _schema_value(options[0], name, duration_sec, numbers) if options else None
    match schema.get("type"):
        case "object":
            return {key: _schema_value(part, key, duration_sec, numbers) for key, part in schema["properties"].items()}
        case "array":
            length = max(schema.get("minItems", 0), min(ITEMS, schema.get("maxItems", ITEMS)))
            return [
                _schema_value(schema["items"], f"{name} {number}", duration_sec, numbers)
                for number in range(1, length + 1)
            ]
        case "number" | "integer" as type:
            return _schema_number(schema, type, duration_sec, next(numbers))
        case "boolean":
            return True
        case "null":
            return None
    return f"Made up: {name}"


def _schema_number(schema: Schema, type: str, duration_sec: float, position: int) -> float:
    """Somewhere between the bounds: at the tenth that its place in the answer gives it."""
    low = float(schema.get("minimum", min(0, schema.get("maximum", 0))))
    high = float(schema.get("maximum", max(low, duration_sec)))
    value = low + (high - low) * (position % TENTHS + 1) / (TENTHS + 1)
    return min(max(round(value), math.ceil(low)), math.floor(high)) if type == "integer" else value
