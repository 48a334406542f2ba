"""Calls to OpenAI, or to a server that speaks its protocol, and what their failures mean for a job."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from shared.ai.structured_output import analysis_refused_error
from shared.errors import ClipwiseError, PermanentError, TransientError
from shared.settings import Settings

if TYPE_CHECKING:
    from openai import OpenAI, OpenAIError

RETRIES = 2
"""By the SDK, for timeouts, 429 and 5xx, after the pause that `Retry-After` asks for; it waits two minutes at most."""
OPENAI_URL = "https://api.openai.com/v1"
"""Named, because the SDK takes an empty variable in the environment at its word."""
NO_KEY = "none"
"""What a compatible server that wants no key is sent."""
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
    """Failures of the SDK inside it leave it as ours.

    Raises:
        PermanentError: `provider_key_invalid`, `provider_request_invalid`, `refused`.
        TransientError: `provider_busy`, `provider_quota`, `provider_unavailable`.
    """
    from openai import OpenAIError

    try:
        yield
    except OpenAIError as error:
        raise to_clipwise_error(error) from error
    # The first is a body that is no JSON, the second the SDK's word for an embedding answer without embeddings.
    except (json.JSONDecodeError, ValueError) as error:
        raise unavailable_error() from error


@contextmanager
def optional_feature(feature: str) -> Iterator[None]:
    """Like `told`, for what not every compatible server has: without it, PermanentError `provider_cannot`."""
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
    """What a failure of the service means for the job, once the SDK has tried again as often as it does."""
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
