"""What a model is made to say: told by the schema it is asked to keep to, and by the rules that it is given."""

from __future__ import annotations

import json
import re
from typing import Any

from pydantic import BaseModel

from infra.stand_ins.replies.form import Schema, filled_form
from infra.stand_ins.replies.kitchen import WRITTEN
from shared.ai.prompt import CLOSE, OPEN
from shared.ai.schema import answer_schema, pruned

DURATION = re.compile(r"from 0 to (\d+(?:\.\d+)?)")
LANGUAGE = re.compile(r"BCP-47 tag ([\w-]+)")
DATA = re.compile(rf"{OPEN}\n(.*)\n{CLOSE}", re.DOTALL)
SHORT_SEC = 60.0
"""For instructions that tell no duration."""


def structured_answer(schema: Schema, instructions: str) -> Any:
    """An answer that keeps to the schema: written by hand where there is one, else its form filled in."""
    told = DURATION.search(instructions)
    duration_sec = float(told[1]) if told else SHORT_SEC
    language = LANGUAGE.search(instructions)
    for model, write in WRITTEN:
        if answer_schema(model) == schema:
            return as_answer(write(duration_sec, language[1] if language else "en"), schema)
    return filled_form(schema, duration_sec)


def as_answer(value: BaseModel, schema: Schema) -> Any:
    """The value as a model would write it: only what it is asked for, but all of that."""
    hidden = {name: field for name, field in type(value).model_fields.items() if field.exclude}
    told = {field.alias or name: getattr(value, name) for name, field in hidden.items()}
    return pruned(value.model_dump(mode="json", by_alias=True) | told, schema)


def spoken_answer(instructions: str, question: str) -> list[str]:
    """A reply in a conversation, in pieces; asked about passages, it cites the first one."""
    told = DATA.fullmatch(question)
    data = json.loads(told[1]) if told else {}
    asked = data.get("question", question)
    answer = (
        f"This answer is made up: no AI has read your question “{asked}”, nor the {len(instructions)} characters of "
        "instructions that came with it."
    )
    if passages := data.get("passages"):
        answer += f" The passage that was found first says: “{passages[0]['text']}” [{passages[0]['number']}]"
    return re.findall(r"\S+\s*", answer)
