"""The client for OpenAI or a compatible server: prices of its models, and translation of its errors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING

from shared.ai.structured_output import analysis_refused_error
from shared.ai.usage import Price, PriceList
from shared.errors import ClipwiseError, PermanentError, TransientError
from shared.settings import Settings

if TYPE_CHECKING:
    from openai import OpenAI, OpenAIError

JUNE, NOVEMBER = date(2026, 6, 4), date(2026, 11, 20)
PRICES = PriceList(
    "openai",
    {
        "gpt-5.5": Price(JUNE, 5.00, 30.00),
        "gpt-5.4": Price(JUNE, 2.50, 15.00),
        "gpt-5.4-mini": Price(JUNE, 0.75, 4.50),
        "gpt-5.4-nano": Price(JUNE, 0.20, 1.25),
        "whisper-1": Price(NOVEMBER, minute=0.006),
        "gpt-transcribe": Price(NOVEMBER, minute=0.0045),
        "gpt-4o-transcribe": Price(NOVEMBER, 2.50, 10.00, audio_in=6.00),
        "gpt-4o-transcribe-diarize": Price(NOVEMBER, 2.50, 10.00, audio_in=6.00),
        "gpt-4o-mini-transcribe": Price(NOVEMBER, 1.25, 5.00, audio_in=3.00),
        "text-embedding-3-small": Price(NOVEMBER, 0.02),
        "text-embedding-3-large": Price(NOVEMBER, 0.13),
    },
)
RETRIES = 2
"""Retries by the SDK after timeouts, 429 and 5xx. It honors `Retry-After` up to two minutes."""
OPENAI_URL = "https://api.openai.com/v1"
"""Passed explicitly, because the SDK does not ignore an empty OPENAI_BASE_URL in the environment."""
NO_KEY = "none"
"""Sent to a compatible server that needs no key."""
UNSUPPORTED_STATUSES = frozenset((404, 405, 501))


def create_client(settings: Settings) -> OpenAI:
    from openai import OpenAI

    return OpenAI(
        api_key=settings.openai_api_key or NO_KEY,
        base_url=settings.openai_base_url or OPENAI_URL,
        timeout=settings.ai_timeout_sec,
        max_retries=RETRIES,
    )


@contextmanager
def translate_errors() -> Iterator[None]:
    """Translate errors of the SDK.

    Raises:
        PermanentError: `provider_key_invalid`, `provider_request_invalid`, `refused`.
        TransientError: `provider_busy`, `provider_quota`, `provider_unavailable`.
    """
    from openai import OpenAIError

    try:
        yield
    except OpenAIError as error:
        raise to_clipwise_error(error) from error
    # JSONDecodeError: the body is not JSON. ValueError: the SDK's error for a response without embeddings.
    except (json.JSONDecodeError, ValueError) as error:
        raise unavailable_error() from error


@contextmanager
def optional_feature(feature: str) -> Iterator[None]:
    """Translate errors, and raise PermanentError `provider_cannot` if a compatible server lacks the feature."""
    from openai import APIStatusError

    with translate_errors():
        try:
            yield
        except APIStatusError as error:
            if error.status_code in UNSUPPORTED_STATUSES and error.code != "model_not_found":
                raise PermanentError(
                    "provider_cannot",
                    f"The server at OPENAI_BASE_URL does not offer {feature}. Configure another provider.",
                ) from error
            raise


def to_clipwise_error(error: OpenAIError) -> ClipwiseError:
    """Map an SDK error, raised after its retries, to a job error."""
    from openai import APIError, APIStatusError, AuthenticationError, ConflictError, PermissionDeniedError

    code = error.code if isinstance(error, APIError) else None
    status = error.status_code if isinstance(error, APIStatusError) else None
    if isinstance(error, AuthenticationError | PermissionDeniedError):
        return PermanentError("provider_key_invalid", "OpenAI rejected the API key. Check OPENAI_API_KEY.")
    if code == "insufficient_quota":
        return TransientError(
            "provider_quota", "The OpenAI quota is used up. Check the billing of the account, then try again."
        )
    if status == 429 or code == "rate_limit_exceeded":
        return TransientError("provider_busy", "OpenAI accepts no more requests at present. Try again later.")
    if code in ("content_policy_violation", "content_filter"):
        return analysis_refused_error("content policy")
    if status is None or status >= 500 or status == 408 or isinstance(error, ConflictError):
        return unavailable_error()
    return PermanentError(
        "provider_request_invalid",
        f"OpenAI rejected the request (status {status}). Check OPENAI_BASE_URL and the model in OPENAI_MODEL,"
        " OPENAI_TRANSCRIBE_MODEL or OPENAI_EMBED_MODEL.",
    )


def unavailable_error() -> TransientError:
    return TransientError("provider_unavailable", "OpenAI does not respond. Try again later.")
