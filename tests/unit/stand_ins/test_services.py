"""What `clipwise up --fake-ai` does to its own environment."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from infra.stand_ins.services import stand_in_services
from shared.ai.fallback import provider_order
from shared.settings import read_settings

REAL = {
    "OPENAI_API_KEY": "sk-real",
    "OPENAI_ADMIN_KEY": "sk-admin-real",
    "OPENAI_ORG_ID": "org-real",
    "OPENAI_BASE_URL": "https://real.example/v1",
    "OPENAI_MODEL": "real-model",
    "GEMINI_API_KEY": "AIza-real",
    "GOOGLE_API_KEY": "AIza-real",
    "GOOGLE_GENAI_USE_VERTEXAI": "true",
    "GOOGLE_GEMINI_BASE_URL": "https://real.example",
    "APIFY_TOKEN": "apify_real",
    "APIFY_BASE_URL": "https://real.example",
    "APIFY_TIKTOK_ACTOR": "real/actor",
    "SOURCES": "yt-dlp",
}
OTHERS = {"AI_PROVIDER_REEL": "openai", "MAX_FILE_SIZE_MB": "5", "ALLOW_HOSTS": "nas:80"}


def test_what_is_for_the_real_services_is_not_there() -> None:
    """A developer's keys, servers and models are out of everyone's sight meanwhile, and there again afterwards."""
    environ = REAL | OTHERS
    with stand_in_services(environ):
        assert not [name for name, value in environ.items() if "real" in value or value == "yt-dlp"]
        chosen = read_settings(environ)
        servers = (chosen.openai_base_url, chosen.google_gemini_base_url, chosen.apify_base_url)
        assert all(url.startswith("http://127.0.0.1:") for url in servers)
        assert not chosen.google_genai_use_vertexai
        assert chosen.sources == "apify"
        assert OTHERS.items() <= environ.items()
    assert environ == REAL | OTHERS
    with pytest.raises(httpx.ConnectError):
        httpx.get(chosen.apify_base_url, trust_env=False)


@pytest.mark.parametrize(
    ("chosen_order", "order"),
    [({}, ["gemini", "openai"]), ({"AI_PROVIDER": "openai"}, ["openai"]), ({"AI_PROVIDER": "offline"}, ["offline"])],
)
def test_who_is_stood_in_for_can_be_chosen(chosen_order: dict[str, str], order: list[str]) -> None:
    """AI_PROVIDER says whose answers are made up, as it says who is asked otherwise."""
    environ = dict(chosen_order)
    with stand_in_services(environ):
        assert provider_order("recipe", read_settings(environ)) == order


def test_a_request_that_a_service_would_refuse_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """A developer who breaks a request reads what is wrong with it, and the stand-ins go on."""
    environ: dict[str, str] = {}
    with stand_in_services(environ):
        headers = {"Authorization": f"Bearer {environ['OPENAI_API_KEY']}"}
        url = f"{environ['OPENAI_BASE_URL']}/chat/completions"
        bad = httpx.post(url, headers=headers, json={"model": "m", "messages": [], "top": 1}, trust_env=False)
        assert bad.status_code == 400
        body = {
            "model": "m",
            "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}],
        }
        good = httpx.post(url, headers=headers, json=body, trust_env=False)
        assert "“Hi”" in good.json()["choices"][0]["message"]["content"]
    assert "unknown parameter top" in caplog.text


def test_keys_of_real_services_are_no_keys_here() -> None:
    """The stand-ins want the key that is made for them: nobody sends them a real one by mistake unnoticed."""
    environ: dict[str, str] = {}
    with stand_in_services(environ):
        answer = httpx.get(
            f"{environ['APIFY_BASE_URL']}/v2/actor-runs/run1", headers={"Authorization": "Bearer real"}, trust_env=False
        )
    assert answer.status_code == 401


def test_nothing_is_drawn_before_it_is_asked_for() -> None:
    """Starting the stand-ins loads no drawing, encoding or AI library: `clipwise up --fake-ai` is ready at once."""
    code = (
        "import sys, infra.stand_ins.services; "
        "print([name for name in ('av', 'PIL', 'numpy', 'cv2', 'openai', 'google.genai') if name in sys.modules])"
    )
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3]
    )
    assert process.stdout.strip() == "[]"
