"""Gemini as it answers anything."""

from __future__ import annotations

from infra.fakes.gemini_server import GeminiServer, answers, in_camel_case
from infra.fakes.made_up.answers import structured_answer
from infra.fakes.made_up.willing import Willing
from infra.fakes.server import Asked, Reply


class MadeUpGemini(Willing, GeminiServer):
    """Answers every right request that no answer is prepared for."""

    def made_up(self, asked: Asked) -> Reply:
        body = in_camel_case(asked.json)
        rules = "".join(part["text"] for part in body["systemInstruction"]["parts"])
        return answers(structured_answer(body["generationConfig"]["responseJsonSchema"], rules))
