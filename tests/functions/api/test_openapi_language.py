"""The rules for the sentences of the OpenAPI document."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from functions.api.app import create_app
from shared.analyses.kinds import kinds

VERBS = {
    "Add", "Analyze", "Ask", "Cancel", "Create", "Delete", "Download", "Export", "Get", "List", "Open", "Play",
    "Refresh", "Remove", "Reorder", "Replay", "Request", "Retry", "Revoke", "Rotate", "Search", "Send", "Set", "Sign",
    "Start", "Stop", "Stream", "Submit", "Update", "Upload", "Validate", "Verify",
}  # fmt: skip
NOT_IMPERATIVE = {"Liveness check", "Alias of DELETE …/videos/{video_id}/"}
"""Names of the thing itself, which a reader expects more than a verb."""
LONGER = {"Upload a video or recording for transcription"}
MAX_SUMMARY_WORDS, MAX_SENTENCE_WORDS = 6, 30
PREFERRED = re.compile(r"Compatible with (?P<system>[a-z -]+): prefer (?P<method>[A-Z]+) (?P<path>/v1/[\w/{}-]+)")
SYSTEMS = {"the recipe app", "the reel scripter", "the video metadata service", "the image crawler", "ask-video"}
# A dot within a path, a number, `e.g.` or a bracket ends no sentence.
SENTENCE_END = re.compile(r"(?<!e\.g)[.;:](?=\s[A-Z`]|$)")


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return create_app().openapi()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def schemas_of(operation: dict[str, Any], document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The schemas of a request body, with those they contain."""
    pending = [content["schema"] for content in operation.get("requestBody", {}).get("content", {}).values()]
    visited: set[str] = set()
    while pending:
        part = pending.pop()
        if isinstance(part, list):
            pending += part
        elif isinstance(part, dict):
            if isinstance(name := part.get("$ref"), str) and name not in visited:
                visited.add(name)
                pending.append(document["components"]["schemas"][name.rpartition("/")[2]])
            if "properties" in part:
                yield part
            pending += [value for value in part.values() if isinstance(value, dict | list)]


def sentences(text: str) -> list[str]:
    return [sentence for sentence in SENTENCE_END.split(text) if sentence.strip()]


def test_summaries_are_short_imperatives(document: dict[str, Any]) -> None:
    """A reader scans the list of operations: each one is a verb and an object, in at most six words."""
    for name, operation in operations(document):
        summary = operation["summary"]
        words = summary.split()
        assert not summary.endswith("."), name
        assert summary[0].isupper(), name
        assert words[0] in VERBS or summary in NOT_IMPERATIVE, f"{name}: {summary}"
        assert len(words) <= MAX_SUMMARY_WORDS or summary in LONGER, f"{name}: {summary}"


def test_no_two_operations_of_a_tag_share_a_summary(document: dict[str, Any]) -> None:
    """A reader can tell the operations of a section apart by their summaries."""
    listed = [(operation["tags"][0], operation["summary"]) for _, operation in operations(document)]

    assert len(set(listed)) == len(listed)


def test_every_tag_has_a_description(document: dict[str, Any]) -> None:
    """Each section of the documentation says what it is about, and none is described that does not exist."""
    used = {tag for _, operation in operations(document) for tag in operation["tags"]}

    assert {tag["name"] for tag in document["tags"]} == used
    assert all(tag["description"] for tag in document["tags"])


def test_every_operation_has_a_description(document: dict[str, Any]) -> None:
    """Conditions, limits and side effects are described in full sentences that can be read in one go."""
    for name, operation in operations(document):
        description = operation["description"]
        assert description.endswith("."), name
        assert description[0].isupper(), name
        for sentence in sentences(description):
            assert len(sentence.split()) <= MAX_SENTENCE_WORDS, f"{name}: {sentence}"


def test_compatible_paths_name_their_native_counterpart(document: dict[str, Any]) -> None:
    """A developer who maintains a client of an earlier system learns which operation to migrate to."""
    native = {re.sub(r"{\w+}", "{}", name) for name, _ in operations(document)}
    for name, operation in operations(document):
        if not operation["tags"][0].startswith("compat: "):
            continue
        found = PREFERRED.match(operation["description"])
        assert found, name
        assert found["system"] in SYSTEMS, name
        assert re.sub(r"{\w+}", "{}", f"{found['method']} {found['path']}") in native, name


def test_every_parameter_has_a_description(document: dict[str, Any]) -> None:
    """No parameter leaves a reader guessing."""
    for name, operation in operations(document):
        for parameter in operation.get("parameters", []):
            assert parameter.get("description", "").endswith("."), f"{name}: {parameter['name']}"


def test_every_field_of_a_request_body_has_a_description(document: dict[str, Any]) -> None:
    """Every field that a client may send, nested ones included, says what it means."""
    checked = 0
    for name, operation in operations(document):
        for schema in schemas_of(operation, document):
            for field, described in schema["properties"].items():
                checked += 1
                assert described.get("description", "").endswith("."), f"{name}: {field}"
    assert checked > 100


def test_every_field_of_a_response_has_a_description(document: dict[str, Any]) -> None:
    """A client's developer learns units and the meaning of null from the document alone.

    What a result contains is described to the AI service in the same words, which change with the prompts.
    """
    results = {name for kind in kinds().values() for name in [*kind.schema.model_json_schema().get("$defs", ())]}
    results |= {kind.schema.__name__ for kind in kinds().values()}
    for name, schema in document["components"]["schemas"].items():
        if name in results:
            continue
        for field, described in schema.get("properties", {}).items():
            assert described.get("description"), f"{name}.{field}"
