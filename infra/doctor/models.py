"""Checks that the configured models of the AI services exist, and that none of them is about to end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, get_args

import httpx

from infra.api_client import open_client
from infra.doctor.findings import DoctorFinding, Findings, note, problem
from shared import clock
from shared.ai.openai.endpoint import endpoint_for, is_configured
from shared.ai.provider import Task
from shared.ai.service_models import service_models
from shared.settings import Settings

WARNING_DAYS = 200
"""How long before a model's end the warnings begin."""
TIMEOUT_SEC = 15
GEMINI_URL = "https://generativelanguage.googleapis.com"


@dataclass(frozen=True)
class ConfiguredModel:
    """A model that the settings name.

    Attributes:
        list_url: Where its service lists its models; "" if it has no such list for the configured identity.
        is_vendor: Whether the service is the vendor itself, whose list is complete.
    """

    provider: str
    name: str
    variable: str
    list_url: str
    is_vendor: bool
    headers: tuple[tuple[str, str], ...]


def check_models(settings: Settings, online: bool) -> Findings:
    """Report models that end soon, by the table of models and, online, by the lists of the services themselves."""
    lists: dict[tuple[str, tuple[tuple[str, str], ...]], Mapping[str, Mapping[str, Any]] | None] = {}
    for model in dict.fromkeys(configured_models(settings)):
        known = service_models().find(model.provider, model.name) if model.is_vendor else None
        ends = known.ends if known else None
        if online and model.list_url:
            key = (model.list_url, model.headers)
            if key not in lists:
                lists[key] = list_models(model)
            if (listed := lists[key]) is not None:
                entry = find_model(listed, model.name)
                if entry is None:
                    yield missing_model(model, listed)
                    continue
                ends = parse_date(entry.get("shutdown_date")) or ends
        if ends and (ends - clock.now().date()).days <= WARNING_DAYS:
            yield ending_model(model, ends, known.replacement if known else "")


def configured_models(settings: Settings) -> list[ConfiguredModel]:
    models = []
    for task in get_args(Task):
        if not is_configured(task, settings):
            continue
        endpoint = endpoint_for(task, settings)
        headers = (("Authorization", f"Bearer {endpoint.api_key}"),) if endpoint.api_key else ()
        url = f"{endpoint.base_url}/models"
        models.append(
            ConfiguredModel("openai", endpoint.model, endpoint.model_setting, url, endpoint.is_vendor, headers)
        )
    if settings.gemini_api_key or settings.google_genai_use_vertexai:
        url = f"{(settings.google_gemini_base_url or GEMINI_URL).rstrip('/')}/v1beta/models?pageSize=1000"
        headers = (("x-goog-api-key", settings.gemini_api_key),)
        for name, variable in (
            (settings.gemini_model, "GEMINI_MODEL"),
            (settings.gemini_embed_model, "GEMINI_EMBED_MODEL"),
        ):
            has_list = not settings.google_genai_use_vertexai
            models.append(ConfiguredModel("gemini", name, variable, url if has_list else "", True, headers))
    return models


def list_models(model: ConfiguredModel) -> dict[str, dict[str, Any]] | None:
    """Return the service's models by name; None if it does not list them."""
    try:
        with open_client(model.list_url, dict(model.headers)) as client:
            response = client.get(model.list_url, timeout=TIMEOUT_SEC)
        body = response.json() if response.is_success else None
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        return None
    rows = (body.get("data") or body.get("models")) if isinstance(body, dict) else None
    if not isinstance(rows, list) or not rows:
        return None
    names = ((str(row.get("id") or row.get("name", "")), row) for row in rows if isinstance(row, dict))
    return {name.removeprefix("models/"): row for name, row in names}


def find_model(listed: Mapping[str, Mapping[str, Any]], name: str) -> Mapping[str, Any] | None:
    """Return the entry of a model; Ollama lists models without a tag as `:latest`."""
    return listed.get(name, listed.get(f"{name}:latest"))


def parse_date(text: object) -> date | None:
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        return None


def missing_model(model: ConfiguredModel, listed: Mapping[str, Any]) -> DoctorFinding:
    outcome = f"{model.name} is not in the list of {model.list_url.partition('?')[0]}"
    advice = f"set {model.variable} to one of: {', '.join(sorted(listed)[:10])}"
    # A compatible server may accept other names, such as aliases, or use the model that it has.
    return problem(model.variable, outcome, advice) if model.is_vendor else note(model.variable, outcome, advice)


def ending_model(model: ConfiguredModel, ends: date, replacement: str) -> DoctorFinding:
    advice = f"set {model.variable} to {replacement or 'another model'} before that day"
    if ends <= clock.now().date():
        return problem(
            model.variable, f"{model.name} ended on {ends:%Y-%m-%d}", advice.removesuffix(" before that day")
        )
    return note(model.variable, f"{model.name} ends on {ends:%Y-%m-%d}", advice)
