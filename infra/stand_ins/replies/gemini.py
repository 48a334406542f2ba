"""Gemini as it answers anything."""

from __future__ import annotations

from typing import Any

from infra.stand_ins.gemini_requests import bytes_of, in_camel_case, parts_of
from infra.stand_ins.gemini_server import GeminiServer, answers, embedded, failed, generated, hears, streamed
from infra.stand_ins.replies.answers import spoken_answer, structured_answer
from infra.stand_ins.replies.speech import LANGUAGE, heard
from infra.stand_ins.replies.vectors import vector
from infra.stand_ins.replies.willing import Willing
from infra.stand_ins.server import Asked, Reply


class MadeUpGemini(Willing, GeminiServer):
    """Answers every right request that no answer is prepared for."""

    def made_up(self, asked: Asked) -> Reply:
        body = in_camel_case(asked.json)
        if "mbedContent" in asked.path:
            return embedded(body, told=self.vertex, vector=vector)
        sound = self._sound(body)
        if sound is not None:
            return listened(sound)
        return talked(body, asked.path)

    def _sound(self, body: dict[str, Any]) -> bytes | None:
        """The sound that the request is about, if it is about one."""
        for part in parts_of(body):
            blob = part.get("inlineData") or part.get("fileData") or {}
            if blob.get("mimeType", "").startswith("audio/"):
                stored = {self._uri(file): file.data for file in self.files.values()}
                return stored[blob["fileUri"]] if "fileUri" in blob else bytes_of(blob)
        return None


def listened(sound: bytes) -> Reply:
    try:
        segments = heard(sound)
    except ValueError:
        return failed(400, "INVALID_ARGUMENT")
    lines = [(clock(segment.start), clock(segment.end), segment.text) for segment in segments]
    return hears(*lines, language=LANGUAGE if lines else None)


def talked(body: dict[str, Any], path: str) -> Reply:
    rules = "".join(part["text"] for part in body.get("systemInstruction", {}).get("parts", []))
    schema = body.get("generationConfig", {}).get("responseJsonSchema")
    if schema:
        return answers(structured_answer(schema, rules))
    question = "".join(part.get("text", "") for part in body["contents"][-1]["parts"])
    pieces = spoken_answer(rules, question)
    return streamed(*pieces) if "streamGenerateContent" in path else generated("".join(pieces), modality="TEXT")


def clock(seconds: float) -> str:
    """As the rules ask for it: `01:02.500`."""
    return f"{int(seconds // 60):02}:{seconds % 60:06.3f}"
