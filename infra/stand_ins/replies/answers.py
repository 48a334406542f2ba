"""What a model is made to say: told by the schema it is asked to keep to, and by the rules that it is given."""

from __future__ import annotations

import json
import re
from typing import Any

from pydantic import BaseModel

from infra.stand_ins.replies.form import Schema, fill_schema
from infra.stand_ins.replies.kitchen import DEMO_ANSWERS
from shared.ai.prompt import CLOSE, OPEN
from shared.ai.schema import answer_schema, drop_unknown_properties

DURATION_PATTERN = re.compile(r"from 0 to (\d+(?:\.\d+)?)")
LANGUAGE_PATTERN = re.compile(r"BCP-47 tag ([\w-]+)")
DATA_PATTERN = re.compile(rf"{OPEN}\n(.*)\n{CLOSE}", re.DOTALL)
DEFAULT_DURATION_SEC = 60.0
"""For instructions that tell no duration."""


def make_structured_output(schema: Schema, instructions: str) -> Any:
    """An answer that keeps to the schema: written by hand where there is one, else its form filled in."""
    match = DURATION_PATTERN.search(instructions)
    duration_sec = float(match[1]) if match else DEFAULT_DURATION_SEC
    language = LANGUAGE_PATTERN.search(instructions)
    for model, write_answer in DEMO_ANSWERS:
        if answer_schema(model) == schema:
            return to_structured_output(write_answer(duration_sec, language[1] if language else "en"), schema)
    return fill_schema(schema, duration_sec)


def to_structured_output(value: BaseModel, schema: Schema) -> Any:
    """The value as a model would write it: only what it is asked for, but all of that."""
    excluded = {name: field for name, field in type(value).model_fields.items() if field.exclude}
    excluded_values = {field.alias or name: getattr(value, name) for name, field in excluded.items()}
    return drop_unknown_properties(value.model_dump(mode="json", by_alias=True) | excluded_values, schema)


def make_chat_reply(instructions: str, question: str) -> list[str]:
    """A reply in a conversation, in pieces; asked about passages, it cites the first one."""
    match = DATA_PATTERN.fullmatch(question)
    data = json.loads(match[1]) if match else {}
    question_text = data.get("question", question)
    answer = (
        f"This answer is made up: no AI has read your question “{question_text}”, nor the {len(instructions)} characters of "
        "instructions that came with it."
    )
    if passages := data.get("passages"):
        answer += f" The passage that was found first says: “{passages[0]['text']}” [{passages[0]['number']}]"
    return re.findall(r"\S+\s*", answer)
