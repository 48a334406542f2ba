"""What OpenAI's guide to structured outputs asks of a schema in strict mode."""

from __future__ import annotations

from typing import Any

KEYWORDS = {
    "type", "description", "enum", "const", "anyOf", "properties", "required", "additionalProperties", "items", "$ref",
    "$defs", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "pattern", "format",
    "minItems", "maxItems",
}  # fmt: skip
MAX_DEPTH, MAX_PROPERTIES = 10, 5000


def strict_problems(schema: Any, at: str = "$", depth: int = 0) -> list[str]:
    """Everything strict mode would refuse; empty for a good schema."""
    if not isinstance(schema, dict):
        return [f"{at} is no schema"]
    problems = [f"{at} has the unknown keyword {key}" for key in schema.keys() - KEYWORDS]
    if depth > MAX_DEPTH:
        problems.append(f"{at} is nested too deeply")
    if at == "$" and schema.get("type") != "object":
        problems.append("the root is no object")
    if schema.get("type") == "object":
        properties = schema.get("properties", {})
        if schema.get("additionalProperties") is not False:
            problems.append(f"{at} is not closed")
        if sorted(schema.get("required", [])) != sorted(properties):
            problems.append(f"{at} does not require all its properties")
        for name, part in properties.items():
            problems += strict_problems(part, f"{at}.{name}", depth + 1)
    if schema.get("type") == "array":
        problems += strict_problems(schema.get("items"), f"{at}[]", depth + 1)
    for number, option in enumerate(schema.get("anyOf", [])):
        problems += strict_problems(option, f"{at}|{number}", depth)
    if not schema.keys() & {"type", "anyOf", "enum", "const", "$ref"}:
        problems.append(f"{at} has no type")
    return problems
