"""Made-up results of the stand-ins: structured output, chat replies, speech segments and embeddings."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterator
from itertools import chain, count, cycle
from typing import Any

from pydantic import BaseModel

from infra.demo.recipe import SCRIPT
from infra.stand_ins.demo_answers import DEMO_ANSWERS
from shared.ai.prompt import CLOSE, OPEN
from shared.ai.structured_output import answer_schema, drop_unknown_properties
from shared.models.video import Segment, Word

ITEMS = 2
TENTHS = 9
DURATION_PATTERN = re.compile(r"from 0 to (\d+(?:\.\d+)?)")
LANGUAGE_PATTERN = re.compile(r"BCP-47 tag ([\w-]+)")
DATA_PATTERN = re.compile(rf"{OPEN}\n(.*)\n{CLOSE}", re.DOTALL)
DEFAULT_DURATION_SEC = 60.0
"""For instructions without a duration."""
WORD_SEC, PAUSE_SEC = 0.35, 0.5
SPEECH_LANGUAGE = "en"
STREAMINFO = slice(8, 42)
STEM_LETTERS = 4
"""Letters of a word that count: `bake` and `baked` are the same."""
Schema = dict[str, Any]


def fill_schema(schema: Schema, duration_sec: float) -> Any:
    """Return a value that matches a schema of `shared.ai.structured_output.answer_schema`, the same each time.

    Strings say that they are made up. Numbers are within their bounds and, if these allow, within the video, and
    increase through the answer. Nullable values are not null.
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
    """Return a number between the bounds, at a tenth that depends on its position in the answer."""
    low = float(schema.get("minimum", min(0, schema.get("maximum", 0))))
    high = float(schema.get("maximum", max(low, duration_sec)))
    value = low + (high - low) * (position % TENTHS + 1) / (TENTHS + 1)
    return min(max(round(value), math.ceil(low)), math.floor(high)) if type == "integer" else value


def make_structured_output(schema: Schema, instructions: str) -> Any:
    """Return an answer that matches the schema: hand-written if there is one, else made from the schema."""
    match = DURATION_PATTERN.search(instructions)
    duration_sec = float(match[1]) if match else DEFAULT_DURATION_SEC
    language = LANGUAGE_PATTERN.search(instructions)
    for model, write_answer in DEMO_ANSWERS:
        if answer_schema(model) == schema:
            return to_structured_output(write_answer(duration_sec, language[1] if language else "en"), schema)
    return fill_schema(schema, duration_sec)


def to_structured_output(value: BaseModel, schema: Schema) -> Any:
    """Return the value with exactly the properties of the schema, including fields that are excluded from dumps."""
    excluded = {name: field for name, field in type(value).model_fields.items() if field.exclude}
    excluded_values = {field.alias or name: getattr(value, name) for name, field in excluded.items()}
    return drop_unknown_properties(value.model_dump(mode="json", by_alias=True) | excluded_values, schema)


def make_chat_reply(instructions: str, question: str) -> list[str]:
    """Return a chat reply in pieces; a reply to a question about passages cites the first one."""
    match = DATA_PATTERN.fullmatch(question)
    data = json.loads(match[1]) if match else {}
    question_text = data.get("question", question)
    answer = (
        f"This answer is made up: no AI has read your question “{question_text}”, nor the {len(instructions)} "
        "characters of instructions that came with it."
    )
    if passages := data.get("passages"):
        answer += f" The passage that was found first says: “{passages[0]['text']}” [{passages[0]['number']}]"
    return re.findall(r"\S+\s*", answer)


def audio_digest(flac: bytes) -> str:
    """Return a short name for audio, a hash of its bytes."""
    return hashlib.sha256(flac).hexdigest()[:8]


def make_speech_segments(flac: bytes) -> list[Segment]:
    """Return sentences for the length of the audio; raises ValueError if it is not FLAC.

    The first sentence says that they are made up.
    """
    end, time = flac_duration(flac), 0.0
    segments = []
    for sentence in speech_sentences(audio_digest(flac)):
        words = []
        for text in sentence.split():
            if time + WORD_SEC > end:
                break
            words.append(Word(start=round(time, 3), end=round(time + WORD_SEC, 3), text=text))
            time += WORD_SEC
        if not words:
            break
        spoken_text = " ".join(word.text for word in words)
        segments.append(Segment(start=words[0].start, end=words[-1].end, text=spoken_text, words=words))
        time += PAUSE_SEC
    return segments


def speech_sentences(name: str) -> Iterator[str]:
    """Yield sentences without end; the first contains `name`."""
    return chain([f"Nobody listened to sound {name}, these words are made up."], cycle(line.text for line in SCRIPT))


def flac_duration(flac: bytes) -> float:
    """Return the duration in the STREAMINFO block (RFC 9639, 8.2); raises ValueError if it is missing."""
    if flac[:4] != b"fLaC" or flac[4] & 0x7F or len(flac) < STREAMINFO.stop:
        raise ValueError("this is no FLAC file")
    fields = int.from_bytes(flac[STREAMINFO][10:18], "big")
    rate, samples = fields >> 44, fields & (1 << 36) - 1
    if not rate or not samples:
        raise ValueError("the FLAC file does not tell its length")
    return samples / rate


def word_hash_embedding(text: str, dimensions: int) -> list[float]:
    """Return a vector of length 1 by feature hashing of word stems (Weinberger et al., 2009).

    Texts that share words are near each other.
    """
    values = [0.0] * dimensions
    for word in re.findall(r"\w+", text.casefold()):
        digest = int.from_bytes(hashlib.blake2b(word[:STEM_LETTERS].encode(), digest_size=8).digest(), "big")
        values[(digest >> 1) % dimensions] += 1 if digest & 1 else -1
    length = math.hypot(*values)
    return [value / length for value in values] if length else [1.0, *values[1:]]
