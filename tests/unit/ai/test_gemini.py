"""Gemini behind the provider protocol: Google's own SDK, over HTTP, against a server that checks each request."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import google.auth
import pytest
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import DefaultCredentialsError

from infra.stand_ins import gemini_server as fake
from infra.stand_ins.gemini_requests import bytes_of, parts_of
from infra.stand_ins.gemini_server import GeminiServer
from infra.stand_ins.server import Reply
from shared.ai.gemini import client as gemini_calls
from shared.ai.gemini import files as gemini_files
from shared.ai.gemini import provider as gemini
from shared.ai.gemini.provider import GeminiProvider, media_type_of
from shared.ai.structured_output import EXTENDED_ANSWER_TOKENS, MAX_ANSWER_TOKENS
from shared.ai.usage import Meter
from shared.analyses.evidence import Evidence
from shared.analyses.kinds import kind_named
from shared.analyses.recipe import Recipe
from shared.errors import Cancelled, PermanentError, TransientError
from shared.settings import Settings
from tests.recipe_samples import answer, evidence, invalid_answer, no_tick
from tests.server import eventually

RECIPE = kind_named("recipe")
VIDEO = b"\x00\x00\x00\x18ftypmp42" + bytes(range(256)) * 40


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
    """Any video is too large to go inside a request."""
    monkeypatch.setattr(gemini, "INLINE_BYTES", 100)
    monkeypatch.setattr(gemini, "SMALL_BYTES", 100)


@pytest.fixture
def identity(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process runs as somebody of Google Cloud."""
    credentials = AnonymousCredentials()  # type: ignore[no-untyped-call]
    credentials.token = "identity"
    monkeypatch.setattr(google.auth, "default", lambda **_: (credentials, "project"))


def provider(server: GeminiServer, meter: Meter | None = None, **changes: Any) -> GeminiProvider:
    given = {"gemini_api_key": fake.KEY, "google_gemini_base_url": server.url, "ai_timeout_sec": 5} | changes
    return GeminiProvider(Settings(**given), meter or Meter())


def recipe(server: GeminiServer, given: Evidence, **changes: Any) -> Recipe:
    result = provider(server, **changes).analyze(RECIPE, given, "en", no_tick).result
    assert isinstance(result, Recipe)
    return result


def test_a_small_video_goes_inside_the_request(server: GeminiServer, tmp_path: Path) -> None:
    """The whole video is sent and a recipe comes back, with what it took, thinking included, and what it cost."""
    server.queue_replies(fake.json_reply(answer()))
    analysis = provider(server).analyze(RECIPE, evidence(tmp_path, source=VIDEO), "de", no_tick)
    assert isinstance(analysis.result, Recipe)
    assert analysis.result.title == "Tomato soup"
    assert analysis.result.steps[0].seen
    assert analysis.result.steps[0].seen.time == 30.0
    usage = analysis.usage
    assert (usage.provider, usage.model, usage.prompt_version) == (
        "gemini",
        "gemini-3.5-flash-lite",
        RECIPE.prompt_version,
    )
    assert (usage.tokens_in, usage.tokens_out, usage.frames) == (3000, 400, 30)
    assert usage.cost_usd == pytest.approx((3000 * 0.3 + 400 * 2.5) / 1e6)
    body = server.requests[0].json
    blob, text = parts_of(body)
    assert bytes_of(blob["inlineData"]) == VIDEO
    assert blob["inlineData"]["mimeType"] == "video/mp4"
    assert "Salt to taste!" in text["text"]
    assert "Salt" not in body["systemInstruction"]["parts"][0]["text"]
    assert len(server.requests) == 1


@pytest.mark.usefixtures("through_files")
def test_a_large_video_goes_through_the_files_api(tmp_path: Path) -> None:
    """A large video is uploaded, waited for, looked at and deleted again."""
    with GeminiServer(processing=3) as server:
        server.queue_replies(fake.json_reply(answer()))
        recipe(server, evidence(tmp_path, source=VIDEO))
        part = parts_of(server.generation_requests()[0].json)[0]
        assert part["fileData"]["mimeType"] == "video/mp4"
        assert server.files == {}
        assert [f"files/{part['fileData']['fileUri'].rpartition('/')[2]}"] == server.deleted


@pytest.mark.usefixtures("through_files")
@pytest.mark.parametrize("reply", [fake.safety_stop_reply(), fake.error_reply(400), fake.generation_reply("no JSON")])
def test_the_file_is_deleted_after_a_failure_too(server: GeminiServer, tmp_path: Path, reply: Reply) -> None:
    """No video of a user stays at the service because an analysis failed."""
    server.queue_replies(reply, reply)
    with pytest.raises((PermanentError, TransientError)):
        recipe(server, evidence(tmp_path, source=VIDEO))
    assert server.files == {}
    assert len(server.deleted) == 1


@pytest.mark.usefixtures("through_files")
def test_the_file_is_deleted_when_the_job_is_cancelled(tmp_path: Path) -> None:
    """Cancelling while the service takes the video in ends the wait and removes the video."""

    def tick(_: float, what: str) -> None:
        if "Waiting" in what:
            raise Cancelled("job")

    with GeminiServer(processing=1000) as server:
        with pytest.raises(Cancelled):
            provider(server).analyze(RECIPE, evidence(tmp_path, source=VIDEO), "en", tick)
        assert server.files == {}
        assert server.generation_requests() == []


@pytest.mark.usefixtures("through_files")
def test_a_video_the_service_cannot_read_is_told(tmp_path: Path) -> None:
    """FAILED is an answer: the job ends with a sentence, and the file is gone."""
    with GeminiServer(outcome="FAILED") as server:
        with pytest.raises(PermanentError) as caught:
            recipe(server, evidence(tmp_path, source=VIDEO))
        assert caught.value.code == "video_not_accepted"
        assert server.files == {}


@pytest.mark.usefixtures("through_files")
def test_processing_is_not_waited_for_forever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that never gets done is given up, and the file is gone."""
    monkeypatch.setattr(gemini_files, "PROCESSING_SEC", 0.05)
    with GeminiServer(processing=1000) as server:
        with pytest.raises(TransientError) as caught:
            recipe(server, evidence(tmp_path, source=VIDEO))
        assert caught.value.code == "provider_unavailable"
        assert server.files == {}


@pytest.mark.usefixtures("through_files")
def test_an_upload_that_breaks_is_tried_again(server: GeminiServer, tmp_path: Path) -> None:
    """A service that is down when an upload starts does not fail the job."""
    server.failing_uploads.append(fake.error_reply(503))
    server.queue_replies(fake.json_reply(answer()))
    assert recipe(server, evidence(tmp_path, source=VIDEO)).title == "Tomato soup"


@pytest.mark.usefixtures("through_files")
@pytest.mark.parametrize(
    "reply", [Reply(b"x" * 100, cut=True), Reply({}, headers={"x-goog-upload-status": "cancelled"})]
)
def test_an_upload_that_breaks_half_way_leaves_nothing(server: GeminiServer, tmp_path: Path, reply: Reply) -> None:
    """What may have arrived of a video that broke off is deleted, and the stage tries again later."""
    server.failing_chunks.append(reply)
    with pytest.raises(TransientError) as caught:
        recipe(server, evidence(tmp_path, source=VIDEO))
    assert caught.value.code == "provider_unavailable"
    assert server.files == {}
    assert server.generation_requests() == []


def test_the_largest_video_inside_a_request_fits(server: GeminiServer, tmp_path: Path) -> None:
    """A video just below the limit makes a request that the service still takes."""
    server.queue_replies(fake.json_reply(answer()))
    recipe(server, evidence(tmp_path, source=bytes(gemini.INLINE_BYTES)))
    assert len(server.requests) == 1
    assert 90_000_000 < len(server.requests[0].body) < 100_000_000


def test_no_key_gets_into_the_log(server: GeminiServer, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Even a log of everything that the SDK says holds no key."""
    caplog.set_level(logging.DEBUG)
    server.queue_replies(fake.rate_limit_reply(), fake.json_reply(answer()))
    recipe(server, evidence(tmp_path, source=VIDEO))
    assert len(caplog.text) > 100
    assert fake.KEY not in caplog.text


def test_a_cut_short_answer_gets_more_room_once(server: GeminiServer, tmp_path: Path) -> None:
    """An answer that did not fit is asked for again with twice the room."""
    server.queue_replies(fake.token_limit_reply(answer()), fake.json_reply(answer()))
    recipe(server, evidence(tmp_path, source=VIDEO))
    rooms = [asked.json["generationConfig"]["maxOutputTokens"] for asked in server.requests]
    assert rooms == [MAX_ANSWER_TOKENS, EXTENDED_ANSWER_TOKENS]


def test_a_wrong_answer_is_repaired_once(server: GeminiServer, tmp_path: Path) -> None:
    """An answer that misses the schema goes back with what is wrong, and the repaired one counts."""
    server.queue_replies(fake.json_reply(invalid_answer()), fake.json_reply(answer()))
    assert recipe(server, evidence(tmp_path, source=VIDEO)).title == "Tomato soup"
    contents = server.requests[1].json["contents"]
    assert [content["role"] for content in contents] == ["user", "model", "user"]
    assert "ingredients.0.name" in contents[2]["parts"][0]["text"]


FAILURES: list[tuple[str, list[Reply], type[Exception], str, int]] = [
    ("prompt blocked", [fake.blocked_prompt_reply()], PermanentError, "refused", 1),
    ("safety", [fake.safety_stop_reply("SAFETY")], PermanentError, "refused", 1),
    ("recitation", [fake.safety_stop_reply("RECITATION")], PermanentError, "refused", 1),
    ("other", [fake.safety_stop_reply("OTHER")], TransientError, "provider_unavailable", 1),
    ("twice too long", [fake.token_limit_reply(answer())] * 2, PermanentError, "answer_too_long", 2),
    ("to be continued", [fake.continuation_reply(answer())] * 2, PermanentError, "answer_too_long", 2),
    ("twice no JSON", [fake.generation_reply("Sure!")] * 2, TransientError, "answer_invalid", 2),
    ("twice wrong", [fake.json_reply(invalid_answer())] * 2, TransientError, "answer_invalid", 2),
    ("twice nothing", [fake.generation_reply("")] * 2, TransientError, "answer_invalid", 2),
    ("twice nested without end", [fake.generation_reply("[" * 50_000)] * 2, TransientError, "answer_invalid", 2),
    ("twice huge", [fake.generation_reply("9" * 300_000)] * 2, PermanentError, "answer_too_long", 2),
    ("always busy", [fake.rate_limit_reply()] * 3, TransientError, "provider_busy", 3),
    ("busy for an hour", [fake.rate_limit_reply("3600s")], TransientError, "provider_busy", 1),
    ("always down", [fake.error_reply(500)] * 3, TransientError, "provider_unavailable", 3),
    ("always cut off", [fake.disconnect_reply(answer())] * 3, TransientError, "provider_unavailable", 3),
    ("half a body", [Reply(fake.json_reply(answer()).body[:100])] * 3, TransientError, "provider_unavailable", 3),
    ("no candidates", [Reply({"usageMetadata": {}})], TransientError, "provider_unavailable", 1),
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
        recipe(server, evidence(tmp_path, source=VIDEO))
    assert caught.value.code == code  # type: ignore[attr-defined]
    assert str(caught.value).endswith(".")
    assert fake.KEY not in str(caught.value)
    assert len(server.requests) == calls
    assert not server.queue


def test_the_pause_that_is_asked_for_is_kept(
    server: GeminiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`Retry-After`, and the delay in the error itself, say when the service is asked again."""
    pauses: list[float] = []
    monkeypatch.setattr(gemini_calls, "wait", lambda seconds, _: pauses.append(seconds))
    server.queue_replies(fake.rate_limit_reply("7s"), fake.error_reply(503, retry_after="4"), fake.json_reply(answer()))
    assert recipe(server, evidence(tmp_path, source=VIDEO)).title == "Tomato soup"
    assert pauses == [7.0, 4.0]


def test_silence_is_not_waited_for_forever(server: GeminiServer, tmp_path: Path) -> None:
    """A service that never answers is given up after the timeout, three times."""
    server.queue_replies(*[fake.SILENT] * 3)
    with pytest.raises(TransientError) as caught:
        recipe(server, evidence(tmp_path, source=VIDEO), ai_timeout_sec=0.2)
    assert caught.value.code == "provider_unavailable"
    eventually(lambda: len(server.requests) == 3)


def test_a_wrong_key_is_told(server: GeminiServer, tmp_path: Path) -> None:
    """A key that is not taken fails the job at once, names the variable, and does not show the key."""
    with pytest.raises(PermanentError) as caught:
        recipe(server, evidence(tmp_path, source=VIDEO), gemini_api_key="AIza-wrong")
    assert caught.value.code == "provider_key_invalid"
    assert "GEMINI_API_KEY" in caught.value.message
    assert "AIza-wrong" not in caught.value.message
    assert len(server.requests) == 1


def test_without_a_key_nothing_is_sent() -> None:
    """Gemini that is chosen but has no key says which variable to set."""
    with pytest.raises(PermanentError) as caught:
        GeminiProvider(Settings(), Meter())
    assert caught.value.code == "provider_key_missing"


VERTEX = {"google_genai_use_vertexai": True, "gemini_api_key": "", "google_cloud_project": "kitchen"}
OBJECT = "gs://kitchen-uploads/job/source"


def video_in_bucket(folder: Path) -> Evidence:
    """A large video that lies in Cloud Storage; nothing may download it."""

    def download() -> Path:
        raise AssertionError("the video was downloaded")

    return replace(evidence(folder, source=VIDEO), source=download, source_uri=OBJECT)


@pytest.mark.usefixtures("identity")
def test_vertex_is_asked_with_an_identity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through Vertex AI no key is needed, and a video that is too large for a request is shown by its key frames."""
    with GeminiServer(vertex=True) as server:
        server.queue_replies(fake.json_reply(answer()))
        recipe(server, evidence(tmp_path, source=VIDEO), **VERTEX)
        assert "inlineData" in parts_of(server.requests[0].json)[0]

        monkeypatch.setattr(gemini, "SMALL_BYTES", 100)
        server.queue_replies(fake.json_reply(answer()))
        usage = provider(server, **VERTEX).analyze(RECIPE, evidence(tmp_path, source=VIDEO), "en", no_tick).usage
        shown = [part["inlineData"]["mimeType"] for part in parts_of(server.requests[1].json) if "inlineData" in part]
        assert shown == ["image/jpeg", "image/jpeg"]
        assert usage.frames == 2
        assert usage.notes == ["Gemini received key frames instead of the whole video."]


@pytest.mark.usefixtures("identity", "through_files")
def test_vertex_reads_a_large_video_from_its_bucket(tmp_path: Path) -> None:
    """In the cloud the whole video is analyzed where it lies: no bytes pass through the function."""
    with GeminiServer(vertex=True) as server:
        server.objects.add(OBJECT)
        server.queue_replies(fake.json_reply(answer()))
        usage = provider(server, **VERTEX).analyze(RECIPE, video_in_bucket(tmp_path), "en", no_tick).usage
        assert parts_of(server.requests[0].json)[0]["fileData"] == {"fileUri": OBJECT, "mimeType": "video/mp4"}
        assert (usage.frames, usage.notes) == (30, [])


@pytest.mark.usefixtures("identity", "through_files")
def test_a_large_video_in_a_bucket_is_registered(server: GeminiServer, tmp_path: Path) -> None:
    """With a key, the video's object is registered instead of uploaded, and the registration removed afterwards."""
    server.objects.add(OBJECT)
    server.queue_replies(fake.json_reply(answer()))
    recipe(server, video_in_bucket(tmp_path))
    uri = parts_of(server.generation_requests()[0].json)[0]["fileData"]["fileUri"]
    assert server.deleted == [f"files/{uri.rpartition('/')[2]}"]
    assert server.files == {}


@pytest.mark.usefixtures("identity", "through_files")
def test_a_bucket_that_gemini_may_not_read_is_no_error(server: GeminiServer, tmp_path: Path) -> None:
    """Where the registration is refused, the video is uploaded as elsewhere."""
    server.queue_replies(fake.json_reply(answer()))
    recipe(server, replace(evidence(tmp_path, source=VIDEO), source_uri=OBJECT))
    assert len(server.deleted) == 1
    assert any(request.path.startswith("/upload/") for request in server.requests)


@pytest.mark.parametrize(
    "reply",
    [
        fake.error_reply(429, "RESOURCE_EXHAUSTED"),
        fake.error_reply(403, "RESOURCE_EXHAUSTED"),
        Reply({"error": {"code": 400, "message": "You exceeded your file_storage_bytes quota."}}, 400),
    ],
)
@pytest.mark.usefixtures("through_files")
def test_a_full_file_store_passes(server: GeminiServer, tmp_path: Path, reply: Reply) -> None:
    """The quota of stored files frees itself as files expire: the stage is tried again instead of failing for good."""
    server.failing_uploads += [reply] * 3
    with pytest.raises(TransientError) as caught:
        recipe(server, evidence(tmp_path, source=VIDEO))
    assert caught.value.code == "provider_busy"


def test_the_version_of_the_api_can_be_set(server: GeminiServer, tmp_path: Path) -> None:
    """A deployment can stay on, or move to, another version of the API without an update."""
    with pytest.raises(PermanentError):
        recipe(server, evidence(tmp_path, source=VIDEO), google_genai_api_version="v1beta")
    assert {request.path.split("/")[1] for request in server.requests} == {"v1beta"}
    server.problems.clear()


@pytest.mark.parametrize("project", ["", "kitchen"])
def test_vertex_without_an_identity_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, project: str) -> None:
    """A machine that is not signed in to Google Cloud fails the job with what to check."""

    def nobody(**_: Any) -> None:
        raise DefaultCredentialsError("not signed in")  # type: ignore[no-untyped-call]

    monkeypatch.setattr(google.auth, "default", nobody)
    settings = Settings(google_genai_use_vertexai=True, google_cloud_project=project)
    with pytest.raises(PermanentError) as caught:
        GeminiProvider(settings, Meter()).analyze(RECIPE, evidence(tmp_path, source=VIDEO), "en", no_tick)
    assert caught.value.code == "provider_key_invalid"


@pytest.mark.parametrize(
    ("container", "media_type"),
    [("mov,mp4,m4a,3gp,3g2,mj2", "video/mp4"), ("matroska,webm", "video/webm"), ("avi", "video/x-msvideo"),
     ("mpegts", "video/mpeg"), ("something", "video/mp4")],
)  # fmt: skip
def test_the_service_is_told_what_it_gets(container: str, media_type: str) -> None:
    """A video goes under the media type of what it really is, whatever its client called it."""
    assert media_type_of(container) == media_type
