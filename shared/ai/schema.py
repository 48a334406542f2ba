"""The JSON Schema that a model's answer must follow, made from a kind's pydantic model."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

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
