"""Where each task of the OpenAI provider is sent: OpenAI or a compatible server, with its key and its model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import get_args
from urllib.parse import urlsplit

from shared.ai.provider import Task
from shared.errors import PermanentError
from shared.settings import Settings

OPENAI_URL = "https://api.openai.com/v1"
"""Passed explicitly, because the SDK does not ignore an empty OPENAI_BASE_URL in the environment."""
OPENAI_DOMAINS = ("api.openai.com",)
"""Regional addresses are below it, such as eu.api.openai.com."""
DEFAULT_SPEECH_MODELS = {True: "gpt-transcribe", False: "whisper-1"}
"""By whether the server is OpenAI's. Compatible servers know the second name as an alias of their own model."""
ACTIVITIES: dict[Task, str] = {
    "analyze": "analyses",
    "transcribe": "transcription",
    "embed": "embeddings",
    "chat": "chat completions",
}


@dataclass(frozen=True)
class Endpoint:
    """Where one task is sent.

    Attributes:
        base_url: Without a slash at its end.
        url_setting, key_setting, model_setting: Names of the variables to change.
    """

    task: Task
    base_url: str
    api_key: str = field(repr=False)
    model: str
    url_setting: str
    key_setting: str
    model_setting: str

    @property
    def is_vendor(self) -> bool:
        """Return True for OpenAI's own service, False for a compatible server."""
        host = urlsplit(self.base_url).hostname or ""
        return any(host == domain or host.endswith(f".{domain}") for domain in OPENAI_DOMAINS)

    @property
    def name(self) -> str:
        """The service in a sentence."""
        return "OpenAI" if self.is_vendor else f"The server at {self.url_setting}"

    @property
    def activity(self) -> str:
        """The task in a sentence."""
        return ACTIVITIES[self.task]


def endpoint_for(task: Task, settings: Settings) -> Endpoint:
    """Return the endpoint of a task.

    Raises PermanentError `provider_key_missing` if nothing is configured, `provider_cannot` if only other tasks are.
    """
    endpoint = _read_endpoint(task, settings)
    if endpoint.api_key or not endpoint.is_vendor:
        return endpoint
    if any(is_configured(other, settings) for other in get_args(Task)):
        raise PermanentError(
            "provider_cannot",
            f"No server is configured for {endpoint.activity}. Set OPENAI_API_KEY or {_variable(task, 'base_url')}.",
        )
    raise PermanentError("provider_key_missing", "OpenAI is selected but has no API key. Set OPENAI_API_KEY.")


def is_configured(task: Task, settings: Settings) -> bool:
    """Return True if the task has a key, or a compatible server, which may need none."""
    endpoint = _read_endpoint(task, settings)
    return bool(endpoint.api_key) or not endpoint.is_vendor


def _read_endpoint(task: Task, settings: Settings) -> Endpoint:
    common_url = _strip(settings.openai_base_url or OPENAI_URL)
    own_url, own_key = _strip(_own(task, "base_url", settings)), _own(task, "api_key", settings)
    base_url = own_url or common_url
    # The common key belongs to the common address.
    api_key = own_key or (settings.openai_api_key if base_url == common_url else "")
    url_setting = _variable(task, "base_url") if own_url else "OPENAI_BASE_URL"
    key_setting = _variable(task, "api_key") if own_key or base_url != common_url else "OPENAI_API_KEY"
    endpoint = Endpoint(task, base_url, api_key, "", url_setting, key_setting, "")
    model, model_setting = _model(endpoint, settings)
    return Endpoint(task, base_url, api_key, model, url_setting, key_setting, model_setting)


def _model(endpoint: Endpoint, settings: Settings) -> tuple[str, str]:
    """Return the model and the variable to change it."""
    own, variable = _own(endpoint.task, "model", settings), _variable(endpoint.task, "model")
    if endpoint.task == "transcribe":
        return own or DEFAULT_SPEECH_MODELS[endpoint.is_vendor], variable
    if own or endpoint.url_setting == _variable(endpoint.task, "base_url"):
        return own or settings.openai_model, variable
    return settings.openai_model, "OPENAI_MODEL"


def _own(task: Task, what: str, settings: Settings) -> str:
    return str(getattr(settings, _variable(task, what).lower()))


def _variable(task: Task, what: str) -> str:
    return f"OPENAI_{task}_{what}".upper()


def _strip(url: str) -> str:
    return url.rstrip("/")
