"""The stand-ins refuse what the services would refuse: a request that is wrong does not pass for right in a test."""

from __future__ import annotations

from typing import Any

import pytest

from infra.stand_ins.gemini_requests import batch_problems, embedding_problems
from infra.stand_ins.openai_requests import chat_problems, transcription_problems
from infra.stand_ins.openai_requests import embedding_problems as openai_embedding_problems
from infra.stand_ins.server import RecordedRequest, parse_multipart

FLAC = b"fLaC\r\n--not the boundary\r\n\r\n\x00\xff"


def form(
    fields: dict[str, str], filename: str = "sound.flac", media_type: str = "audio/flac", data: bytes = FLAC
) -> RecordedRequest:
    parts = [
        f'--edge\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()
    ]
    named = f'--edge\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n'
    body = "".join([*parts, named, f"Content-Type: {media_type}\r\n\r\n"]).encode() + data + b"\r\n--edge--\r\n"
    return RecordedRequest("POST", "/", {"content-type": "multipart/form-data; boundary=edge"}, body)


VERBOSE = {"model": "whisper-1", "response_format": "verbose_json", "timestamp_granularities[]": "word"}


def test_a_form_is_read_to_the_byte() -> None:
    """Files arrive as they were sent, line ends and all."""
    read = parse_multipart(form(VERBOSE))
    assert read.texts["timestamp_granularities[]"] == ["word"]
    assert [(file.filename, file.content_type, file.data) for file in read.files["file"]] == [
        ("sound.flac", "audio/flac", FLAC)
    ]


def test_a_good_transcription_request_passes() -> None:
    """What the reference shows is taken."""
    assert transcription_problems(form(VERBOSE)) == []


@pytest.mark.parametrize(
    "invalid",
    [
        form({}),
        form({"model": "whisper-1", "speed": "2"}),
        form(VERBOSE | {"model": "gpt-transcribe"}),
        form(VERBOSE | {"response_format": "json"}),
        form(VERBOSE | {"timestamp_granularities[]": "letter"}),
        form(VERBOSE | {"temperature": "3"}),
        form({"model": "gpt-4o-transcribe-diarize", "response_format": "diarized_json"}),
        form(VERBOSE, filename="sound"),
        form(VERBOSE, media_type="text/plain"),
        form(VERBOSE, data=b""),
        form(VERBOSE, data=b"RIFF"),
        RecordedRequest("POST", "/", {"content-type": "application/json"}, b"{}"),
    ],
)
def test_a_wrong_transcription_request_does_not(invalid: RecordedRequest) -> None:
    """Fields, models, formats and files that do not go together are found."""
    assert transcription_problems(invalid)


@pytest.mark.parametrize(
    "change",
    [{"model": ""}, {"input": []}, {"input": [""]}, {"input": ["x" * 9000]}, {"input": ["x"] * 2049},
     {"dimensions": "768"}, {"encoding_format": "hex"}, {"purpose": "query"}],
)  # fmt: skip
def test_a_wrong_request_for_vectors_does_not(change: dict[str, Any]) -> None:
    """Limits of OpenAI's embeddings are kept."""
    good = {"model": "text-embedding-3-small", "input": ["soup"], "dimensions": 768, "encoding_format": "base64"}
    assert openai_embedding_problems(good) == []
    assert openai_embedding_problems(good | change)


def test_stream_options_are_for_streams() -> None:
    """As the service says itself."""
    body = {"model": "m", "messages": [{"role": "user", "content": "x"}], "stream_options": {"include_usage": True}}
    assert chat_problems(body | {"stream": True}) == []
    assert chat_problems(body)


@pytest.mark.parametrize("vertex", [True, False])
def test_wrong_requests_for_geminis_vectors_do_not(vertex: bool) -> None:
    """Batches, task types and sizes that the service would not take are found, as each way of reaching it has them."""
    content = {"content": {"parts": [{"text": "soup"}]}}
    config = {"taskType": "RETRIEVAL_QUERY", "outputDimensionality": 768}
    good: dict[str, Any] = content | ({"embedContentConfig": config} if vertex else config)
    named = good if vertex else good | {"model": "models/m"}
    assert batch_problems({"requests": [named]}, "models/m", vertex) == []
    assert batch_problems({"requests": [named] * 101}, "models/m", vertex)
    assert batch_problems({"requests": [good | {"model": "models/other"}]}, "models/m", vertex)
    assert embedding_problems(content | config if vertex else content | {"embedContentConfig": config}, vertex)
    for wrong in ({"taskType": "SEARCH"}, {"outputDimensionality": 5000}, {"size": 768}):
        changed = config | wrong
        assert embedding_problems(content | ({"embedContentConfig": changed} if vertex else changed), vertex)
    assert embedding_problems(good | {"content": {"parts": [{"text": ""}]}}, vertex)
