"""Speech through OpenAI: its own SDK, over HTTP, against a server that checks each request."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.stand_ins import openai_server as fake
from infra.stand_ins.openai_server import OpenAIServer
from infra.stand_ins.server import Reply, parse_multipart
from shared.ai.provider import Transcription
from shared.ai.usage import Meter
from shared.errors import Cancelled, PermanentError, TransientError
from tests.recipe_samples import no_tick
from tests.server import eventually
from tests.unit.ai.services import SOUND_SEC, openai_at, sound_in


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer() as service:
        yield service


def transcribe(server: OpenAIServer, folder: Path, meter: Meter | None = None, **changes: object) -> Transcription:
    return openai_at(server, meter, **changes).transcribe(sound_in(folder), no_tick)


GOOD = fake.transcription_reply(
    fake.whisper_segment(0.5, 2.0, " Cut the onions."),
    fake.whisper_segment(2.0, 4.0, " Fry them."),
    words=[fake.whisper_word(0.5, 0.9, "Cut"), fake.whisper_word(0.9, 1.1, "the"),
           fake.whisper_word(1.1, 1.9, "onions"), fake.whisper_word(2.0, 2.5, "Fry"),
           fake.whisper_word(2.5, 3.9, "them")],
)  # fmt: skip


def test_speech_becomes_segments_with_words(server: OpenAIServer, tmp_path: Path) -> None:
    """Segments come with the times of their words, a language tag, and what it took by the minute."""
    server.queue_replies(GOOD)
    result = transcribe(server, tmp_path)
    first, second = result.segments
    assert (first.start, first.end, first.text) == (0.5, 2.0, "Cut the onions.")
    assert [(word.start, word.text) for word in first.words] == [(0.5, "Cut"), (0.9, "the"), (1.1, "onions")]
    assert [word.text for word in second.words] == ["Fry", "them"]
    assert result.language == "en"
    usage = result.usage
    assert (usage.provider, usage.model, usage.audio_seconds) == ("openai", "whisper-1", 10)
    assert usage.cost_usd == pytest.approx(0.001)
    form = parse_multipart(server.requests[0])
    assert form.texts == {
        "model": ["whisper-1"],
        "response_format": ["verbose_json"],
        "temperature": ["0"],
        "timestamp_granularities[]": ["word", "segment"],
    }
    (sent,) = form.files["file"]
    assert (sent.filename, sent.content_type) == ("sound.flac", "audio/flac")
    assert sent.data == (tmp_path / "part.flac").read_bytes()


def test_silence_gives_no_words(server: OpenAIServer, tmp_path: Path) -> None:
    """A sound without words has none, and no language is claimed for it."""
    server.queue_replies(fake.transcription_reply())
    result = transcribe(server, tmp_path)
    assert (result.segments, result.language) == ([], None)


@pytest.mark.parametrize(
    "measures",
    [{"no_speech_prob": 0.8, "avg_logprob": -1.3}, {"compression_ratio": 2.6}, {"start": SOUND_SEC + 2}],
    ids=["silence", "loop", "padding"],
)
def test_what_whisper_invents_is_left_out(server: OpenAIServer, tmp_path: Path, measures: dict[str, float]) -> None:
    """Words that the model itself takes for silence or a loop, or says after the end, are no words; that is told."""
    invention = fake.whisper_segment(5.0, 20.0, " Thanks for watching!") | measures
    words = [
        fake.whisper_word(1.0, 1.5, "Stir"),
        fake.whisper_word(invention["start"] + 0.1, invention["start"] + 0.5, "Thanks"),
    ]
    server.queue_replies(fake.transcription_reply(fake.whisper_segment(1.0, 2.0, " Stir."), invention, words=words))
    result = transcribe(server, tmp_path)
    assert [one.text for one in result.segments] == ["Stir."]
    assert [word.text for word in result.segments[0].words] == ["Stir"]
    assert len(result.usage.notes) == 1


def test_unsure_but_audible_words_stay(server: OpenAIServer, tmp_path: Path) -> None:
    """Either measure alone is no proof of silence, as in Whisper's own decoder."""
    server.queue_replies(
        fake.transcription_reply(
            fake.whisper_segment(1.0, 2.0, " Stir.", no_speech_prob=0.9),
            fake.whisper_segment(3.0, 4.0, " Taste.", avg_logprob=-1.5),
        )
    )
    result = transcribe(server, tmp_path)
    assert [one.text for one in result.segments] == ["Stir.", "Taste."]
    assert result.usage.notes == []


def test_a_model_that_tells_speakers_tells_segments(server: OpenAIServer, tmp_path: Path) -> None:
    """The diarizing model's segments are taken with their speakers, without times of words."""
    server.queue_replies(fake.diarization_reply((0.2, 1.0, "A", "Salt?"), (1.2, 2.0, "B", "Salt!")))
    result = transcribe(server, tmp_path, openai_transcribe_model="gpt-4o-transcribe-diarize")
    assert [(one.start, one.text, one.words) for one in result.segments] == [(0.2, "Salt?", []), (1.2, "Salt!", [])]
    assert [one.speaker for one in result.segments] == ["A", "B"]
    assert parse_multipart(server.requests[0]).texts["chunking_strategy"] == ["auto"]


@pytest.mark.parametrize(
    ("model", "reply", "cost"),
    [
        ("gpt-transcribe", fake.text_transcription_reply("Stir it.", "de", seconds=10), 0.0045 / 6),
        ("gpt-4o-transcribe", fake.text_transcription_reply("Stir it."), (10 * 2.5 + 100 * 6 + 50 * 10) / 1e6),
    ],
)
def test_a_model_without_times_says_so(
    server: OpenAIServer, tmp_path: Path, model: str, reply: Reply, cost: float
) -> None:
    """Text without times stands for the whole sound, which a note tells; it is billed as that model is."""
    server.queue_replies(reply)
    result = transcribe(server, tmp_path, openai_transcribe_model=model)
    assert [(one.start, one.end, one.text) for one in result.segments] == [(0, SOUND_SEC, "Stir it.")]
    assert result.usage.notes == [
        "The speech model returned no timestamps: each text covers the whole passage it comes from."
    ]
    assert result.usage.cost_usd == pytest.approx(cost)
    assert result.usage.audio_seconds == 10
    assert result.language == ("de" if model == "gpt-transcribe" else None)


def test_a_text_that_is_empty_is_silence(server: OpenAIServer, tmp_path: Path) -> None:
    """No words are no words in every format."""
    server.queue_replies(fake.text_transcription_reply(" "))
    result = transcribe(server, tmp_path, openai_transcribe_model="gpt-4o-transcribe")
    assert (result.segments, result.usage.notes) == ([], [])


FAILURES: list[tuple[str, list[Reply], type[Exception], str, int]] = [
    ("content policy", [fake.error_reply(400, code="content_policy_violation")], PermanentError, "refused", 1),
    ("always busy", [fake.rate_limit_reply()] * 3, TransientError, "provider_busy", 3),
    ("busy for an hour", [fake.rate_limit_reply("3600")], TransientError, "provider_busy", 1),
    ("no quota", [fake.error_reply(429, code="insufficient_quota", retry_after="0.01")] * 3, TransientError,
     "provider_quota", 3),
    ("always down", [fake.error_reply(500, retry_after="0.01")] * 3, TransientError, "provider_unavailable", 3),
    ("always cut off", [Reply(GOOD.value, cut=True)] * 3, TransientError, "provider_unavailable", 3),
    ("half a body", [Reply(GOOD.body[:100])], TransientError, "provider_unavailable", 1),
    ("no transcript", [Reply({"error": "Unexpected endpoint"})], TransientError, "answer_invalid", 1),
    ("no number", [Reply(b'{"text": "x", "segments": [{"start": NaN, "end": 1, "text": "x"}]}')], TransientError,
     "answer_invalid", 1),
    ("a page", [Reply(b"<html>", headers={"content-type": "text/html"})], TransientError, "answer_invalid", 1),
    ("forbidden", [fake.error_reply(403)], PermanentError, "provider_key_invalid", 1),
    ("unknown model", [fake.error_reply(404, code="model_not_found")], PermanentError, "provider_request_invalid", 1),
    ("not offered", [Reply(b"404 page not found", 404)], PermanentError, "provider_cannot", 1),
    ("too large", [fake.error_reply(413)], PermanentError, "provider_request_invalid", 1),
]  # fmt: skip


@pytest.mark.parametrize(
    ("replies", "kind", "code", "calls"), [row[1:] for row in FAILURES], ids=[row[0] for row in FAILURES]
)
def test_a_failure_ends_soon_and_says_what_it_is(
    server: OpenAIServer, tmp_path: Path, replies: list[Reply], kind: type[Exception], code: str, calls: int
) -> None:
    """Every failure of the service becomes one error with a code and a sentence, after a bounded number of calls."""
    server.queue_replies(*replies)
    with pytest.raises(kind) as caught:
        transcribe(server, tmp_path)
    assert caught.value.code == code  # type: ignore[attr-defined]
    assert str(caught.value).endswith(".")
    assert fake.KEY not in str(caught.value)
    assert len(server.requests) == calls
    assert not server.queue


def test_a_short_pause_is_waited_out(server: OpenAIServer, tmp_path: Path) -> None:
    """A service that is busy for a moment gets the whole sound again."""
    server.queue_replies(fake.rate_limit_reply(), GOOD)
    assert len(transcribe(server, tmp_path).segments) == 2
    first, second = (parse_multipart(asked).files["file"][0].data for asked in server.requests)
    assert first == second != b""


def test_silence_of_the_service_is_not_waited_for_forever(server: OpenAIServer, tmp_path: Path) -> None:
    """A service that never answers is given up after the timeout, three times."""
    server.queue_replies(*[fake.SILENT] * 3)
    with pytest.raises(TransientError) as caught:
        transcribe(server, tmp_path, ai_timeout_sec=0.2)
    assert caught.value.code == "provider_unavailable"
    eventually(lambda: len(server.requests) == 3)


def test_a_wrong_key_is_told(server: OpenAIServer, tmp_path: Path) -> None:
    """A key that is not taken ends it at once, and is not shown."""
    with pytest.raises(PermanentError) as caught:
        transcribe(server, tmp_path, openai_api_key="sk-wrong")
    assert caught.value.code == "provider_key_invalid"
    assert "sk-wrong" not in caught.value.message


def test_the_budget_is_asked_first_and_useless_answers_are_booked(server: OpenAIServer, tmp_path: Path) -> None:
    """Nothing is sent when the budget is used up; an answer that cannot be read is paid for."""

    def no_more() -> None:
        raise PermanentError("budget_exceeded", "No more.")

    with pytest.raises(PermanentError, match="No more"):
        transcribe(server, tmp_path, Meter(allow=no_more))
    assert server.requests == []
    costs: list[float] = []
    server.queue_replies(Reply({"nothing": True}))
    with pytest.raises(TransientError):
        transcribe(server, tmp_path, Meter(book=costs.append))
    assert costs == [pytest.approx(0.001)]


def test_cancelling_stops_before_the_call(server: OpenAIServer, tmp_path: Path) -> None:
    """A job that is cancelled pays for no listening."""

    def cancelled(_: float, __: str) -> None:
        raise Cancelled("job")

    with pytest.raises(Cancelled):
        openai_at(server).transcribe(sound_in(tmp_path), cancelled)
    assert server.requests == []
