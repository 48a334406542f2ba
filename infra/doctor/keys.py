"""Checks API keys: their format and, on request, whether the services accept them. Never prints a key."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import get_args

import httpx

from infra.api_client import open_client
from infra.doctor.findings import DoctorFinding, Findings, good, note, problem
from shared.ai.fallback import PROVIDERS
from shared.ai.openai.endpoint import endpoint_for, is_configured
from shared.ai.provider import Task
from shared.settings import Settings


@dataclass(frozen=True)
class ApiKey:
    """The API key of a service.

    Attributes:
        pattern: Regular expression that the service's own keys match.
        check_url: A URL that returns 200 for a valid key, free of charge.
        is_official: Whether the URL belongs to the service itself, not to a compatible server.
    """

    variable: str
    service: str
    pattern: str
    check_url: str
    is_official: bool
    value: str = field(repr=False)
    headers: dict[str, str] = field(repr=False)


def read_keys(settings: Settings) -> Iterator[ApiKey]:
    """Yield the keys that are set."""
    gemini, apify = settings.gemini_api_key, settings.apify_token
    bases = settings.google_gemini_base_url, settings.apify_base_url
    endpoints = [endpoint_for(task, settings) for task in get_args(Task) if is_configured(task, settings)]
    for endpoint in {endpoint.key_setting: endpoint for endpoint in endpoints if endpoint.api_key}.values():
        bearer = {"Authorization": f"Bearer {endpoint.api_key}"}
        url, is_vendor = f"{endpoint.base_url}/models", endpoint.is_vendor
        name = "OpenAI" if endpoint.key_setting == "OPENAI_API_KEY" else endpoint.key_setting
        yield ApiKey(endpoint.key_setting, name, r"sk-[\w-]{20,}", url, is_vendor, endpoint.api_key, bearer)
    if gemini:
        url = f"{(bases[0] or 'https://generativelanguage.googleapis.com').rstrip('/')}/v1beta/models?pageSize=1"
        headers = {"x-goog-api-key": gemini}
        yield ApiKey("GEMINI_API_KEY", "Gemini", r"AIza[\w-]{35}|AQ\.[\w.-]{20,}", url, not bases[0], gemini, headers)
    if apify:
        url = f"{(bases[1] or 'https://api.apify.com').rstrip('/')}/v2/users/me"
        bearer = {"Authorization": f"Bearer {apify}"}
        yield ApiKey("APIFY_TOKEN", "Apify", r"apify_api_\w{20,}", url, not bases[1], apify, bearer)


def check_keys(settings: Settings, online: bool) -> Findings:
    for key in read_keys(settings):
        yield check_format(key)
        if online:
            yield verify_key(key)
    tasks: tuple[Task, ...] = get_args(Task)
    if not any(entry.is_configured(settings, task) for entry in PROVIDERS.values() for task in tasks):
        variables = " or ".join(entry.key_settings[0].upper() for entry in PROVIDERS.values() if entry.key_settings)
        yield note("AI", "no API key: videos are analyzed offline only", f"set {variables} to use an AI provider")
    for name, order in {"AI_PROVIDER": settings.ai_provider, **settings.ai_provider_kind}.items():
        yield from check_providers(name, order, settings)


def check_format(key: ApiKey) -> DoctorFinding:
    if key.value != key.value.strip() or key.value[0] in "\"'":
        return problem(key.variable, "surrounded by spaces or quotes", "set it without them")
    if not key.is_official:
        return good(key.variable, f"set, for the server at {key.check_url.partition('?')[0]}")
    if not re.fullmatch(key.pattern, key.value):
        outcome = f"not in the format of a key of {key.service} ({len(key.value)} characters)"
        return problem(key.variable, outcome, "copy the whole key again from the service's console")
    return good(key.variable, f"set, in the format of a key of {key.service}")


def verify_key(key: ApiKey) -> DoctorFinding:
    """Verify the key with a request to the service."""
    subject, address = f"{key.service} online", key.check_url.partition("?")[0]
    try:
        with open_client(key.check_url, key.headers) as client:
            status = client.get(key.check_url, timeout=15).status_code
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeEncodeError) as error:
        return problem(subject, f"{address} cannot be reached ({type(error).__name__})", "check network and proxy")
    if status == 200:
        return good(subject, "the key is accepted")
    if status in (400, 401, 403):
        return problem(subject, f"the key is rejected ({status})", f"create a new key and set {key.variable}")
    if status == 429:
        return problem(subject, "the limit is exceeded (429)", "check limits and credit in the service's console")
    return problem(subject, f"{address} returns {status}", "check the service's status page, or try again later")


def check_providers(name: str, order: str, settings: Settings) -> Findings:
    """Report selected providers without a key."""
    for provider in order.split(","):
        entry = PROVIDERS.get(provider)
        if entry and entry.key_settings and not any(entry.is_configured(settings, task) for task in get_args(Task)):
            variable = name if name == "AI_PROVIDER" else f"AI_PROVIDER_{name.upper()}"
            advice = f"set {entry.key_settings[0].upper()}, or remove {provider} from {variable}"
            yield problem(variable, f"contains {provider}, which has no API key", advice)
