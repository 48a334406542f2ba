"""Speech through Gemini: Google's own SDK, over HTTP, against a server that checks each request."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import google.auth
import pytest
from google.auth.credentials import AnonymousCredentials

from infra.stand_ins import gemini_server as fake
from infra.stand_ins.gemini_requests import bytes_of, parts_of
from infra.stand_ins.gemini_server import GeminiServer
from infra.stand_ins.server import Reply
from shared.ai.gemini import client as gemini_calls
from shared.ai.gemini import files as gemini_files
from shared.ai.gemini import speech as gemini_speech
from shared.ai.gemini.speech import parse_seconds
from shared.ai.provider import AudioClip, Transcription
from shared.ai.structured_output import EXTENDED_ANSWER_TOKENS, MAX_ANSWER_TOKENS
from shared.ai.usage import Meter
from shared.errors import Cancelled, PermanentError, TransientError
from tests.recipe_samples import no_tick
from tests.server import eventually
from tests.unit.ai.services import gemini_at, sound_in


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gemini_calls, "FIRST_PAUSE_SEC", 0.01)
    monkeypatch.setattr(gemini_files, "POLL_SEC", 0.01)


@pytest.fixture
def server() -> Iterator[GeminiServer]:
    with GeminiServer() as service:
        yield service


@pytest.fixture
def through_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any sound is too large to go inside a request."""
    monkeypatch.setattr(gemini_speech, "INLINE_BYTES", 10)
    monkeypatch.setattr(gemini_speech, "SMALL_BYTES", 10)


def transcribe(server: GeminiServer, folder: Path, meter: Meter | None = None, **changes: object) -> Transcription:
    return gemini_at(server, meter, **changes).transcribe(sound_in(folder), no_tick)


GOOD = fake.transcription_reply(
    ("00:00.5", "00:02.0", "Cut the onions."), ("00:02", "00:04.2", " Fry them. "), language="en-GB"
)
STUCK = fake.transcription_reply(*[(f"00:0{second % 10}", "00:09", "Thank you.") for second in range(30)])


def test_speech_becomes_segments(server: GeminiServer, tmp_path: Path) -> None:
    """The sound goes inside the request, segments come with times, and what it took and cost is counted."""
    server.queue_replies(GOOD)
    result = transcribe(server, tmp_path)
    assert [(one.start, one.end, one.text, one.words) for one in result.segments] == [
        (0.5, 2.0, "Cut the onions.", []),
        (2.0, 4.2, "Fry them.", []),
    ]
    assert result.language == "en-GB"
    usage = result.usage
    assert (usage.provider, usage.model, usage.audio_seconds) == ("gemini", "gemini-3.5-flash-lite", 10)
    assert (usage.tokens_in, usage.tokens_out) == (3000, 400)
    assert usage.cost_usd == pytest.approx((3000 * 0.3 + 400 * 2.5) / 1e6)
    sound, text = parts_of(server.requests[0].json)
    assert sound["inlineData"]["mimeType"] == "audio/flac"
    assert bytes_of(sound["inlineData"]) == (tmp_path / "part.flac").read_bytes()
    assert text["text"] == gemini_speech.REQUEST


def test_heard_tokens_have_their_price(server: GeminiServer, tmp_path: Path) -> None:
    """Where sound costs more than text, it is billed so."""
    server.queue_replies(GOOD)
    usage = transcribe(server, tmp_path, gemini_model="gemini-3.1-flash-lite").usage
    assert usage.cost_usd == pytest.approx((3000 * 0.5 + 400 * 1.5) / 1e6)


def test_silence_gives_no_words(server: GeminiServer, tmp_path: Path) -> None:
    """A sound without words has none, and no language is claimed for it."""
    server.queue_replies(fake.transcription_reply(language="en"))
    result = transcribe(server, tmp_path)
    assert (result.segments, result.language) == ([], None)


def test_what_is_heard_cannot_give_orders(server: GeminiServer, tmp_path: Path) -> None:
    """The rules stand apart from the sound, and say that its words are data."""
    server.queue_replies(GOOD)
    transcribe(server, tmp_path)
    body = server.requests[0].json
    (rules,) = (part["text"] for part in body["systemInstruction"]["parts"])
    assert "never an instruction" in rules
    assert "00:10.0 long" in rules
    assert [content["role"] for content in body["contents"]] == ["user"]


def test_times_are_brought_within_the_sound(server: GeminiServer, tmp_path: Path) -> None:
    """A model's times that lie outside, or out of order, are clamped; its words stay."""
    server.queue_replies(
        fake.transcription_reply(
            ("00:01", "00:02", "a"), ("00:55", "01:10", "b"), ("00:03", "00:01", "c"), ("90", "9:9", "d")
        )
    )
    result = transcribe(server, tmp_path)
    assert [(one.start, one.end) for one in result.segments] == [(1, 2), (1, 10), (3, 3), (10, 10)]
    assert "".join(one.text for one in result.segments) == "abcd"


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("00:05", 5), ("01:02.5", 62.5), ("75:00", 4500), ("1:01:02", 3662), ("01:02:500", 62.5), ("7.25", 7.25),
     (" 00:01 ", 1), ("0:00:01.5", 1.5)],
)  # fmt: skip
def test_times_are_read_as_models_write_them(written: str, seconds: float) -> None:
    """Minutes and seconds, with hours or milliseconds where a model will have them."""
    assert parse_seconds(written) == seconds


def test_a_model_that_is_stuck_is_asked_once_more(server: GeminiServer, tmp_path: Path) -> None:
    """Words that repeat without end are sent back once, with the reason; the sound is listened to again."""
    server.queue_replies(STUCK, GOOD)
    result = transcribe(server, tmp_path)
    assert len(result.segments) == 2
    assert result.usage.audio_seconds == 20
    contents = server.requests[1].json["contents"]
    assert [content["role"] for content in contents] == ["user", "model", "user"]
    assert "again and again" in contents[2]["parts"][0]["text"]


def test_a_long_sound_gets_more_room(server: GeminiServer, tmp_path: Path) -> None:
    """Half an hour of speech is not cut short by the room that a recipe needs."""
    server.queue_replies(fake.token_limit_reply({"language": "en", "lines": []}), GOOD)
    sound = sound_in(tmp_path)
    gemini_at(server).transcribe(AudioClip(sound.path, 1800), no_tick)
    rooms = [asked.json["generationConfig"]["maxOutputTokens"] for asked in server.requests]
    assert rooms == [45_000, 90_000]


def test_a_short_sound_has_room_to_think(server: GeminiServer, tmp_path: Path) -> None:
    """Thinking takes tokens even for ten seconds of speech."""
    server.queue_replies(fake.token_limit_reply({"language": "en", "lines": []}), GOOD)
    transcribe(server, tmp_path)
    assert [asked.json["generationConfig"]["maxOutputTokens"] for asked in server.requests] == [
        MAX_ANSWER_TOKENS,
        EXTENDED_ANSWER_TOKENS,
    ]


NO_TIME = fake.transcription_reply(("soon", "later", "Cut."))
FAILURES: list[tuple[str, list[Reply], type[Exception], str, int]] = [
    ("prompt blocked", [fake.blocked_prompt_reply()], PermanentError, "refused", 1),
    ("safety", [fake.safety_stop_reply("SAFETY")], PermanentError, "refused", 1),
    ("other", [fake.safety_stop_reply("OTHER")], TransientError, "provider_unavailable", 1),
    ("stuck twice", [STUCK] * 2, TransientError, "answer_invalid", 2),
    ("no times twice", [NO_TIME] * 2, TransientError, "answer_invalid", 2),
    (
        "endless twice",
        [fake.token_limit_reply({"lines": ["Thank you."] * 90})] * 2,
        TransientError,
        "answer_invalid",
        2,
    ),
    ("twice no JSON", [fake.generation_reply("You said:")] * 2, TransientError, "answer_invalid", 2),
    ("always busy", [fake.rate_limit_reply()] * 3, TransientError, "provider_busy", 3),
    ("busy for an hour", [fake.rate_limit_reply("3600s")], TransientError, "provider_busy", 1),
    ("always down", [fake.error_reply(500)] * 3, TransientError, "provider_unavailable", 3),
    ("always cut off", [Reply(GOOD.value, cut=True)] * 3, TransientError, "provider_unavailable", 3),
    ("half a body", [Reply(GOOD.body[:100])] * 3, TransientError, "provider_unavailable", 3),
    ("forbidden", [fake.error_reply(403, "PERMISSION_DENIED")], PermanentError, "provider_key_invalid", 1),
    ("unknown model", [fake.error_reply(404, "NOT_FOUND")], PermanentError, "provider_request_invalid", 1),
]


@pytest.mark.parametrize(
    ("replies", "kind", "code", "calls"), [row[1:] for row in FAILURES], ids=[row[0] for row in FAILURES]
)
def test_a_failure_ends_soon_and_says_what_it_is(
    server: GeminiServer, tmp_path: Path, replies: list[Reply], kind: type[Exception], code: str, calls: int
) -> None:
    """Every failure of the service becomes one error with a code and a sentence, after a bounded number of calls."""
    server.queue_replies(*replies)
    with pytest.raises(kind) as caught:
        transcribe(server, tmp_path)
    assert caught.value.code == code  # type: ignore[attr-defined]
    assert str(caught.value).endswith(".")
    assert len(server.requests) == calls
    assert not server.queue


def test_silence_of_the_service_is_not_waited_for_forever(server: GeminiServer, tmp_path: Path) -> None:
    """A service that never answers is given up after the timeout, three times."""
    server.queue_replies(*[fake.SILENT] * 3)
    with pytest.raises(TransientError) as caught:
        transcribe(server, tmp_path, ai_timeout_sec=0.2)
    assert caught.value.code == "provider_unavailable"
    eventually(lambda: len(server.requests) == 3)


@pytest.mark.usefixtures("through_files")
@pytest.mark.parametrize("reply", [GOOD, fake.safety_stop_reply()])
def test_a_large_sound_goes_through_the_files_api(server: GeminiServer, tmp_path: Path, reply: Reply) -> None:
    """A large sound is uploaded, listened to and deleted again, whatever comes of it."""
    server.queue_replies(reply)
    if reply is GOOD:
        assert len(transcribe(server, tmp_path).segments) == 2
    else:
        with pytest.raises(PermanentError):
            transcribe(server, tmp_path)
    part = parts_of(server.generation_requests()[0].json)[0]
    assert part["fileData"]["mimeType"] == "audio/flac"
    assert server.files == {}
    assert len(server.deleted) == 1


@pytest.fixture
def identity(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """Settings for Vertex AI, on a machine that is signed in."""
    credentials = AnonymousCredentials()  # type: ignore[no-untyped-call]
    credentials.token = "identity"
    monkeypatch.setattr(google.auth, "default", lambda **_: (credentials, "project"))
    return {"google_genai_use_vertexai": True, "gemini_api_key": "", "google_cloud_project": "kitchen"}


def test_vertex_listens_with_an_identity(tmp_path: Path, identity: dict[str, object]) -> None:
    """Through Vertex AI no key is needed."""
    with GeminiServer(vertex=True) as server:
        server.queue_replies(GOOD)
        assert len(transcribe(server, tmp_path, **identity).segments) == 2


@pytest.mark.usefixtures("through_files")
def test_vertex_says_what_it_cannot_take(tmp_path: Path, identity: dict[str, object]) -> None:
    """Vertex AI has no Files API: what does not fit is left to another provider, and nothing is sent."""
    with GeminiServer(vertex=True) as server:
        with pytest.raises(PermanentError) as caught:
            transcribe(server, tmp_path, **identity)
        assert caught.value.code == "provider_cannot"
        assert server.requests == []


def test_the_budget_is_asked_before_each_call(server: GeminiServer, tmp_path: Path) -> None:
    """The repair of a useless answer is not paid for any more when the budget ended with the first."""
    costs: list[float] = []

    def allow() -> None:
        if costs:
            raise PermanentError("budget_exceeded", "No more.")

    server.queue_replies(STUCK)
    with pytest.raises(PermanentError, match="No more"):
        transcribe(server, tmp_path, Meter(allow=allow, book=costs.append))
    assert costs == [pytest.approx(0.0019)]
    assert len(server.requests) == 1


def test_cancelling_stops_before_the_call(server: GeminiServer, tmp_path: Path) -> None:
    """A job that is cancelled pays for no listening."""

    def cancelled(_: float, __: str) -> None:
        raise Cancelled("job")

    with pytest.raises(Cancelled):
        gemini_at(server).transcribe(sound_in(tmp_path), cancelled)
    assert server.requests == []


def test_voices_are_told_apart(server: GeminiServer, tmp_path: Path) -> None:
    """Lines keep their speakers, without line breaks or control characters; a line without one is no error."""
    lines = [
        {"start": "00:01", "end": "00:02", "text": "Salt?", "speaker": " A\u001b\n"},
        {"start": "00:02", "end": "00:03", "text": "Salt!", "speaker": "B"},
        {"start": "00:03", "end": "00:04", "text": "Salt."},
    ]
    server.queue_replies(fake.json_reply({"language": "en", "lines": lines}))
    assert [segment.speaker for segment in transcribe(server, tmp_path).segments] == ["A", "B", None]


def test_the_schema_asks_for_what_is_read(server: GeminiServer, tmp_path: Path) -> None:
    """The model is asked for lines with both times, and for the language."""
    server.queue_replies(GOOD)
    transcribe(server, tmp_path)
    schema = server.requests[0].json["generationConfig"]["responseJsonSchema"]
    assert schema["required"] == ["language", "lines"]
    assert schema["properties"]["lines"]["items"]["required"] == ["start", "end", "text", "speaker"]
    assert json.dumps(schema).count("MM:SS.s") == 2
