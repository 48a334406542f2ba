"""OpenAI as it answers anything."""

from __future__ import annotations

from typing import Any

from infra.fakes.made_up.answers import spoken_answer, structured_answer
from infra.fakes.made_up.willing import Willing
from infra.fakes.openai_server import OpenAIServer, answers, completion
from infra.fakes.server import Asked, Reply


class MadeUpOpenAI(Willing, OpenAIServer):
    """Answers every right request that no answer is prepared for."""

    def made_up(self, asked: Asked) -> Reply:
        return talked(asked.json)


def talked(body: dict[str, Any]) -> Reply:
    messages = body["messages"]
    rules = text_of(messages[0])
    if "json_schema" in body.get("response_format", {}):
        return answers(structured_answer(body["response_format"]["json_schema"]["schema"], rules))
    return completion("".join(spoken_answer(rules, text_of(messages[-1]))))


def text_of(message: dict[str, Any]) -> str:
    content = message["content"]
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)
