"""Examines keys for services: their form, and, if asked for, whether they are taken. No key is ever shown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from infra.doctor.finding import Finding, Findings, good, note, problem
from shared.settings import Settings


@dataclass(frozen=True)
class Key:
    """A service's key.

    Attributes:
        form: What the service's own keys look like.
        ask: An address that answers 200 to a good key and costs nothing.
        own: Whether it is the service itself that is asked, and not a server that speaks its protocol.
    """

    variable: str
    service: str
    form: str
    ask: str
    own: bool
    value: str = field(repr=False)
    headers: dict[str, str] = field(repr=False)


def keys(settings: Settings) -> Iterator[Key]:
    """Those that are set."""
    openai, gemini, apify = settings.openai_api_key, settings.gemini_api_key, settings.apify_token
    bases = settings.openai_base_url, settings.google_gemini_base_url, settings.apify_base_url
    if openai:
        url = f"{(bases[0] or 'https://api.openai.com/v1').rstrip('/')}/models"
        bearer = {"Authorization": f"Bearer {openai}"}
        yield Key("OPENAI_API_KEY", "OpenAI", r"sk-[\w-]{20,}", url, not bases[0], openai, bearer)
    if gemini:
        url = f"{(bases[1] or 'https://generativelanguage.googleapis.com').rstrip('/')}/v1beta/models?pageSize=1"
        named = {"x-goog-api-key": gemini}
        yield Key("GEMINI_API_KEY", "Gemini", r"AIza[\w-]{35}|AQ\.[\w.-]{20,}", url, not bases[1], gemini, named)
    if apify:
        url = f"{(bases[2] or 'https://api.apify.com').rstrip('/')}/v2/users/me"
        bearer = {"Authorization": f"Bearer {apify}"}
        yield Key("APIFY_TOKEN", "Apify", r"apify_api_\w{20,}", url, not bases[2], apify, bearer)


def check_keys(settings: Settings, online: bool) -> Findings:
    found = list(keys(settings))
    for key in found:
        yield form_of(key)
        if online:
            yield taken(key)
    if not any(key.service in ("OpenAI", "Gemini") for key in found) and not settings.google_genai_use_vertexai:
        advice = "set OPENAI_API_KEY or GEMINI_API_KEY for more"
        yield note("AI", "no key: only what can be read offline comes out of a video", advice)
    for name, order in {"AI_PROVIDER": settings.ai_provider, **settings.ai_provider_kind}.items():
        yield from unkeyed(name, order, {key.service.lower() for key in found}, settings)


def form_of(key: Key) -> Finding:
    if key.value != key.value.strip() or key.value[0] in "\"'":
        return problem(key.variable, "there are blanks or quotes around it", "set it without them")
    if not key.own:
        return good(key.variable, f"set, for the server at {key.ask.partition('?')[0]}")
    if not re.fullmatch(key.form, key.value):
        said = f"set, but it does not look like a key of {key.service} ({len(key.value)} characters)"
        return problem(key.variable, said, "copy it again from the service's console, whole")
    return good(key.variable, f"set, and looks like a key of {key.service}")


def taken(key: Key) -> Finding:
    """Ask the service."""
    import httpx

    from infra.client.api import open_client

    subject, address = f"{key.service} online", key.ask.partition("?")[0]
    try:
        with open_client(key.ask, key.headers) as client:
            status = client.get(key.ask, timeout=15).status_code
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeEncodeError) as error:
        return problem(subject, f"{address} cannot be reached ({type(error).__name__})", "check network and proxy")
    if status == 200:
        return good(subject, "it takes the key")
    if status in (400, 401, 403):
        return problem(subject, f"it refuses the key ({status})", f"make a new one and set {key.variable}")
    if status == 429:
        return problem(subject, "it takes no more for now (429)", "look at limits and credit in its console")
    return problem(subject, f"{address} answers {status}", "look at the service's status page, or try again later")


def unkeyed(name: str, order: str, services: set[str], settings: Settings) -> Findings:
    """Providers that are asked for and have no key."""
    if settings.google_genai_use_vertexai:
        services = services | {"gemini"}
    for provider in order.split(","):
        if provider in ("openai", "gemini") and provider not in services:
            variable = name if name == "AI_PROVIDER" else f"AI_PROVIDER_{name.upper()}"
            advice = f"set {provider.upper()}_API_KEY, or take it out of {variable}"
            yield problem(variable, f"it names {provider}, which has no key", advice)
