"""What a failed request means for a job, by the status and the words of OpenAI and of compatible servers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from shared.ai.openai.endpoint import Endpoint
from shared.ai.structured_output import analysis_refused_error
from shared.errors import ClipwiseError, PermanentError, TransientError

if TYPE_CHECKING:
    from openai import OpenAIError

UNSUPPORTED_STATUSES = frozenset((404, 405, 501))
MODEL_MISSING = re.compile(
    r"model\b.{0,200}?(not found|does not exist|not installed|not exist|not embedding|deprecated)|no models? loaded",
    re.IGNORECASE | re.DOTALL,
)
UNSUPPORTED = re.compile(r"(does|do) not support|not supported|is not (OAI )?compatible|not enabled", re.IGNORECASE)
CONTEXT_EXCEEDED = re.compile(r"(context|maximum) (size|length|window)|exceed_context|n_ctx", re.IGNORECASE)
VERSION_PATH = re.compile(r"/v\d+(/|$)")
MAX_MESSAGE = 1_000


@dataclass(frozen=True)
class ModelAdvice:
    """How a model gets into a server, which is recognized by its words for a missing one."""

    pattern: re.Pattern[str]
    command: str


MODEL_ADVICE = (
    ModelAdvice(re.compile(r"POST /v1/models"), "curl -X POST {base_url}/models/{quoted_model}"),  # speaches
    ModelAdvice(re.compile(r"no models? loaded|failed to load model", re.IGNORECASE), "lms load {model}"),  # LM Studio
    ModelAdvice(re.compile(r"call GET /v1/models"), "local-ai models install {model}"),  # LocalAI
    ModelAdvice(re.compile(r"^The model `.*` does not exist\.$", re.DOTALL), "vllm serve {model}"),
    ModelAdvice(re.compile(r"""^model ["'].*["'] not found""", re.DOTALL), "ollama pull {model}"),
)
WHISPER_CPP_ROUTE = re.compile(r"^File Not Found \(/")


@contextmanager
def translate_errors(endpoint: Endpoint) -> Iterator[None]:
    """Translate errors of the SDK.

    Raises:
        PermanentError: `provider_cannot`, `provider_key_invalid`, `provider_model_missing`, `provider_timeout` (of a
            compatible server), `provider_request_invalid`, `refused`.
        TransientError: `provider_busy`, `provider_quota`, `provider_unavailable`.
    """
    import httpx2
    from openai import OpenAIError

    try:
        yield
    except OpenAIError as error:
        raise to_clipwise_error(error, endpoint) from error
    except httpx2.ReadTimeout as error:
        raise timeout_error(endpoint) from error
    # JSONDecodeError: the body is not JSON. ValueError: the SDK's error for a response without embeddings.
    except (json.JSONDecodeError, ValueError, httpx2.HTTPError) as error:
        raise unavailable_error(endpoint) from error


def to_clipwise_error(error: OpenAIError, endpoint: Endpoint) -> ClipwiseError:
    """Map an SDK error, raised after its retries, to a job error."""
    from openai import (
        APIError,
        APIStatusError,
        APITimeoutError,
        AuthenticationError,
        ConflictError,
        PermissionDeniedError,
    )

    code = error.code if isinstance(error, APIError) else None
    status = error.status_code if isinstance(error, APIStatusError) else None
    words = server_message(error)
    if isinstance(error, AuthenticationError | PermissionDeniedError):
        return PermanentError(
            "provider_key_invalid", f"{endpoint.name} rejected the API key. Check {endpoint.key_setting}."
        )
    if code == "insufficient_quota":
        return TransientError(
            "provider_quota", "The OpenAI quota is used up. Check the billing of the account, then try again."
        )
    if status == 429 or code == "rate_limit_exceeded":
        return busy_error(endpoint)
    if code in ("content_policy_violation", "content_filter"):
        return analysis_refused_error("content policy")
    if code == "model_not_found" or (status is not None and status < 500 and MODEL_MISSING.search(words)):
        return model_missing_error(endpoint, words)
    if status in UNSUPPORTED_STATUSES:
        return unsupported_error(endpoint, words)
    if status == 503 and not endpoint.is_vendor:
        return busy_error(endpoint)
    if isinstance(error, APITimeoutError) and not isinstance(error.__cause__, _connect_timeout()):
        return timeout_error(endpoint)
    if status is None or status >= 500 or status == 408 or isinstance(error, ConflictError):
        return unavailable_error(endpoint)
    if CONTEXT_EXCEEDED.search(words):
        return context_error(endpoint)
    if endpoint.task in ("embed", "transcribe") and UNSUPPORTED.search(words):
        return unsupported_error(endpoint, words)
    return PermanentError(
        "provider_request_invalid",
        f"{endpoint.name} rejected the request (status {status}). Check {endpoint.url_setting} and the model in"
        f" {endpoint.model_setting}.",
    )


def server_message(error: OpenAIError) -> str:
    """Return the words of the server, in whatever form it sends them; "" without any."""
    body = getattr(error, "body", None)
    if isinstance(body, dict):
        # `detail`: FastAPI, as in speaches.
        body = body.get("message") or body.get("detail") or body.get("error")
    return str(body or error)[:MAX_MESSAGE]


def model_missing_error(endpoint: Endpoint, words: str) -> PermanentError:
    place = "OpenAI no longer has" if endpoint.is_vendor else f"{endpoint.name} does not have"
    command = next((advice.command for advice in MODEL_ADVICE if advice.pattern.search(words)), None)
    advice = f"Set {endpoint.model_setting} to a model that it has"
    if command and not endpoint.is_vendor:
        names = {"model": endpoint.model, "quoted_model": quote(endpoint.model, safe="")}
        advice = f"Run `{command.format(base_url=endpoint.base_url, **names)}`, or set {endpoint.model_setting}"
    return PermanentError("provider_model_missing", f"{place} the model {endpoint.model}. {advice}.")


def unsupported_error(endpoint: Endpoint, words: str) -> PermanentError:
    """Return the error for a path or a feature that the server lacks, or for a wrong address."""
    if not endpoint.is_vendor and not VERSION_PATH.search(urlsplit(endpoint.base_url).path):
        return PermanentError(
            "provider_request_invalid",
            f"{endpoint.name} offers no {endpoint.activity} at this address, which has no `/v1`. Set"
            f" {endpoint.url_setting} to {endpoint.base_url}/v1.",
        )
    if WHISPER_CPP_ROUTE.search(words) and endpoint.task == "transcribe":
        advice = "Start whisper.cpp with `--inference-path /v1/audio/transcriptions`."
    else:
        advice = "Configure another provider."
    return PermanentError("provider_cannot", f"{endpoint.name} does not offer {endpoint.activity}. {advice}")


def context_error(endpoint: Endpoint) -> PermanentError:
    return PermanentError(
        "provider_request_invalid",
        f"The video's text and pictures exceed the context of the model {endpoint.model}. Start the server with a"
        " larger context, such as `OLLAMA_CONTEXT_LENGTH=16384` or `llama-server --ctx-size 16384`.",
    )


def timeout_error(endpoint: Endpoint) -> ClipwiseError:
    """Return the error for silence: of OpenAI it passes, but a slow server would be as slow the next time."""
    if endpoint.is_vendor:
        return unavailable_error(endpoint)
    return PermanentError(
        "provider_timeout",
        f"{endpoint.name} sent nothing for as long as AI_TIMEOUT_SEC allows. Raise it, or use a smaller model.",
    )


def busy_error(endpoint: Endpoint) -> TransientError:
    return TransientError("provider_busy", f"{endpoint.name} accepts no more requests at present. Try again later.")


def unavailable_error(endpoint: Endpoint) -> TransientError:
    return TransientError("provider_unavailable", f"{endpoint.name} does not respond. Try again later.")


def _connect_timeout() -> type[Exception]:
    import httpx2

    return httpx2.ConnectTimeout
