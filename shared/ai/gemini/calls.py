"""Calls to Gemini's API, by key or through Vertex AI: tried again where that makes sense, and what their failures mean.

The SDK's own retries do not look at `Retry-After`, so they are off and this is instead of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from json import JSONDecodeError
from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

from shared.clock import parse_retry_after
from shared.errors import ClipwiseError, PermanentError, TransientError
from shared.progress import Tick
from shared.settings import Settings

if TYPE_CHECKING:
    from google.genai import Client
    from google.genai.errors import APIError

T = TypeVar("T")

TRIES = 3
FIRST_PAUSE_SEC = 1.0
"""Before the second try, when the service names no time; doubles."""
LONGEST_PAUSE_SEC = 30.0
"""When the service asks for a longer one, the stage's backoff is the better place to wait."""
PASSING = frozenset((408, 429, 500, 502, 503, 504))
KEY_PROBLEMS = frozenset((401, 403))


def connected(settings: Settings) -> Client:
    """Raises PermanentError `provider_key_invalid` for Vertex AI without an identity or a project."""
    from google.auth.exceptions import GoogleAuthError
    from google.genai import Client
    from google.genai.types import HttpOptions

    options = HttpOptions(base_url=settings.google_gemini_base_url or None, timeout=int(settings.ai_timeout_sec * 1000))
    if settings.google_genai_use_vertexai:
        try:
            return Client(
                vertexai=True,
                project=settings.google_cloud_project or None,
                location=settings.google_cloud_location,
                http_options=options,
            )
        except (GoogleAuthError, ValueError) as error:
            raise key_invalid() from error
    return Client(vertexai=False, api_key=settings.gemini_api_key, http_options=options)


def patiently(call: Callable[[], T], tick: Tick) -> T:
    """What `call` returns, in at most TRIES tries.

    Raises:
        PermanentError: `provider_key_invalid`, `provider_request_invalid`.
        TransientError: `provider_busy`, `provider_unavailable`.
    """
    for number in range(TRIES):
        try:
            return call()
        except failures() as error:
            problem = problem_of(error)
            pause = pause_asked_for(error, FIRST_PAUSE_SEC * 2**number)
            if not problem.retryable or number + 1 == TRIES or pause > LONGEST_PAUSE_SEC:
                raise problem from error
        wait(pause, tick)
    raise AssertionError("every try returns or raises")


@contextmanager
def told() -> Iterator[None]:
    """Failures of the SDK inside it leave it as what `patiently` raises, without another try."""
    try:
        yield
    except failures() as error:
        raise problem_of(error) from error


def failures() -> tuple[type[Exception], ...]:
    """All that the SDK raises when a call fails."""
    import httpx2
    from google.auth.exceptions import GoogleAuthError
    from google.genai.errors import APIError, UnknownApiResponseError

    return (
        APIError,
        GoogleAuthError,
        httpx2.HTTPError,
        OSError,
        UnknownApiResponseError,
        JSONDecodeError,
        ValidationError,
    )


def problem_of(error: Exception) -> ClipwiseError:
    from google.auth.exceptions import GoogleAuthError
    from google.genai.errors import APIError

    if isinstance(error, APIError):
        return error_for(error)
    if isinstance(error, GoogleAuthError) and not error.retryable:
        return key_invalid()
    return unavailable()


def wait(seconds: float, tick: Tick) -> None:
    """Sleep, and stop soon when the job is cancelled."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        tick(0, "Waiting for Gemini")
        time.sleep(min(left, 1))


def pause_asked_for(error: Exception, otherwise: float) -> float:
    """Seconds until the service wants to be asked again: its `Retry-After`, else the `RetryInfo` of its error."""
    from google.genai.errors import APIError

    if not isinstance(error, APIError):
        return otherwise
    delay = getattr(error.response, "headers", {}).get("retry-after", "")
    if not delay:
        details = error.details.get("error", {}).get("details", []) if isinstance(error.details, dict) else []
        delays = [detail["retryDelay"] for detail in details if isinstance(detail, dict) and "retryDelay" in detail]
        delay = str(delays[0]).removesuffix("s") if delays else ""
    seconds = parse_retry_after(delay)
    return otherwise if seconds is None else seconds


def error_for(error: APIError) -> ClipwiseError:
    if error.code in KEY_PROBLEMS or "API_KEY_INVALID" in str(error.details):
        return key_invalid()
    if error.code == 429:
        return TransientError("provider_busy", "Gemini accepts no more requests at present. Try again later.")
    if error.code in PASSING:
        return unavailable()
    return PermanentError(
        "provider_request_invalid",
        f"Gemini rejected the request (status {error.code}). Check GEMINI_MODEL and GEMINI_EMBED_MODEL.",
    )


def key_invalid() -> PermanentError:
    return PermanentError(
        "provider_key_invalid",
        "Gemini rejected the API key or identity. Check GEMINI_API_KEY or the Vertex AI permissions.",
    )


def unavailable() -> TransientError:
    return TransientError("provider_unavailable", "Gemini does not respond. Try again later.")
