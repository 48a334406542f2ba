"""The environment is read at the start, where a mistake can still be told."""

from __future__ import annotations

import pytest

from shared.settings import SettingsError, read_settings


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("PUBLIC_URL", "clips.example"),
        ("PUBLIC_URL", "https://clips.example/?a"),
        ("DEFAULT_LANGUAGE", "English please"),
        ("DEFAULT_LANGUAGE", "en, de"),
        ("FRONTEND_URL", "app.example"),
        ("FRONTEND_URL", "https://app.example, *"),
        ("FRONTEND_URL", "https://app.example/page"),
        ("ALLOW_HOSTS", "nas:445, nas"),
        ("ALLOW_HOSTS", "nas:0"),
        ("ALLOW_HOSTS", "nas:80,cam:65536"),
        ("ALLOW_HOSTS", "nas:8000-9000"),
        ("ALLOW_HOSTS", "[::g]:80"),
        ("ALLOW_HOSTS", "[fe80::1%eth0]:80"),
        ("ALLOW_HOSTS", "10.0.0.999:80"),
        ("ALLOW_HOSTS", "http://nas:80"),
        ("MAX_FILE_SIZE_MB", "0"),
        ("AUTH_REQUIRED", "maybe"),
        ("RATE_LIMIT_GENERAL", "100"),
        ("RATE_LIMIT_START", "10 per minute"),
        ("RATE_LIMIT_RETRY", "0/minute"),
        ("TRUSTED_PROXIES", "-1"),
    ],
)
def test_a_wrong_value_is_told_by_its_name(key: str, value: str) -> None:
    """Who mistypes a setting reads its name and the value, instead of errors in every later request."""
    with pytest.raises(SettingsError, match=f"^{key}: ") as told:
        read_settings({key: value})
    assert repr(value) in str(told.value)


def test_all_wrong_values_are_listed_with_what_is_allowed() -> None:
    """A user corrects all settings at once, and reads what each of them allows."""
    environ = {
        "MAX_FILE_SIZE_MB": "big",
        "SMTP_PORT": "70000",
        "LEASE_SEC": "-1",
        "AUTH_REQUIRED": "maybe",
        "SMTP_SECURITY": "ssl",
        "TRUSTED_PROXIES": "one",
        "AI_PROVIDER": "chatgpt",
        "AI_PROVIDER_RECIPE": "opneai",
        "DEFAULT_LANGUAGE": "English please",
    }
    with pytest.raises(SettingsError) as raised:
        read_settings(environ)
    names = "openai, gemini, offline"
    assert set(raised.value.problems) == {
        "MAX_FILE_SIZE_MB: It must be a whole number greater than 0 (got 'big')",
        "SMTP_PORT: It must be a whole number greater than 0 and at most 65535 (got '70000')",
        "LEASE_SEC: It must be a number greater than 0 (got '-1')",
        "AUTH_REQUIRED: It must be true or false (got 'maybe')",
        "SMTP_SECURITY: It must be starttls, tls or none (got 'ssl')",
        "TRUSTED_PROXIES: It must be a whole number of at least 0 (got 'one')",
        f"AI_PROVIDER: It must be auto, or one or more of {names}, separated by commas (got 'chatgpt')",
        f"AI_PROVIDER_RECIPE: It must be auto, or one or more of {names}, separated by commas (got 'opneai')",
        "DEFAULT_LANGUAGE: It must be a BCP-47 language tag such as en, de or pt-BR (got 'English please')",
    }


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("PUBLIC_URL", "https://clips.example/api/"),
        ("PUBLIC_URL", "http://[::1]:8080"),
        ("DEFAULT_LANGUAGE", "zh-Hant-TW"),
        ("FRONTEND_URL", "https://app.example, http://localhost:3000/,"),
        ("ALLOW_HOSTS", "127.0.0.1:8080, NAS:445 ,[::1]:9000"),
    ],
)
def test_right_values_stay_as_they_are(key: str, value: str) -> None:
    """A value written as docs/configuration.md says is accepted."""
    assert getattr(read_settings({key: value}), key.lower()) == value
