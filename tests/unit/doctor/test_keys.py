"""What the examination of keys says, and what it never says."""

from __future__ import annotations

import pytest

from infra.doctor.findings import Level
from infra.doctor.keys import check_keys
from infra.stand_ins.server import RecordedRequest, Reply, StandInServer
from shared.settings import read_settings

OPENAI = "sk-proj-" + "a1B2" * 12
GEMINI = "AIza" + "x" * 35
APIFY = "apify_api_" + "k3Y" * 12
Found = dict[str, tuple[Level, str]]


def check(online: bool = False, **environ: str) -> Found:
    findings = list(check_keys(read_settings(environ), online))
    text = "".join(f"{row.said}{row.advice}" for row in findings)
    for name, value in environ.items():
        assert value.strip() not in text or not name.endswith(("KEY", "TOKEN"))
    return {row.subject: (row.level, row.said) for row in findings}


def test_keys_of_the_services_own_form_are_good() -> None:
    """Keys as the services give them out are taken for what they are, and not shown."""
    rows = check(OPENAI_API_KEY=OPENAI, GEMINI_API_KEY=GEMINI, APIFY_TOKEN=APIFY)
    assert {subject: level for subject, (level, _) in rows.items()} == dict.fromkeys(
        ("OPENAI_API_KEY", "GEMINI_API_KEY", "APIFY_TOKEN"), Level.GOOD
    )


@pytest.mark.parametrize("key", ["sk-short", f" {OPENAI}", f'"{OPENAI}"', "AIza" + "x" * 35])
def test_keys_that_were_copied_badly_are_problems(key: str) -> None:
    """Half a key, a quoted one and another service's are told apart from a good one without showing them."""
    assert check(OPENAI_API_KEY=key)["OPENAI_API_KEY"][0] is Level.PROBLEM


def test_a_compatible_server_has_keys_of_its_own_form() -> None:
    """Whoever runs an own server behind OPENAI_BASE_URL is not told how OpenAI's keys look."""
    rows = check(OPENAI_API_KEY="none-needed", OPENAI_BASE_URL="http://localhost:1234/v1")
    assert rows["OPENAI_API_KEY"][0] is Level.GOOD


def test_a_provider_that_is_asked_for_without_a_key_is_a_problem() -> None:
    """AI_PROVIDER=openai without OPENAI_API_KEY is found before the first job fails."""
    assert check(AI_PROVIDER="openai")["AI_PROVIDER"][0] is Level.PROBLEM
    assert check(AI_PROVIDER_RECIPE="gemini", OPENAI_API_KEY=OPENAI)["AI_PROVIDER_RECIPE"][0] is Level.PROBLEM
    assert check()["AI"][0] is Level.NOTE


def test_a_provider_without_a_key_can_be_configured_too() -> None:
    """A compatible server and Vertex AI need no key: nothing is missing, and videos are not analyzed offline only."""
    for environ in ({"OPENAI_BASE_URL": "http://localhost:1234/v1"}, {"GOOGLE_GENAI_USE_VERTEXAI": "true"}):
        provider = "openai" if "OPENAI_BASE_URL" in environ else "gemini"
        assert check(AI_PROVIDER=provider, **environ) == {}


class Service(StandInServer):
    def reply_to(self, request: RecordedRequest) -> Reply:
        good = (
            request.headers.get("authorization") == f"Bearer {OPENAI}"
            or request.headers.get("x-goog-api-key") == GEMINI
        )
        return Reply({"data": []}, 200 if good and "models" in request.path else 401)


def test_services_are_asked_only_when_that_is_wanted() -> None:
    """Online, a service that takes the key says so and one that refuses it is a problem; else nobody is asked."""
    with Service() as service:
        bases = {
            "OPENAI_BASE_URL": f"{service.url}/v1",
            "GOOGLE_GEMINI_BASE_URL": service.url,
            "APIFY_BASE_URL": service.url,
        }
        environ_keys = {"OPENAI_API_KEY": OPENAI, "GEMINI_API_KEY": GEMINI, "APIFY_TOKEN": APIFY, **bases}
        check(**environ_keys)
        assert not service.requests
        rows = check(online=True, **environ_keys)
    assert [rows[f"{name} online"][0] for name in ("OpenAI", "Gemini", "Apify")] == [
        Level.GOOD,
        Level.GOOD,
        Level.PROBLEM,
    ]
    offline = check(online=True, **environ_keys)
    assert "cannot be reached" in offline["OpenAI online"][1]
